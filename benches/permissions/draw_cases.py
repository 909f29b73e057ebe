"""Draws cases for `overgrant simulate` and for evaluators beside it: draw_cases.py N SEED > cases.ndjson

Everything that a policy names is drawn from what the request has, or nearly has, so that patterns, conditions and principals match
about as often as they do not. What the evaluators are known to differ in by intention (unreadable documents) is not drawn.
"""

import json
import random
import sys

A, B = "111122223333", "444455556666"
REQUESTS = [
    ("s3:GetObject", "arn:aws:s3:::bucket/people/bob/a", None),
    ("s3:PutObject", "arn:aws:s3:::bucket/x", None),
    ("s3:DeleteBucket", "arn:aws:s3:::bucket", None),
    ("s3:ListAllMyBuckets", "*", None),
    ("ec2:RunInstances", f"arn:aws:ec2:eu-west-1:{A}:instance/*", A),
    ("ec2:DescribeInstances", "*", None),
    ("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{A}:q", A),
    ("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{B}:q", B),
    ("iam:PassRole", f"arn:aws:iam::{A}:role/target", A),
    ("kms:Decrypt", f"arn:aws:kms:eu-west-1:{A}:key/1234abcd-12ab-34cd-56ef-1234567890ab", A),
    ("sts:AssumeRole", f"arn:aws:iam::{A}:role/target", A),
    ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:eu-west-1:{A}:secret:s-AbCdEf", A),
]
PRINCIPALS = [f"arn:aws:iam::{A}:user/bob", f"arn:aws:sts::{A}:assumed-role/app/s1", f"arn:aws:iam::{B}:user/carol"]
KEYS = {
    "aws:SourceIp": (["203.0.113.7", "198.51.100.1"], ["IpAddress", "NotIpAddress"], ["203.0.113.0/24", "198.51.100.1"]),
    "aws:MultiFactorAuthPresent": (["true", "false"], ["Bool"], ["true", "false"]),
    "aws:CurrentTime": (["2026-11-29T10:00:00Z", "2026-01-01T00:00:00Z"], ["DateLessThan", "DateGreaterThanEquals"], ["2026-06-01T00:00:00Z"]),
    "aws:RequestedRegion": (["eu-west-1", "us-east-1"], ["StringEquals", "StringNotEquals", "StringLike"], ["eu-west-1", "us-*"]),
    "aws:PrincipalTag/team": (["red", "blue"], ["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase"], ["red", "RED", "blue"]),
    "aws:TagKeys": (["env", "team"], ["ForAllValues:StringEquals", "ForAnyValue:StringLike"], ["env", "t*"]),
    "aws:SourceArn": ([f"arn:aws:sns:eu-west-1:{A}:t"], ["ArnLike", "ArnNotEquals"], [f"arn:aws:sns:*:{A}:*", f"arn:aws:sns:eu-west-1:{A}:t"]),
}


def one_or_two(rng, make):
    return make() if rng.random() < 0.6 else [make(), make()]


class Case:
    def __init__(self, rng):
        self.rng = rng
        self.action, self.resource, owner = rng.choice(REQUESTS)
        self.principal = rng.choice(PRINCIPALS)
        self.owner = owner or (B if rng.random() < 0.15 else self.principal.split(":")[4])
        self.context = {key: [rng.choice(values)] for key, (values, _, _) in KEYS.items() if rng.random() < 0.5}
        if "aws:TagKeys" in self.context and rng.random() < 0.5:
            self.context["aws:TagKeys"] = ["env", "team"]
        if "user/" in self.principal:
            self.context["aws:username"] = [self.principal.rsplit("/", 1)[1]]

    def action_pattern(self):
        service, name = (self.action if self.rng.random() < 0.85 else self.rng.choice(REQUESTS)[0]).split(":")
        return self.rng.choice(["*", f"{service}:*", f"{service}:{name}", f"{service}:{name[:3]}*", f"{service}:?{name[1:]}", f"{service.upper()}:{name}"])

    def resource_pattern(self):
        other = ["arn:aws:s3:::other/*", "arn:aws:iam::*:user/*"]
        hit = self.resource if self.rng.random() < 0.85 else self.rng.choice(other)
        # A pattern has all six parts of an ARN: AWS takes no other.
        head, last = hit.rsplit(":", 1) if hit != "*" and hit.count(":") == 5 else (None, None)
        cut = f"{head}:{last[:2]}*" if head and "*" not in last else hit
        return self.rng.choice(["*", hit, cut, hit.replace("bob", "${aws:username}"), hit.replace("bucket", "b?cket")])

    def condition(self):
        condition = {}
        for _ in range(1 + (self.rng.random() < 0.3)):
            key = self.rng.choice(list(KEYS))
            _, operators, values = KEYS[key]
            operator = self.rng.choice(operators) + ("IfExists" if self.rng.random() < 0.2 else "")
            condition.setdefault(operator, {})[key] = one_or_two(self.rng, lambda: self.rng.choice(values))
        if self.rng.random() < 0.1:
            condition["Null"] = {self.rng.choice(list(KEYS)): self.rng.choice(["true", "false"])}
        return condition

    def principal_element(self):
        account = self.principal.split(":")[4]
        names = [f"arn:aws:iam::{account}:root", account, self.principal, f"arn:aws:iam::{account}:user/eve", "*"]
        if "assumed-role" in self.principal:
            names.append(f"arn:aws:iam::{account}:role/app")
        return {"AWS": one_or_two(self.rng, lambda: self.rng.choice(names))}

    def statement(self, deny, principal=False):
        denies = self.rng.random() < deny
        statement = {"Effect": "Deny" if denies else "Allow"}
        statement["NotAction" if self.rng.random() < 0.1 else "Action"] = one_or_two(self.rng, self.action_pattern)
        statement["NotResource" if self.rng.random() < 0.08 else "Resource"] = one_or_two(self.rng, self.resource_pattern)
        if principal:
            statement["Principal"] = self.principal_element()
        if self.rng.random() < (0.6 if denies else 0.25):
            statement["Condition"] = self.condition()
        return statement

    def document(self, deny, principal=False):
        statements = [self.statement(deny, principal) for _ in range(1 if self.rng.random() < 0.7 else 2)]
        return {"Version": "2012-10-17", "Statement": statements}

    def trust(self):
        document = self.document(0.08, True)
        for statement in document["Statement"]:
            statement.pop("Resource", None), statement.pop("NotResource", None)
        return document

    def draw(self, number):
        full = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        request = {"principal": self.principal, "action": self.action, "resource": self.resource, "resource_account": self.owner,
                   "context": self.context, "multivalued_keys": [key for key in ["aws:TagKeys"] if key in self.context]}
        case = {"id": number, "request": request, "identity_policies": [
            {"name": f"p{n}", "document": self.document(0.08)} for n in range(self.rng.randrange(3))]}
        if self.rng.random() < 0.3:
            case["permissions_boundary"] = self.document(0.1)
        if self.rng.random() < 0.4:
            case["scps"] = [[self.document(0.1), full] if self.rng.random() < 0.6 else [self.document(0.1)] for _ in range(1 + (self.rng.random() < 0.4))]
        if self.rng.random() < 0.2 and self.action.startswith(("s3:", "sqs:", "kms:", "secretsmanager:")):
            case["rcps"] = [[{"Version": "2012-10-17", "Statement": [dict(self.statement(1.0), Principal="*")]}]]
        if self.action == "sts:AssumeRole":
            case["resource_policy"] = self.trust()
        elif self.rng.random() < (0.8 if self.action.startswith("kms:") else 0.35) and not self.action.startswith(("iam:", "ec2:")) and self.resource != "*":
            case["resource_policy"] = self.document(0.1, True)
        return case


def main():
    n, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    for number in range(n):
        print(json.dumps(Case(rng).draw(number)))


main()
