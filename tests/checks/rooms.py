#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A room includes only from rooms below it, never what is internal to them; a foreign library is included
from one room; the command line sees nothing of src/."""
import re
import sys
from pathlib import Path

ROOM = re.compile(r"^tj_room\((\w+)(?: BELOW ([\w ]+?))?(?: FOREIGN [\w ]+)?\)$", re.M)

# Header pattern -> the only files that may include it; some of them by one file alone.
FOREIGN = {
    r"lmdb\.h": r"src/table/.*",
    r"toml\.hpp": r"src/config/[^/]*\.cc",
    r"sqlite3\.h": r"src/migrate/.*",
    r"libpq-fe\.h": r"src/postgres/module/.*",
    r"bid_functions\.h": r"src/base/decimal[^/]*",
    r"uuid/uuid\.h": r"src/base/uuid\.c",
    r"xxhash\.h": r"src/base/hash\.h",
}
ONE_FILE = {r"toml\.hpp", r"sqlite3\.h", r"zstd\.h", r"libpq-fe\.h"}
FOLDERS = ("include", "src", "cli", "examples")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def room_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else parts[0]


def included_room(text, quoted):
    """The room an include names, "" for its own folder, None for what is no room's."""
    if text.startswith("tesser/"):
        return "include"
    if not quoted:
        return None
    return text.split("/")[0] if "/" in text else ""


def rooms_of(root):
    """Room -> the rooms it may include from, as cmake/Rooms.cmake states them."""
    return {name: below.split() for name, below in ROOM.findall((root / "cmake/Rooms.cmake").read_text())}


def may_include(below, room, header, other):
    if other in (None, "", "include", room):
        return True
    return other in below.get(room, []) and not header.endswith("/internal.h")


def violations_in(below, path, source):
    room = room_of(path)
    for match in INCLUDE.finditer(source):
        line = source.count("\n", 0, match.start(2)) + 1
        header = match[2]
        if not may_include(below, room, header, included_room(header, match[1] == '"')):
            yield f'{path}:{line}: {room} must not include "{header}"'
        for pattern, owner in FOREIGN.items():
            if re.fullmatch(pattern, header) and not re.fullmatch(owner, path):
                yield f"{path}:{line}: <{header}> belongs to {owner} alone"


def main(root):
    found = []
    below = rooms_of(root)
    below["cli"] = [folder.name for folder in (root / "cli").iterdir() if folder.is_dir()]
    users = {pattern: set() for pattern in ONE_FILE}
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in (".c", ".cc", ".h"):
                continue
            path = str(file.relative_to(root))
            source = file.read_text()
            found += violations_in(below, path, source)
            for pattern in ONE_FILE:
                if any(re.fullmatch(pattern, match[2]) for match in INCLUDE.finditer(source)):
                    users[pattern].add(path)
    for pattern, files in users.items():
        if len(files) > 1:
            header = pattern.replace("\\", "")
            found.append(f"<{header}> is included by more than one file: {', '.join(sorted(files))}")
    print("\n".join(found) or "Every include points downwards.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
