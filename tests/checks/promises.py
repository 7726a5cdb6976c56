#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Each promise of docs/ARCHITECTURE.md is cited by a test in C that would notice when it is broken."""
import re
import sys
from pathlib import Path


def main(root):
    stated = re.findall(r"^- \*\*(P\d+)\*\*", (root / "docs/ARCHITECTURE.md").read_text(), re.M)
    cited = {promise for file in sorted((root / "tests").rglob("test_*.c"))
             for promise in re.findall(r"\bP\d+\b", file.read_text())}
    found = [f"no tests/**/test_*.c cites {promise}" for promise in stated if promise not in cited]
    found += [f"{promise} is cited by a test, and docs/ARCHITECTURE.md does not state it"
              for promise in sorted(cited.difference(stated))]
    print("\n".join(found) or f"Tests cite all {len(stated)} promises.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
