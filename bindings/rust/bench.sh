#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Compares this crate with the published tesser-journal 0.9.1. ROUNDS=15 is the default; TMPDIR
# chooses the disk.
set -euo pipefail
cd "$(dirname "$0")"
cargo build --release --quiet -p tesser-journal@0.9.100 --example program
cargo build --release --quiet -p demo-published
exec cargo bench --quiet -p tesser-journal@0.9.100 --bench compare
