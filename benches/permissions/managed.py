"""AWS's own managed policies, as `moto` carries them: managed.py > patterns prints each pattern of actions in them, one a line."""

import importlib.util
import json
import pathlib


def packaged(package):
    return pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0])


def documents():
    """Reads them without importing all of `moto`."""
    path = packaged("moto") / "iam" / "aws_managed_policies.py"
    spec = importlib.util.spec_from_file_location("aws_managed_policies", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: policy["Document"] for name, policy in json.loads(module.aws_managed_policies_data).items()}


def patterns_of(document):
    """What its statements allow."""
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement["Effect"] == "Allow":
            listed = statement.get("Action", [])
            yield from listed if isinstance(listed, list) else [listed]


if __name__ == "__main__":
    found = {pattern for document in documents().values() for pattern in patterns_of(document)}
    print("\n".join(sorted(pattern for pattern in found if "*" in pattern and pattern != "*")))
