#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Tests the Rust crates against the sources of this tree, with what rustfmt and clippy say.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v cargo >/dev/null; then
    if [ "${CI:-}" = true ]; then
        echo "The Rust crates cannot be tested: cargo is not installed." >&2
        exit 1
    fi
    echo "skipped: the Rust crates, because cargo is not installed"
    exit 0
fi

export TESSER_JOURNAL_NO_PKG_CONFIG=1
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
# Debug information of the whole graph would double the time and take gigabytes.
export CARGO_PROFILE_DEV_DEBUG=line-tables-only

# checked DIRECTORY: one workspace, with the versions of its lock file.
checked() {
    (
        cd "$1"
        cargo fmt --all --check
        cargo clippy --locked --quiet --all-targets -- -D warnings
        # With the examples, the graph is the one that clippy has just checked.
        RUSTDOCFLAGS="-D warnings" cargo doc --locked --quiet --no-deps --lib --examples
        cargo test --locked --quiet
    )
}

checked .
checked tesser-journal-ledger
./workspace.sh
../../tests/readme/test_rust.sh
