#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a document names is there: files, links, targets of make, commands of the program with their options.
The README has all commands."""
import re
import sys
from pathlib import Path

import advice
from words import tracked_files

LINK = re.compile(r"\]\((?!\w+:)([^)#]+)")
FOLDERS = "bench|bindings|cli|cmake|contrib|debian|docs|examples|include|scripts|src|tests"
PATH = re.compile(rf"(?<![\w./-])((?:{FOLDERS})/[\w./@-]*\w)")
DOCUMENT = re.compile(r"(?<![\w./-])([A-Z]+\.md)")
TARGET = re.compile(r"(?:`|^    )make ([a-z-]+)", re.M)
COMMAND = re.compile(r"(?:`|^ *|[|;&] |/usr/bin/)tesser-journal ([a-z-][^`\n|;&>#]*)", re.M)


def targets(root):
    return set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.M))


def faults_of(root, file, text, names, known):
    """Yields the place in the text and what is not there."""
    for match in LINK.finditer(text):
        if not (file.parent / match[1]).exists():
            yield match.start(), f"the link leads to no {match[1]}"
    for match in PATH.finditer(text):
        if not any(list(place.glob(match[1] + "*")) for place in (root, file.parent)):
            yield match.start(), f"there is no {match[1]}"
    for match in DOCUMENT.finditer(text):
        if match[1] not in names:
            yield match.start(), f"there is no {match[1]}"
    for match in TARGET.finditer(text):
        if match[1] not in known["targets"] and not match[1].startswith("setup-"):
            yield match.start(), f"there is no 'make {match[1]}'"
    for match in COMMAND.finditer(text):
        for fault in advice.faults_of(match[1], known["commands"], known["options"]):
            yield match.start(), fault


def not_in_readme(root, commands):
    """Commands that the README's table of them lacks."""
    table = re.search(r"^## Commands\n(.*?)^## ", (root / "README.md").read_text(), re.S | re.M)
    told = set(re.findall(r"`([^`]+)`", table[1] if table else ""))
    return [f"README.md: its table of commands lacks '{name}'" for name in sorted(commands - told)]


def main(root):
    commands, options = advice.commands_and_options(root)
    known = {"targets": targets(root), "commands": commands, "options": options}
    files = tracked_files(root)
    names = {file.name for file in files}
    documents = [file for file in files if file.suffix == ".md" or "contrib" in file.parts]
    documents = [file for file in documents if file.is_file() and file.suffix != ".json"]
    found = [f"{file.relative_to(root)}:{text.count(chr(10), 0, place) + 1}: {fault}"
             for file in documents for text in [file.read_text()]
             for place, fault in faults_of(root, file, text, names, known)]
    found += not_in_readme(root, commands)
    print("\n".join(found) or f"What {len(documents)} documents name is there.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
