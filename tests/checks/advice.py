#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A command that a sentence of the program names is one, and has the options that stand with it."""
import re
import sys
from pathlib import Path

STRINGS = re.compile(r'"(?:\\.|[^"\\\n])*"(?:\s*(?:PRI[ux]\d+\s*)?"(?:\\.|[^"\\\n])*")*')
PIECE = re.compile(r'"((?:\\.|[^"\\\n])*)"')
COMMENT = re.compile(r"/\*.*?\*/", re.S)
# Between quotes, or a string that is nothing else.
COMMAND = re.compile(r"[`']tesser-journal ([^`']*)[`']|^tesser-journal ([^`']*)$")
SPEC = re.compile(r"\bconst command_spec command_\w+ = \{(.*?)^\};", re.S | re.M)
NAME = re.compile(r'\.name = "([^"]+)"|\boption_\w+ = \{\s*"([^"]+)"')


def commands_and_options(root):
    commands, options = set(), set()
    for file in (root / "cli").rglob("*.c"):
        text = file.read_text()
        for spec in SPEC.findall(text):
            commands.update(name for name, _ in NAME.findall(spec)[:1])
        options.update(a or b for a, b in NAME.findall(SPEC.sub("", text)))
    return commands, options


def sentences(text):
    """Each string with those that are joined to it, and its place."""
    code = COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in STRINGS.finditer(code):
        for line in "".join(PIECE.findall(match[0])).split("\\n"):
            yield match.start(), line


def faults_of(command, commands, options):
    words = command.split()
    while words and words[0].startswith("-"):  # options with their values stand before it
        words = words[2:]
    name = " ".join(words[:2])
    if not words or words[0].startswith("%") or words[0] == "COMMAND":
        return  # said of any command
    if name not in commands and (not words or words[0] not in commands):
        yield f"there is no command '{name}'"
    for option in re.findall(r"(?<!\S)--([\w-]+)", command):
        if option not in options:
            yield f"there is no option --{option}"


def main(root):
    commands, options = commands_and_options(root)
    if not commands or not options:
        print("No commands were found: this check does not know the tree any more.")
        return 1
    found, count = [], 0
    for folder in ("src", "cli"):
        for file in sorted((root / folder).rglob("*.c")):
            text = file.read_text()
            for place, sentence in sentences(text):
                for match in COMMAND.finditer(sentence):
                    count += 1
                    line = text.count("\n", 0, place) + 1
                    found += [f"{file.relative_to(root)}:{line}: {fault}"
                              for fault in faults_of(match[1] or match[2], commands, options)]
    print("\n".join(found) or f"All {count} commands that sentences name are there.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
