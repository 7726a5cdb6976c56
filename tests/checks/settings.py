#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Each key of the configuration file stands in README.md or docs/POSTGRES.md, with the default that it has."""
import re
import sys
from pathlib import Path

UNITS = {"": 0, "KiB": 10, "MiB": 20, "GiB": 30}
# The keys whose default is a number, and its name in config.h.
IN_README = {"map_size": "MAP_SIZE", "segment_size": "SEGMENT_SIZE", "lag_bytes": "LAG_BYTES",
             "lag_ms": "LAG_MS", "history_size": "HISTORY_SIZE"}
ON_A_SERVER = {"lag_bytes": "POSTGRES_LAG_BYTES", "lag_ms": "LAG_MS", "lease_ms": "POSTGRES_LEASE_MS",
               "timeout_ms": "POSTGRES_TIMEOUT_MS", "answer_ms": "POSTGRES_ANSWER_MS"}


def size(text):
    number, unit = re.fullmatch(r'"?(\d+) ?(\w*)"?', text).groups()
    return int(number) << UNITS[unit]


def in_readme(text):
    block = re.search(r"^```toml\n(.*?)^```", text, re.S | re.M)
    return dict(re.findall(r"^(?:# )?(\w+) = (\"[^\"]*\"|\w+)", block[1], re.M)) if block else {}


def on_a_server(text):
    """The rows of the table of settings; one may have two keys."""
    table = re.search(r"^## Settings\n(.*?)^[A-Z#]", text, re.S | re.M)
    rows = re.findall(r"^\| (`[^|]*`) \| ([^|]*)\|", table[1] if table else "", re.M)
    return {key.strip("`"): value for keys, values in rows
            for key, value in zip(keys.split(", "), values.strip(" `").split(", "))}


def defaults(header):
    found = re.findall(r"#define TJ_(\w+)_DEFAULT \(?(?:\(uint64_t\))?(\d+)(?: << (\d+))?", header)
    return {name: int(number) << int(shift or 0) for name, number, shift in found}


def main(root):
    keys = set(re.findall(r'\{TJ__TABLE_JOURNAL, "(\w+)"', (root / "src/config/settings.c").read_text()))
    known = defaults((root / "include/tesser/config.h").read_text())
    pages = (("README.md", in_readme, IN_README), ("docs/POSTGRES.md", on_a_server, ON_A_SERVER))
    found, told = [], set()
    for page, reader, numbers in pages:
        values = reader((root / page).read_text())
        told |= set(values)
        found += [f"{page} has a key {key}, which the program does not" for key in set(values) - keys]
        found += [f"{page} says {values.get(key)} of {key}, config.h {known[name]}"
                  for key, name in numbers.items() if key not in values or size(values[key]) != known[name]]
    found += [f"neither README.md nor docs/POSTGRES.md has the key {key}" for key in keys - told]
    print("\n".join(sorted(found)) or f"All {len(keys)} keys of the configuration stand with their defaults.")
    return 1 if found or not keys else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
