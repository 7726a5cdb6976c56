#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""clang-format agrees with every source file, and no line, comments included, is longer than 100 columns."""
import shutil
import subprocess
import sys
from pathlib import Path

COLUMNS = 100
FOLDERS = ("src", "include", "cli", "examples", "tests", "bench")
SKIP = 77


def long_lines(root, files):
    for file in files:
        for number, line in enumerate((root / file).read_text().splitlines(), 1):
            if len(line) > COLUMNS:
                yield f"{file}:{number}: {len(line)} columns"


def main(root):
    if not shutil.which("clang-format"):
        print("Skipped: clang-format is not installed.")
        return SKIP
    files = [str(file.relative_to(root)) for folder in FOLDERS
             for file in sorted((root / folder).rglob("*")) if file.suffix in (".c", ".cc", ".h")]
    run = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], cwd=root,
                         capture_output=True, text=True, check=False)
    places = [line for line in run.stderr.splitlines() if "error:" in line]
    places += long_lines(root, files)
    print("\n".join(places) or run.stderr or f"All {len(files)} files are formatted.")
    return 1 if run.returncode or places else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
