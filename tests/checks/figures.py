#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The figures of README.md are those of docs/BENCHMARKS.md."""
import re
import sys
from pathlib import Path

# What it is, where the README has it, and where the benchmarks do.
FIGURES = [
    ("a lone save beside the disk", r"a lone durable save takes (\S+) times",
     r"^\| ratio \| (\S+) \("),
    ("64 savers beside LMDB", r"64 savers share\s+flushes, (\S+) times LMDB's rate",
     r"^\| 64 savers: 25x LMDB and 25x SQLite \| (\S+)x \("),
    ("the log of one order of 10,000", r"one order of 10,000 changed costs (\S+) bytes",
     r"^\| bytes in the log for a save \| (\S+) \|"),
]


def main(root):
    found = []
    told = (root / "README.md").read_text()
    measured = (root / "docs/BENCHMARKS.md").read_text()
    for name, in_readme, in_benchmarks in FIGURES:
        readme = re.search(in_readme, told)
        benchmark = re.search(in_benchmarks, measured, re.M)
        if not readme or not benchmark:
            where = "docs/BENCHMARKS.md" if readme else "README.md"
            found.append(f"{where} has no figure of {name}; tests/checks/figures.py says where")
        elif readme[1] != benchmark[1]:
            found.append(f"README.md says {readme[1]} of {name}, docs/BENCHMARKS.md {benchmark[1]}")
    print("\n".join(found) or f"All {len(FIGURES)} figures of the README are measured ones.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
