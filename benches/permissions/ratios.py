"""Compares two files of answers and the turns of ours and theirs: ratios.py OURS THEIRS < turns

Each line of standard input is a round: nanoseconds of ours and of theirs, and of ours remembered where there is such a thing."""

import collections
import pathlib
import statistics
import sys


def main():
    ours, theirs = (pathlib.Path(path).read_text().split("\n")[:-1] for path in sys.argv[1:])
    refused = sum(answer.startswith("error") for answer in theirs)
    differ = [at for at, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other and not other.startswith("error")]
    print(f"{len(ours)} answers: {len(ours) - refused - len(differ)} the same, {len(differ)} differ, {refused} refused by the other one")
    if max(map(len, ours)) < 40:
        print(dict(collections.Counter(ours)))
    for at in differ[:10]:
        one, other = set(ours[at].split(" ")), set(theirs[at].split(" "))
        print(f"line {at + 1}: only ours {sorted(one - other)[:3]}, only theirs {sorted(other - one)[:3]}")
    rounds = [[float(ns) for ns in line.split()] for line in sys.stdin]
    for at, name in enumerate(["ours", "theirs", "ours, remembered"][: len(rounds[0])]):
        ns = statistics.median(turn[at] for turn in rounds)
        print(f"{name:<17} {ns:>12,.0f} ns {1e9 / ns:>14,.0f} a second")
    ratios = sorted(turn[1] / turn[0] for turn in rounds)
    print(f"ours is {statistics.median(ratios):,.0f} times as fast ({ratios[0]:,.0f} to {ratios[-1]:,.0f}, {len(ratios)} rounds)")


main()
