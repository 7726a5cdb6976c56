#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Both ways to put this crate in the published one's place, as README.md has them: in a program on the
# published crates, and in a workspace whose members depend on each other by path, as Tesser's own. That
# one is made here of the published sources, as Tesser has them: each crate a directory of its name. And the
# expression that puts the ledger on the journal there.
set -euo pipefail
cd "$(dirname "$0")"
ours=$PWD/tesser-journal
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
# Always the same place, so that what is compiled of it does not pile up.
work=$CARGO_TARGET_DIR/tesser-workspace
rm -rf "$work"
mkdir -p "$work"

fail() {
    echo "FAILED: $*" >&2
    [ ! -s "$work/said" ] || cat "$work/said" >&2
    exit 1
}

# says DIRECTORY ARGUMENTS...: what Cargo says, without asking the registry.
says() {
    local directory=$1
    shift
    (cd "$directory" && cargo --offline "$@") >"$work/said" 2>&1 || fail "cargo $* in $directory"
}

has() {
    grep -qF -- "$1" "$work/said" || fail "Cargo did not say: $1"
}

# program DIRECTORY LINE: a package of the runtime's persistence, with this dependency on the journal.
program() {
    mkdir -p "$1/src"
    cat >"$1/Cargo.toml" <<TOML
[package]
name = "tesser-cli"
version = "0.9.1"
edition = "2021"

[dependencies]
anyhow = "1"
$2
$3
ort = { version = "=2.0.0-rc.10", default-features = false, features = ["load-dynamic"] }
TOML
    cat >"$1/src/main.rs" <<'RUST'
use std::sync::Arc;
use tesser_execution::{AlgoStateRepository, StoredAlgoState};
use tesser_journal::LmdbJournal;
use tesser_portfolio::{LiveState, StateRepository};

struct Handles {
    state: Arc<dyn StateRepository<Snapshot = LiveState>>,
    algo: Arc<dyn AlgoStateRepository<State = StoredAlgoState>>,
}

fn main() -> anyhow::Result<()> {
    let journal = LmdbJournal::open("journal")?;
    let handles =
        Handles { state: Arc::new(journal.state_repo()), algo: Arc::new(journal.algo_repo()) };
    println!("{} {}", handles.state.load()?.open_orders.len(), handles.algo.load_all()?.len());
    Ok(())
}
RUST
}

# ---- a program on the published crates ---------------------------------------------------------

published='tesser-execution = "0.9.1"
tesser-portfolio = "0.9.1"'
program "$work/program" 'tesser-journal = "0.9.1"' "$published"
printf '[workspace]\n' >>"$work/program/Cargo.toml"
cp Cargo.lock .cargo -r "$work/program"
says "$work/program" tree -i tesser-journal
has "tesser-journal v0.9.1"
printf '[patch.crates-io]\ntesser-journal = { path = "%s" }\n' "$ours" >>"$work/program/Cargo.toml"
# Locked as it is, the patch is not used, and Cargo only warns.
says "$work/program" tree -i tesser-journal
has "was not used in the crate graph"
has "tesser-journal v0.9.1"
says "$work/program" update -p tesser-journal@0.9.1
says "$work/program" tree -i tesser-journal
has "tesser-journal v0.9.100 ($ours)"

# ---- a workspace with members by path ------------------------------------------------------------

# members LOCKED DIRECTORY: Tesser's crates, as that workspace of ours has locked them, as members of one in
# DIRECTORY, and their names in $members.
members() {
    mkdir "$2"
    cp -r "$1/Cargo.lock" .cargo "$2"
    # Where the published sources are, by name.
    cargo metadata --manifest-path "$1/Cargo.toml" --locked --offline --format-version 1 |
        python3 -c 'import json, os, sys
for package in json.load(sys.stdin)["packages"]:
    if package["name"].startswith("tesser-") and package["source"]:
        print(package["name"], os.path.dirname(package["manifest_path"]))' >"$work/sources"
    while read -r name source; do
        cp -r "$source" "$2/$name"
        rm -f "$2/$name/Cargo.lock"
        # Among themselves they depend by path. What only their tests need is not there.
        awk '/^\[/ { skip = /^\[(dev-dependencies|\[bench|\[test|\[example)/ }
             skip { next }
             { print } /^\[dependencies\.tesser-/ { gsub(/.*\.|\]/, ""); print "path = \"../" $0 "\"" }' \
            "$source/Cargo.toml" >"$2/$name/Cargo.toml"
    done <"$work/sources"
    members=$(cut -d' ' -f1 "$work/sources" | sed 's/.*/"&", /' | tr -d '\n')
}

tesser=$work/tesser
members . "$tesser"
by_path='tesser-execution = { path = "../tesser-execution" }
tesser-portfolio = { path = "../tesser-portfolio" }'
# workspace PATCHES...
workspace() {
    printf '[workspace]\nresolver = "2"\nmembers = [%s"tesser-cli"]\n\n[patch.crates-io]\n' "$members"
    printf '%s\n' "$@"
}
# One line alone does nothing: a dependency by path is none on crates.io.
program "$tesser/tesser-cli" 'tesser-journal = { path = "../tesser-journal" }' "$by_path"
workspace "tesser-journal = { path = \"$ours\" }" >"$tesser/Cargo.toml"
says "$tesser" tree -p tesser-cli -i tesser-journal
has "was not used in the crate graph"
has "tesser-journal v0.9.1 ($tesser/tesser-journal)"

# All whose types meet, and in tesser-cli the version in place of the path.
program "$tesser/tesser-cli" 'tesser-journal = "0.9.3"' "$by_path"
workspace "tesser-journal = { path = \"$ours\" }" 'tesser-core = { path = "tesser-core" }' \
    'tesser-portfolio = { path = "tesser-portfolio" }' \
    'tesser-execution = { path = "tesser-execution" }' >"$tesser/Cargo.toml"
says "$tesser" tree -p tesser-cli -i tesser-journal
has "tesser-journal v0.9.100 ($ours)"
# It compiles, so there is one of each type.
says "$tesser" check -p tesser-cli

# ---- the ledger ------------------------------------------------------------------------------------

# Apart, as tesser-ledger needs a newer tesser-core than the published tesser-execution compiles with.
newest=$work/newest
members tesser-journal-ledger "$newest"
mkdir -p "$newest/tesser-cli/src"
cat >"$newest/tesser-cli/Cargo.toml" <<TOML
[package]
name = "tesser-cli"
version = "0.9.3"
edition = "2021"

[dependencies]
anyhow = "1"
tesser-journal = { version = "0.9.3", default-features = false }
tesser-journal-ledger = { path = "$PWD/tesser-journal-ledger" }
tesser-ledger = { path = "../tesser-ledger" }
TOML
cat >"$newest/tesser-cli/src/main.rs" <<'RUST'
use std::sync::Arc;
use tesser_journal::LmdbJournal;
use tesser_journal_ledger::JournalLedger;
use tesser_ledger::LedgerRepository;

fn main() -> anyhow::Result<()> {
    let path = "journal";
    let ledger: Arc<dyn LedgerRepository> =
        Arc::new(JournalLedger::from(LmdbJournal::open(&path)?.ledger_repo()));
    println!("{:?}", ledger.latest_sequence()?);
    Ok(())
}
RUST
workspace "tesser-journal = { path = \"$ours\" }" 'tesser-core = { path = "tesser-core" }' \
    'tesser-portfolio = { path = "tesser-portfolio" }' \
    'tesser-ledger = { path = "tesser-ledger" }' >"$newest/Cargo.toml"
says "$newest" tree -p tesser-cli -i tesser-ledger
has "tesser-journal-ledger v0.9.100"
says "$newest" check -p tesser-cli
echo "the patch takes in a program and in a workspace with members by path, and the ledger with it"
