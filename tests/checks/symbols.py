#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The shared library exports what the headers mark with TJ_API and exported-symbols.txt lists.

Usage: symbols.py ROOT LIBRARY; symbols.py ROOT --write after a deliberate change of the headers.
"""
import subprocess
import sys
from pathlib import Path

import publicapi


def exports_of(library):
    """Names in the dynamic symbol table, without the version and its own symbol (type A)."""
    run = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True,
                         check=True)
    rows = [line.split() for line in run.stdout.splitlines()]
    return {row[-1].split("@")[0] for row in rows if row[-2] != "A"}


def difference(names, other, sentence):
    return [f"{name} {sentence}" for name in sorted(names - other)]


def main(root, library):
    list_file = root / "tests" / "checks" / "exported-symbols.txt"
    declared = set(publicapi.exported(root))
    if library == "--write":
        list_file.write_text("".join(f"{name}\n" for name in sorted(declared)))
        return 0
    listed = set(list_file.read_text().split())
    exported = exports_of(library)
    found = difference(declared, listed, "is declared but not in exported-symbols.txt")
    found += difference(listed, declared, "is in exported-symbols.txt but not declared with TJ_API")
    found += difference(declared, exported, "is declared but the library does not export it")
    found += difference(exported, declared, "is exported but not declared with TJ_API")
    print("\n".join(found) or f"All {len(exported)} exported symbols are declared and listed.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2]))
