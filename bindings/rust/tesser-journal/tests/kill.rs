// SPDX-License-Identifier: MIT OR Apache-2.0
//! Processes: a runtime that is killed after an acknowledged save, and a second one beside it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tesser_journal::{ErrorKind, JournalError, JournalOptions, LmdbJournal};
use tesser_portfolio::StateRepository;

/// The example program; `cargo test` builds it beside the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().with_file_name("examples").join("program");
    assert!(program.is_file(), "cargo build --examples makes {}", program.display());
    program
}

/// Killed with SIGKILL when dropped, so that a test that fails leaves none behind.
struct Runtime(Child);

impl Drop for Runtime {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Starts a runtime and returns when its save was acknowledged.
fn saved(directory: &Path, round: usize) -> Runtime {
    let mut runtime = Command::new(program())
        .args(["save", directory.to_str().unwrap(), &round.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .map(Runtime)
        .unwrap();
    let mut line = String::new();
    let output = runtime.0.stdout.as_mut().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    assert_eq!(line, "saved\n", "round {round}");
    runtime
}

fn check(directory: &Path, round: usize) -> Output {
    Command::new(program())
        .args(["check", directory.to_str().unwrap(), &round.to_string()])
        .output()
        .unwrap()
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("journal");
    for round in 0..100 {
        drop(saved(&journal, round));
        let output = check(&journal, round);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "round {round}: {text}");
        assert!(text.starts_with("equal: "), "round {round}: {text}");
    }
}

#[test]
fn a_second_writer_is_refused_and_a_reader_looks_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let runtime = saved(&path, 1);
    let error = LmdbJournal::open(&path).unwrap_err();
    let error = error.downcast_ref::<JournalError>().unwrap();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.message().contains(&runtime.0.id().to_string()), "{error}");
    assert!(error.message().contains("TESSER_JOURNAL_READ_ONLY=1"), "{error}");
    let inspect = |read_only: &str| {
        let mut program = Command::new(program());
        let directory = path.to_str().unwrap();
        program.args(["check", directory, "1"]).env("TESSER_JOURNAL_READ_ONLY", read_only);
        program.output().unwrap().status.success()
    };
    assert!(!inspect("0"));
    assert!(inspect("1"));
    let looking_on = JournalOptions::new().read_only(true).open(&path).unwrap();
    assert_eq!(looking_on.state_repo().load().unwrap().open_orders.len(), 144);
    drop(runtime);
    drop(looking_on);
    LmdbJournal::open(&path).unwrap();
}
