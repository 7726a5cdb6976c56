#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The crate tesser-journal-sys says of each function what the public header says, word for word."""
import difflib
import re
import sys
from pathlib import Path

import publicapi

SOURCES = "bindings/rust/tesser-journal-sys/src"


def words(comment):
    """Without what only one of the two writes: stars, slashes, tags, list marks."""
    return re.findall(r"\w+", re.sub(r"@param|@return|\bReturns\b", "", comment))


def in_headers(root):
    return {function.name: function.comment for header in sorted(root.glob("include/tesser/*.h"))
            for function in publicapi.functions(header.read_text()) if function.comment}


def in_crate(root):
    """Each function's comment: the lines that begin with three slashes right before it, if there are any."""
    declared = re.compile(r"((?:^ *///.*\n)*)(?: *#\[.*\n)*^ *pub (?:unsafe )?fn (tj_\w+)", re.M)
    return {name: comment for file in sorted((root / SOURCES).glob("*.rs"))
            for comment, name in declared.findall(file.read_text())}


def main(root):
    told, found = in_crate(root), []
    for name, comment in in_headers(root).items():
        header, crate = words(comment), words(told.get(name, comment))
        for change in difflib.SequenceMatcher(None, header, crate, False).get_opcodes():
            if change[0] != "equal":
                found.append(f'{SOURCES} says of {name} "{" ".join(crate[change[3]:change[4]])}" '
                             f'where the header says "{" ".join(header[change[1]:change[2]])}"')
    print("\n".join(found) or f"The crate says what the headers say of {len(told)} functions.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
