#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Public headers: each compiles alone as C11 and as C++17, and every function is documented.

A doc comment that begins with a summary stands right before each function. It states "Threads:",
or says "As tj_...", or the function is in a group that a plain comment with "Threads:" opens. What
a checked function returns is described in the same way, by "@return" or "As tj_...".
"""
import re
import shutil
import subprocess
import sys
from pathlib import Path

import publicapi

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
COMPILERS = [
    ("gcc", ["-std=c11", "-x", "c"]),
    ("g++", ["-std=c++17", "-x", "c++"]),
    ("clang", ["-std=c11", "-Wdocumentation", "-x", "c"]),
    ("clang++", ["-std=c++17", "-Wdocumentation", "-x", "c++"]),
]
INITIALIZER = re.compile(r"#define TJ_(\w+)_INIT\b")


def program(header):
    """Includes the header twice and uses each of its initializers."""
    lines = [f"#include <tesser/{header.name}>"] * 2
    for name in INITIALIZER.findall(header.read_text()):
        lines.append(f"tj_{name.lower()} use_{name.lower()} = TJ_{name}_INIT;")
    return "\n".join(lines) + "\n"


def compile_alone(root, header):
    for compiler, options in COMPILERS:
        if not shutil.which(compiler):
            continue
        run = subprocess.run(
            [compiler, *options, *WARNINGS, f"-I{root / 'include'}", "-"],
            input=program(header), capture_output=True, text=True, check=False)
        if run.returncode != 0:
            first_lines = "\n".join(run.stderr.splitlines()[:4])
            yield f"{header.name} does not compile alone with {compiler}:\n{first_lines}"


def undocumented(header):
    for function in publicapi.functions(header.read_text()):
        where = f"include/tesser/{header.name}:{function.line}: {function.name}"
        is_inline = function.declaration.startswith("static inline")
        if not is_inline and not function.declaration.startswith("TJ_API"):
            yield f"{where} is not marked TJ_API"
        if not re.match(r"/\*\*\s*\*?\s*[^@\s*]", function.comment):
            yield f"{where} has no doc comment that begins with a summary"
            continue
        covered = function.group or re.search(r"\bas tj_\w+", function.comment, re.I)
        if "Threads:" not in function.comment and not covered:
            yield f"{where} does not say which threads may call it"
        checked = "TJ_CHECKED" in function.declaration
        if checked and "@return" not in function.comment and not covered:
            yield f"{where} does not say what it returns"
        fails = re.match(r"TJ_API tj_status\b", function.declaration)
        if fails and not function.name.endswith("_close"):
            yield f"{where} returns a tj_status but is not marked TJ_CHECKED"


def main(root):
    found = []
    for header in sorted((root / "include" / "tesser").glob("*.h")):
        found += compile_alone(root, header)
        found += undocumented(header)
    print("\n".join(found) or "Every public header stands alone and is documented.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
