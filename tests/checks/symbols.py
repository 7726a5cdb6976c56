#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The shared library exports what the headers mark with TJ_API and exported-symbols.txt lists, a man page
tells of it, the Rust crate declares it (its own test tells more, but needs cargo), and Debian's package knows
since when it is there.

Usage: symbols.py ROOT LIBRARY PAGES; symbols.py ROOT --write after a deliberate change of the headers.
"""
import re
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


def rust_names(root):
    sources = (root / "bindings/rust/tesser-journal-sys/src").glob("*.rs")
    return {name for file in sources for name in re.findall(r"pub fn (tj_\w+)", file.read_text())}


def pages_in(pages):
    return {file.stem for file in Path(pages).glob("tj_*.3")}


DEBIAN = "debian/libtesser-journal0.symbols"
DEBIAN_LINE = re.compile(r"^ (tj_\w+)@(\S+ \S+)$", re.M)


def debian_names(root):
    return {name for name, _ in DEBIAN_LINE.findall((root / DEBIAN).read_text())}


def write_debian(root, declared):
    """Keeps since when what is known is there; what is new is there since the version being made."""
    file = root / DEBIAN
    known = dict(DEBIAN_LINE.findall(file.read_text()))
    version = re.search(r"^tesser-journal \((.*)-", (root / "debian/changelog").read_text())[1]
    head = DEBIAN_LINE.sub("", file.read_text()).rstrip("\n")
    node = re.search(r"^ (\w+)@\1 ", head, re.M)[1]
    lines = (f" {name}@{known.get(name, f'{node} {version}')}\n" for name in sorted(declared))
    file.write_text(f"{head}\n{''.join(lines)}")


def difference(names, other, sentence):
    return [f"{name} {sentence}" for name in sorted(names - other)]


def main(root, library, pages=None):
    list_file = root / "tests" / "checks" / "exported-symbols.txt"
    declared = set(publicapi.exported(root))
    if library == "--write":
        list_file.write_text("".join(f"{name}\n" for name in sorted(declared)))
        write_debian(root, declared)
        return 0
    listed = set(list_file.read_text().split())
    exported = exports_of(library)
    found = difference(declared, listed, "is declared but not in exported-symbols.txt")
    found += difference(listed, declared, "is in exported-symbols.txt but not declared with TJ_API")
    found += difference(declared, exported, "is declared but the library does not export it")
    found += difference(exported, declared, "is exported but not declared with TJ_API")
    found += difference(declared, pages_in(pages), f"is declared but has no man page in {pages}")
    rust = rust_names(root)
    found += difference(declared, rust, "is declared but not in the crate tesser-journal-sys")
    found += difference(rust, declared, "is in the crate tesser-journal-sys but not declared")
    debian = debian_names(root)
    found += difference(declared, debian, f"is declared but not in {DEBIAN}")
    found += difference(debian, declared, f"is in {DEBIAN} but not declared")
    print("\n".join(found) or f"All {len(exported)} exported symbols are declared and listed.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
