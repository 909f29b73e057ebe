"""Expands action patterns with policy_sentry: expand.py PATTERNS OUT

PATTERNS has one pattern a line. OUT gets what each names, sorted and in lower case, one line a pattern. Prints nanoseconds of
processor time a pattern."""

import pathlib
import sys
import time

from policy_sentry.analysis.expand import expand


def main():
    patterns = pathlib.Path(sys.argv[1]).read_text().split("\n")[:-1]
    # Reads its definitions and fills its own caches of services.
    for pattern in patterns:
        expand(pattern)
    start = time.process_time_ns()
    found = [expand(pattern) for pattern in patterns]
    print((time.process_time_ns() - start) / len(patterns))
    lines = (" ".join(sorted({name.lower() for name in names})) for names in found)
    pathlib.Path(sys.argv[2]).write_text("".join(f"{line}\n" for line in lines))


main()
