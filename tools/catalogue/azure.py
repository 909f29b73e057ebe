#!/usr/bin/env python3
"""Rebuilds the Azure tables under permissions/data. Facts only: operation names, role ids, names and patterns.

    python3 tools/catalogue/azure.py BUILTIN_ROLES.json REST_MAP.json CLASSIFICATION.json DIRECTORY.json APP_ROLES.json

BUILTIN_ROLES is what `az role definition list --query "[?roleType=='BuiltInRole']"` prints (or iam-dataset's copy, MIT),
REST_MAP is iam-dataset's method -> path -> operation (MIT), CLASSIFICATION, DIRECTORY
and APP_ROLES are AzurePrivilegedIAM's lists of Azure's, Entra's and Microsoft Graph's roles (MIT).
"""

import sys

import compact

# Named by Microsoft's documentation, by no role definition.
EXTRA = [("D", "Microsoft.KeyVault/vaults/" + tail) for tail in (
    "secrets/delete", "secrets/backup/action", "secrets/restore/action", "secrets/recover/action", "secrets/purge/action",
    "keys/create/action", "keys/delete", "keys/import/action", "keys/purge/action", "keys/recover/action", "keys/restore/action",
    "keys/rotate/action", "certificates/read", "certificates/delete", "certificates/create/action", "certificates/import/action",
    "certificates/update/action", "certificates/purge/action")] + [("A", "Microsoft.Web/sites/publishxml/Action")]


def names(roles, rest, classification, directory):
    """Every operation without a wildcard, one spelling each, with its plane (`A` control, `D` data, `E` Entra)."""
    found = {}

    def add(name, plane):
        if "*" not in name and "/" in name and name.isprintable() and " " not in name:
            found.setdefault(name.lower(), (name, plane))

    for role in roles:
        for permission in role["permissions"]:
            for key in ("dataActions", "notDataActions"):
                for name in permission[key]:
                    add(name, "D")
    for role in classification:
        for permission in role["RolePermissions"]:
            if permission["ActionType"] == "DataAction":
                add(permission["AuthorizedResourceAction"], "D")
    for role in roles:
        for permission in role["permissions"]:
            for key in ("actions", "notActions"):
                for name in permission[key]:
                    add(name, "A")
    for paths in rest.values():
        for operations in paths.values():
            for name in operations:
                add(name, "A")
    for role in classification:
        for permission in role["RolePermissions"]:
            if permission["ActionType"] == "Action":
                add(permission["AuthorizedResourceAction"], "A")
    for plane, name in EXTRA:
        add(name, plane)
    for role in directory:
        for permission in role["RolePermissions"]:
            add(permission["AuthorizedResourceAction"] or "", "E")
    return [f"{name}\t{plane}" for _, (name, plane) in sorted(found.items())]


def role_lines(roles):
    lines = []
    for role in sorted(roles, key=lambda r: r["name"]):
        lines.append(f"N\t{role['name']}\t{role['roleName']}")
        for permission in role["permissions"]:
            lists = (sorted(permission[k]) for k in ("actions", "notActions", "dataActions", "notDataActions"))
            condition = " ".join((permission["condition"] or "").split())
            lines.append("\t".join(["P", condition] + [",".join(entries) for entries in lists]))
    return lines


TIERS = {"ControlPlane": "control_plane", "ManagementPlane": "management_plane", "UserAccess": "user_access"}


def tier_lines(directory, app_roles):
    """`D` a directory role, `A` an application role of Microsoft Graph: id, name, tier."""
    lines = [("D", r["RoleId"], r["RoleName"], r["Classification"]["EAMTierLevelName"]) for r in directory]
    lines += [("A", r["AppRoleId"], r["AppRoleDisplayName"], r["EAMTierLevelName"]) for r in app_roles]
    return ["\t".join([kind, id.lower(), name, TIERS.get(tier, "unclassified")]) for kind, id, name, tier in sorted(lines)]


def main():
    roles, rest, classification, directory = (compact.load(path) for path in sys.argv[1:5])
    app_roles = compact.load(sys.argv[5])
    source = "facts from Azure's built-in roles and REST map as gathered by iam-dataset and AzurePrivilegedIAM (MIT); made by tools/catalogue/azure.py"
    compact.write("azure_actions.tsv", [f"Azure operations; {source}"], names(roles, rest, classification, directory))
    compact.write("azure_roles.tsv", [f"Azure built-in roles; {source}"], role_lines(roles))
    tiers = "Entra directory roles and Microsoft Graph app roles with their tier; facts from AzurePrivilegedIAM (MIT); made by tools/catalogue/azure.py"
    compact.write("azure_tiers.tsv", [tiers], tier_lines(directory, app_roles))


if __name__ == "__main__":
    main()
