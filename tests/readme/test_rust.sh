#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The README's Rust program in a package of its own, made by the line that stands there. Usage: test_rust.sh
set -euo pipefail
here=$(dirname "$(realpath "$0")")
source=$(realpath "$here/../..")
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$source/bindings/rust/target}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tj-readme-rust-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
cargo init --quiet --vcs none --name readme
# Of the crates that it needs, the versions that are tested here.
cp "$source/bindings/rust/Cargo.lock" .
export CARGO_NET_OFFLINE=true
typed=$(grep '^    cargo add ' "$source/README.md")
bash -c "${typed/..\/tesser-journal/$source}"
sh "$here/block.sh" rust >src/main.rs
printed=$(cargo run --quiet)
[ "$printed" = "commit 1 is durable" ] && [ -f journal/data.mdb ] || { echo "expected commit 1: $printed"; exit 1; }
echo "the README's program in Rust: $printed"
