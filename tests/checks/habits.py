#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Habits of the C and C++ files, as HACKING.md names them."""
import re
import sys
from pathlib import Path

FOLDERS = ("include", "src", "cli", "examples", "bench", "tests")
TEXT_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.S)

# Headers of other projects, which a comment may name.
FOREIGN_HEADERS = {"cmocka.h", "lmdb.h", "sqlite3.h", "zstd.h"}
FILE_NAME = re.compile(r"[\w-]+\.(?:cc?|h|py|sh|md)\b")
OUR_NAME = re.compile(r"\btj_\w+\w\b(?!\*)|\b\w+(?=\(\))")

# What an assertion may call.
PURE = {"atomic_load", "sizeof"}
ASSERTION = re.compile(r"(?<!#define )\bTJ_ASSERT\((.*?)\);", re.S)
CALL = re.compile(r"\b(\w+)\(")
CHANGE = re.compile(r"\+\+|--|[^=!<>]=(?!=)")
LONG_LONG = re.compile(r"\bunsigned long long\b")
# A pointer is a condition as it is. "!= NULL" makes a value of it, or stands behind an assignment.
NULL_TEST = re.compile(r"== *NULL\b|\bNULL *[!=]=|(?<!\)) != NULL(?=\) *\{|\s*(?:&&|\|\||\?))")
SIZE_OF = re.compile(r"\bsizeof\((\*|\w+(?:\)|->|\.|\[))")
TYPE = re.compile(r"^\s*\} (\w+);|\btypedef\b[^;{]*?\b(\w+);", re.M)
PLAIN_TYPE = re.compile(r"(?:char|bool|int|unsigned|double|tj_\w+|\w+_t)\)")
MACRO = re.compile(r"^[ \t]*#define\b(?:[^\n]*\\\n)*[^\n]*", re.M)
# What the command line counts may be one.
COUNTED = re.compile(r'(?<!all )%(?:zu|"\s*PRIu(?:32|64)\s*") (?:[a-z]+ )?(?:commits|segments|rows|pages|orders|positions|'
                     r'balances|prices|algorithms|entries|changes|differences|points|ids)\b|\b(?:one|== 1) \? "" : "s"')
THREADS = re.compile(r"\bpthread_(?:create|mutex_init|cond_init)\b")


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def parts_of(source):
    """A file's comments, each with its place, and its code, where comments and texts are blank."""
    comments = [match for match in TEXT_OR_COMMENT.finditer(source) if match[0].startswith("/")]
    return comments, TEXT_OR_COMMENT.sub(lambda match: blank(match[0]), source)


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


def assertions(code):
    for match in ASSERTION.finditer(code):
        if CHANGE.search(match[1]) or not set(CALL.findall(match[1])) <= PURE:
            yield match.start(), "an assertion that calls or changes something: do it before"


def threads(path, code):
    if path.startswith("src/") and path != "src/base/thread.c":
        for match in THREADS.finditer(code):
            yield match.start(), f"{match[0]} is for src/base/thread.c alone"


def counts(path, source):
    if path.startswith(("cli/", "src/maintain/")):
        for match in COUNTED.finditer(source):
            yield match.start(), "a count that may be 1 before a plural: plural() says it rightly"


def long_longs(code):
    for match in LONG_LONG.finditer(code):
        yield match.start(), "unsigned long long: uint64_t, PRIu64 and PRIx64 say it without a cast"


def null_tests(code):
    for match in NULL_TEST.finditer(code):
        yield match.start(), "a pointer is compared with NULL: say !pointer, or pointer alone"


def sizes(code, types):
    """types: those that the file's folder defines. A macro's argument keeps its parentheses."""
    for match in SIZE_OF.finditer(MACRO.sub(lambda macro: blank(macro[0]), code)):
        if not PLAIN_TYPE.fullmatch(match[1]) and match[1].rstrip(")") not in types:
            yield match.start(), "sizeof(x) of what is no type: sizeof x"


def main(root):
    sources = {str(file.relative_to(root)): file.read_text()
               for folder in FOLDERS for file in sorted((root / folder).rglob("*"))
               if file.suffix in (".c", ".cc", ".h")}
    parts = {path: parts_of(source) for path, source in sources.items()}
    files = FOREIGN_HEADERS | {file.name for file in root.rglob("*") if "build" not in file.parts}
    names = {name for _, code in parts.values() for name in re.findall(r"\w+", code)}
    types = {}
    for path, (_, code) in parts.items():
        found = {name for match in TYPE.findall(code) for name in match}
        types.setdefault(Path(path).parent, set()).update(found)
    found = []
    for path, source in sources.items():
        comments, code = parts[path]
        for place, what in (*opening(path, source), *gone(comments, files, names), *assertions(code),
                            *threads(path, code), *counts(path, source), *long_longs(code), *null_tests(code),
                            *sizes(code, types[Path(path).parent])):
            found.append(f"{path}:{source.count(chr(10), 0, place) + 1}: {what}")
    print("\n".join(found) or "The habits are kept.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
