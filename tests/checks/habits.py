#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Habits of the C and C++ files: each opens with a comment that says what is in it, and no comment names
a file or a function that is gone."""
import re
import sys
from pathlib import Path

FOLDERS = ("include", "src", "cli", "examples", "bench", "tests")
TEXT_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.S)

# Headers of other projects, which a comment may name.
FOREIGN_HEADERS = {"cmocka.h", "lmdb.h", "sqlite3.h"}
FILE_NAME = re.compile(r"[\w-]+\.(?:cc?|h|py|sh|md)\b")
OUR_NAME = re.compile(r"\btj_\w+\w\b(?!\*)|\b\w+(?=\(\))")


def parts_of(source):
    """A file's comments, each with its place, and its code without them."""
    comments = [match for match in TEXT_OR_COMMENT.finditer(source) if match[0].startswith("/")]
    code = TEXT_OR_COMMENT.sub(lambda match: " " if match[0].startswith("/") else match[0], source)
    return comments, code


def opening(path, source):
    second = source.split("\n", 2)[1]
    if path.endswith((".c", ".cc")) and not second.startswith(("/*", "//")):
        yield 0, "the second line is not a comment that says what is in the file"


def gone(comments, files, names):
    for comment in comments:
        for match in FILE_NAME.finditer(comment[0]):
            if match[0] not in files:
                yield comment.start() + match.start(), f"there is no file {match[0]}"
        for match in OUR_NAME.finditer(comment[0]):
            if match[0] not in names:
                yield comment.start() + match.start(), f"there is no {match[0]}"


def main(root):
    sources = {str(file.relative_to(root)): file.read_text()
               for folder in FOLDERS for file in sorted((root / folder).rglob("*"))
               if file.suffix in (".c", ".cc", ".h")}
    parts = {path: parts_of(source) for path, source in sources.items()}
    files = FOREIGN_HEADERS | {file.name for file in root.rglob("*") if "build" not in file.parts}
    names = {name for _, code in parts.values() for name in re.findall(r"\w+", code)}
    found = []
    for path, source in sources.items():
        comments, _ = parts[path]
        for place, what in [*opening(path, source), *gone(comments, files, names)]:
            found.append(f"{path}:{source.count(chr(10), 0, place) + 1}: {what}")
    print("\n".join(found) or "The habits are kept.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
