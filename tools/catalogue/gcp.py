#!/usr/bin/env python3
"""Rebuilds the GCP tables under permissions/data. Facts only: permission names, role contents, method names.

    python3 tools/catalogue/gcp.py ROLES.json METHODS.json

ROLES maps a role to {stage, includedPermissions} (as `gcloud iam roles describe` gives them; gathered by iam-dataset,
MIT), METHODS maps API methods to the permissions they check (iam-dataset, MIT).
"""

import sys

import compact


def main():
    roles, methods = compact.load(sys.argv[1]), compact.load(sys.argv[2])["api"]
    names = {p for role in roles.values() for p in role.get("includedPermissions", [])}
    table = {}
    for api in methods.values():
        for method, entry in api.get("methods", {}).items():
            used = [p["name"] for p in entry.get("permissions", []) if p["name"].count(".") >= 2]
            if used:
                table[method] = list(dict.fromkeys(used))
    names = sorted(names | {p for used in table.values() for p in used})
    index = {name: i for i, name in enumerate(names)}
    source = "facts from Google's roles and API documents as gathered by iam-dataset (MIT); made by tools/catalogue/gcp.py"
    compact.write("gcp_permissions.tsv", [f"GCP permissions; {source}"], names)
    compact.write("gcp_roles.tsv", [f"GCP predefined roles as runs of permission numbers; {source}"],
                  [f"{role}\t{entry.get('stage') or ''}\t{compact.ranges(index[p] for p in entry.get('includedPermissions', []))}"
                   for role, entry in sorted(roles.items())])
    compact.write("gcp_methods.tsv", [f"GCP method to permissions; {source}"],
                  [f"{method}\t{','.join(used)}" for method, used in sorted(table.items())])


if __name__ == "__main__":
    main()
