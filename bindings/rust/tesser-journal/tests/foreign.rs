// SPDX-License-Identifier: MIT OR Apache-2.0
//! What another program may have stored, and Tesser's types cannot hold: an error that names it,
//! never something near it.

#[allow(dead_code)]
mod support;

use std::ffi::CString;
use std::path::Path;
use std::ptr;

use tesser_execution::AlgoStateRepository;
use tesser_journal::LmdbJournal;
use tesser_journal_sys as sys;
use tesser_portfolio::StateRepository;
use uuid::Uuid;

use support::journal;

fn refusal(line: &str) -> String {
    let (_directory, path) = journal(line);
    let journal = LmdbJournal::open(&path).unwrap();
    journal.state_repo().load().unwrap_err().to_string()
}

#[test]
fn more_digits_than_tesser_has_are_refused() {
    assert_eq!(
        refusal(r#"{"last_prices":{"okx:BTC":"79228162514264337593543950336"}}"#),
        "internal error: a stored decimal, 79228162514264337593543950336 with 0 digits after the \
         point, needs more digits than Tesser's decimals hold: last price of okx:BTC"
    );
    let sentence = refusal(r#"{"last_prices":{"okx:BTC":"0.00000000000000000000000000010"}}"#);
    assert!(sentence.contains("10 with 29 digits after the point"), "{sentence}");
}

#[test]
fn numbers_that_a_float_cannot_hold_are_refused() {
    let sentence = refusal(r#"{"strategy_state":{"big":1e999}}"#);
    assert!(sentence.contains("Tesser cannot hold this JSON: number out of range"), "{sentence}");
    assert!(sentence.ends_with(": strategy_state"), "{sentence}");
}

#[test]
fn a_code_that_tesser_would_write_differently_is_refused() {
    let sentence = refusal(r#"{"last_prices":{"okx:stra\u00dfe":"1"}}"#);
    assert!(sentence.contains(r#"Tesser writes the symbol "STRAßE" as "STRASSE""#), "{sentence}");
}

#[test]
fn one_bad_algorithm_hides_no_other() {
    let good = "00000000-0000-0000-0000-000000000001";
    let bad = "00000000-0000-0000-0000-000000000002";
    let (_directory, path) = journal(&format!(
        r#"{{"algos":{{"{good}":{{"plugin":"TWAP","payload":[1]}},
                       "{bad}":{{"plugin":"TWAP","payload":1e999}}}}}}"#
    ));
    let algos = LmdbJournal::open(&path).unwrap().algo_repo();
    let (readable, broken) = algos.load_readable().unwrap();
    assert_eq!(readable.keys().collect::<Vec<_>>(), [&Uuid::parse_str(good).unwrap()]);
    assert_eq!(broken.len(), 1);
    assert_eq!((broken[0].id.to_string().as_str(), &broken[0].raw[..]), (bad, &b"1e999"[..]));
    let error = algos.load_all().unwrap_err().to_string();
    assert!(
        error.starts_with(&format!(
            "1 of 2 algorithms cannot be decoded and are kept as they are, \
                                    the first is {bad}: "
        )),
        "{error}"
    );
    assert_eq!(algos.load_readable().unwrap().1.len(), 1);
}

#[test]
fn what_this_version_does_not_know_stays_through_a_save() {
    let (_directory, path) = journal(r#"{"extra":{"margin_mode":"cross"}}"#);
    let states = LmdbJournal::open(&path).unwrap().state_repo();
    let mut state = states.load().unwrap();
    state.last_prices.insert("okx:BTC".into(), "1.10".parse().unwrap());
    states.save(&state).unwrap();
    assert_eq!(extra(&path), r#"{"margin_mode":"cross"}"#);
}

/// Unknown top-level members, as the library gives them.
fn extra(path: &Path) -> String {
    let path = CString::new(path.to_str().unwrap()).unwrap();
    let config = sys::tj_config { path: path.as_ptr(), shared: true, ..Default::default() };
    let (mut store, mut state) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: every pointer is valid for its call; the text is copied before its state is freed.
    unsafe {
        assert_eq!(sys::tj_store_open(&config, &mut store, ptr::null_mut()), sys::TJ_OK);
        let states = sys::tj_store_state_repository(store, ptr::null());
        assert_eq!(sys::tj_state_load(states, &mut state, ptr::null_mut()), sys::TJ_OK);
        let view = (*state).extra;
        let bytes = std::slice::from_raw_parts(view.data.cast(), view.size);
        let text = String::from_utf8_lossy(bytes).into_owned();
        sys::tj_live_state_free(state);
        sys::tj_store_close(store, ptr::null_mut());
        text
    }
}
