// SPDX-License-Identifier: MIT OR Apache-2.0
//! A state that cannot be loaded is not replaced by a runtime that went on from defaults.

#[allow(dead_code)]
mod support;

use tesser_journal::{ErrorKind, JournalOptions, LmdbJournal};
use tesser_portfolio::{LiveState, StateRepository};

use support::journal;

/// A strategy's state of which a float cannot hold a number.
const UNREADABLE: &str = r#"{"strategy_state":{"big":1e999}}"#;

#[test]
fn a_runtime_that_went_on_from_defaults_saves_nothing() {
    let (_directory, path) = journal(UNREADABLE);
    for load_first in [true, false] {
        let states = LmdbJournal::open(&path).unwrap().state_repo();
        if load_first {
            states.load().unwrap_err();
        }
        let sentence = states.save(&LiveState::default()).unwrap_err().to_string();
        assert!(sentence.contains("nothing was saved: the state that is stored"), "{sentence}");
        assert!(sentence.contains("number out of range"), "{sentence}");
        assert!(sentence.contains("TESSER_JOURNAL_REPLACE_UNREADABLE=1"), "{sentence}");
        states.load().unwrap_err();
    }
    let mut commit = LmdbJournal::open(&path).unwrap().transaction().unwrap();
    let error = commit.put_state(&LiveState::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn whoever_decides_replaces_it() {
    let (_directory, path) = journal(UNREADABLE);
    let journal = JournalOptions::new().replace_unreadable(true).open(&path).unwrap();
    let states = journal.state_repo();
    states.load().unwrap_err();
    states.save(&LiveState::default()).unwrap();
    states.load().unwrap();
}

#[test]
fn another_commit_that_mends_it_is_seen() {
    let (_directory, path) = journal(UNREADABLE);
    let journal = LmdbJournal::open(&path).unwrap();
    let states = journal.state_repo();
    states.save(&LiveState::default()).unwrap_err();
    let mut commit = journal.transaction().unwrap();
    commit.set_strategy_state(None).unwrap();
    commit.commit().unwrap();
    states.save(&LiveState::default()).unwrap();
}

#[test]
fn a_test_can_have_a_small_journal() {
    let directory = tempfile::tempdir().unwrap();
    let journal = JournalOptions::new()
        .durability(tesser_journal::Durability::Os)
        .segment_size_bytes(64 << 10)
        .open(directory.path().join("journal"))
        .unwrap();
    journal.state_repo().save(&LiveState::default()).unwrap();
}
