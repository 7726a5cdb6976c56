#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What each fault of tests/planted/faults.py replaces stands in its file, and once."""
import runpy
import sys
from pathlib import Path


def main(root):
    faults = runpy.run_path(str(root / "tests/planted/faults.py"))["FAULTS"]
    found = []
    for fault in faults:
        file = root / fault.file
        count = file.read_text().count(fault.old) if file.is_file() else 0
        if count != 1:
            found.append(f"{fault.name}: what it replaces stands {count} times in {fault.file}")
    print("\n".join(found) or f"All {len(faults)} faults could be planted.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
