"""Compares two files of verdicts: verdicts.py CASES OURS THEIRS. Ends with 1 when a disagreement is not explained."""

import collections
import json
import sys


def read(path):
    with open(path, encoding="utf-8") as lines:
        return {row["id"]: row for row in map(json.loads, lines)}


def any_value_if_exists(case):
    """`ForAnyValue:…IfExists` on a key that is not in the request. AWS JSON policy elements: Condition operators says of
    `IfExists` that such an element is then true; we follow it, iam-simulate 0.1.173 takes it for false."""
    text = json.dumps(case)
    return "ForAnyValue:StringLikeIfExists" in text and "aws:TagKeys" not in case["request"]["context"]


def variable_of_not_resource(case):
    """`NotResource` with a variable whose key is not in the request. IAM policy elements: Variables and tags has a statement not
    match whose `Resource` cannot be resolved, and says nothing of `NotResource`; for us such a pattern matches nothing, so that the
    statement is about everything else, for iam-simulate the statement does not match."""
    return '"NotResource"' in json.dumps(case) and "${aws:username}" in json.dumps(case) and "aws:username" not in case["request"]["context"]


EXPLAINED = [
    ("ForAnyValue with IfExists, key absent: the documentation says true, as we do", any_value_if_exists),
    ("NotResource with a variable that has no value: the documentation does not say", variable_of_not_resource),
]


def main():
    cases, ours, theirs = (read(path) for path in sys.argv[1:4])
    counts, explained, open_ones, refused = collections.Counter(), collections.Counter(), [], 0
    for number, case in cases.items():
        mine, other = ours[number]["verdict"], theirs[number]["verdict"]
        if other.startswith("error"):
            refused += 1
        elif mine == other:
            counts[mine] += 1
        else:
            why = next((name for name, holds in EXPLAINED if holds(case)), None)
            explained[why] += 1
            if why is None:
                open_ones.append((number, mine, other))
    print(f"{len(cases)} cases; {refused} refused by the other one's own validation; the same: {dict(counts)}")
    for why, n in explained.items():
        print(f"differ: {n}, {why or 'not explained'}")
    for one in open_ones[:20]:
        print(one)
    sys.exit(bool(open_ones))


main()
