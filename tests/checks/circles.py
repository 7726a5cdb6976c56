#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""No file of a room needs another one that needs it, as the symbols of the built objects tell.

Usage: circles.py ROOT BUILD"""
import subprocess
import sys
from pathlib import Path


def symbols_of(objects):
    """File -> what its object defines, and what it needs."""
    run = subprocess.run(["nm", "--format=posix", "--print-file-name", *map(str, objects)],
                         capture_output=True, text=True, check=True)
    symbols = {file.stem: (set(), set()) for file in objects}
    for line in run.stdout.splitlines():
        file, name, kind = line.split()[:3]
        defined, needed = symbols[Path(file.rstrip(":")).stem]
        if kind == "U":
            needed.add(name)
        elif kind.isupper():
            defined.add(name)
    return symbols


def needs_of(objects):
    """File -> file it needs -> the symbols by which it does."""
    symbols = symbols_of(objects)
    owner = {name: file for file, (defined, _) in symbols.items() for name in defined}
    needs = {file: {} for file in symbols}
    for file, (_, needed) in symbols.items():
        for name in sorted(needed):
            if owner.get(name, file) != file:
                needs[file].setdefault(owner[name], []).append(name)
    return needs


def reachable(needs, start):
    found, waiting = set(), list(needs[start])
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += needs[file]
    return found


def circles_in(room, needs):
    reach = {file: reachable(needs, file) for file in needs}
    for file in sorted(needs):
        for other, names in sorted(needs[file].items()):
            if file in reach[other]:
                yield f"src/{room}/{file} needs {', '.join(names)} of {other}, which needs {file}"


def main(root, build):
    found = []
    rooms = sorted((build / "CMakeFiles").glob("tj_*.dir/src/*"))
    for room in rooms:
        # An object whose source is gone was left over by an earlier build.
        objects = [file for file in sorted(room.glob("*.o"))
                   if (root / "src" / room.name / file.stem).exists()]
        found += circles_in(room.name, needs_of(objects))
    print("\n".join(found) or f"No circles in {len(rooms)} rooms.")
    return 1 if found or not rooms else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2])))
