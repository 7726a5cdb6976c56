#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Benchmarks of two builds side by side: has a change made anything slower?

Usage: scripts/bench_beside.py BEFORE AFTER [ROUNDS] [DIRECTORY]
BEFORE and AFTER are build directories (of another checkout, and of this one). Their programs take
turns in short runs on one disk, and each figure is compared within its round, because machines
change from minute to minute. Printed is how many times as much the later build takes (or as little
it does): 1.00 is the same, more is worse; the median of the rounds, their middle eight tenths, and
the ratio of both sides' best rounds.
"""
import collections
import re
import statistics
import subprocess
import sys

# Short forms, with the arguments behind the directory: rounds, and what else keeps them short.
PROGRAMS = [("saver", ["40", "100"]), ("state", ["5"]), ("savers", ["1"]), ("flat", ["2", "100000"]),
            ("diff", None)]
GOAL = re.compile(r"goal \d+ +(?:met|MISSED) +(.*?) +([\d.]+) ?(?:x|us|ms|MiB)? \(.*at (least|most)")
FIGURE = re.compile(r" +(.*?) +([\d.]+) (?:us|ms) +\(")


def figures(program, arguments):
    """Name to (value, more is better)."""
    text = subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in text.splitlines():
        goal = GOAL.match(line)
        figure = FIGURE.match(line)
        if goal:
            found[goal[1]] = (float(goal[2]), goal[3] == "least")
        elif figure:
            found.setdefault(figure[1], (float(figure[2]), False))
    return found


def times_worse(before, after, more_is_better):
    if before == after:
        return 1.0
    return before / after if more_is_better else after / before


def main():
    before, after = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 9
    directory = sys.argv[4] if len(sys.argv) > 4 else "/var/tmp"
    print(f"{'':52} {'median':>7} {'middle 8/10':>14} {'best':>6}")
    for name, arguments in PROGRAMS:
        values = collections.defaultdict(list)
        for turn in range(rounds):
            sides = {}
            for build in (before, after) if turn % 2 == 0 else (after, before):
                program = f"{build}/bench/bench_{name}"
                sides[build] = figures(program, [] if arguments is None else [directory, *arguments])
            for figure, (value, more) in sides[after].items():
                if figure in sides[before] and value > 0 and sides[before][figure][0] > 0:
                    values[figure].append((sides[before][figure][0], value, more))
        for figure, pairs in values.items():
            ratios = sorted(times_worse(*pair) for pair in pairs)
            more = pairs[0][2]
            best = max if more else min
            overall = times_worse(best(p[0] for p in pairs), best(p[1] for p in pairs), more)
            low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
            print(f"{figure:52} {statistics.median(ratios):7.2f} {low:6.2f} to {high:4.2f} "
                  f"{overall:6.2f}", flush=True)


if __name__ == "__main__":
    main()
