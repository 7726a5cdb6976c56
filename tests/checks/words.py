#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""No left-over markers and no paths of one person's machine in the tracked files."""
import re
import subprocess
import sys
from pathlib import Path

# In pieces, so that this file does not find itself.
MARKER = re.compile(r"\b(" + "|".join(["TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK"]) + r")\b")
MACHINE_PATH = re.compile(r"(?<![\w.~$}])/(?:home|root|Users|work|tmp/build)(?:/|-)[\w.-]")


def tracked_files(root):
    """Git's list; every file below root when it is no repository (an unpacked archive)."""
    run = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, text=True,
                         check=False)
    if run.returncode == 0:
        return [root / name for name in run.stdout.split("\0") if name]
    return [file for file in sorted(root.rglob("*")) if "build" not in file.parts]


def main(root):
    found = []
    for file in tracked_files(root):
        if not file.is_file() or file.is_symlink():
            continue
        content = file.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
            match = MARKER.search(line) or MACHINE_PATH.search(line)
            if match:
                found.append(f"{file.relative_to(root)}:{number}: {match[0]!r} was left over")
    print("\n".join(found) or "No left-over words.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
