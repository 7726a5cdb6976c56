// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is stored comes back, whole and exact; what is refused says why; what is submitted is told.

use std::collections::HashSet;
use std::fs;
use std::future::Future;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tesser_journal_core::{
    Algo, Balance, CommitOptions, Decimal, Durability, Journal, LedgerEntry, LedgerType, Options,
    Order, OrderStatus, OrderType, Position, Result, Side, Status, Symbol, TimeInForce, Uuid,
};

/// A directory of its own, gone with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tj-core-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn symbol(text: &str) -> Symbol<'_> {
    Symbol::parse(text).unwrap()
}

fn full_order() -> Order<'static> {
    Order {
        price: Some(number("64250.10")),
        trigger_price: Some(number("64000.00")),
        time_in_force: Some(TimeInForce::ImmediateOrCancel),
        client_order_id: Some("mine-1"),
        take_profit: Some(number("70000")),
        stop_loss: Some(number("60000")),
        display_quantity: Some(number("0.10")),
        status: OrderStatus::PartiallyFilled,
        filled_quantity: number("0.500"),
        avg_fill_price: Some(number("64249.95")),
        created_at: 1_700_000_000_123_456_789,
        updated_at: 1_700_000_000_123_456_790,
        request_extra: Some(r#"{"margin_mode":"cross"}"#),
        extra: Some(r#"{"venue_id":7}"#),
        ..Order::new(
            "order-1",
            Symbol { exchange: "binance_perp", code: "BTCUSDT" },
            Side::Sell,
            OrderType::StopMarket,
            number("1.500"),
        )
    }
}

fn store_everything(journal: &Journal) -> Result<u64> {
    let algo = Algo { id: Uuid([7; 16]), plugin: "twap", payload: r#"{"filled":"1.50"}"# };
    let entry = LedgerEntry {
        id: Uuid::random(),
        sequence: 1,
        time: 5,
        exchange: "binance_perp",
        asset: Symbol { exchange: "", code: "USDT" },
        amount: number("-0.10"),
        entry_type: LedgerType::Fee,
        reference: "order-1",
        meta: None,
    };
    let mut commit = journal.begin()?;
    commit.apply_json(
        r#"{"portfolio":{"reporting_currency":"USDT","initial_equity":"10000",
            "peak_equity":"10000","liquidate_only":false}}"#,
    )?;
    commit.put_order(&full_order())?;
    commit.put_position(None, &position())?;
    commit.put_balance(
        None,
        &Balance {
            currency: symbol("USDT"),
            quantity: number("12.3400"),
            conversion_rate: number("1"),
            extra: None,
        },
    )?;
    commit.put_price(symbol("binance_perp:BTCUSDT"), number("64250.10"))?;
    commit.set_equity(Some(number("10000.50")))?;
    commit.set_last_candle(Some(42))?;
    commit.set_strategy_state(Some(r#"{"fast": 12}"#))?;
    commit.put_algo(&algo)?;
    commit.append_ledger(&entry)?;
    commit.commit()
}

fn position() -> Position<'static> {
    Position {
        symbol: Symbol { exchange: "binance_perp", code: "BTCUSDT" },
        side: Some(Side::Buy),
        quantity: number("1.250"),
        entry_price: Some(number("99.50")),
        unrealized_pnl: number("-12.5"),
        updated_at: 3,
        extra: None,
    }
}

#[test]
fn everything_comes_back_after_it_was_closed() -> Result<()> {
    let scratch = Scratch::new("everything");
    let journal = Journal::open(scratch.0.join("journal"))?;
    let sequence = store_everything(&journal)?;
    journal.close()?;
    let journal = Options::at(scratch.0.join("journal")).must_exist().read_only().open()?;
    let state = journal.book()?.load()?;
    assert_eq!(state.sequence(), sequence);
    assert_eq!(state.orders().collect::<Vec<_>>(), [full_order()]);
    assert_eq!(state.equity().unwrap().to_string(), "10000.50");
    assert_eq!(state.last_candle(), Some(42));
    assert_eq!(state.strategy_state(), Some(r#"{"fast": 12}"#));
    let price = state.prices().next().unwrap();
    assert_eq!((price.0.to_string(), price.1.to_string()).0, "binance_perp:BTCUSDT");
    let portfolio = state.portfolio().unwrap();
    assert_eq!(portfolio.positions().collect::<Vec<_>>(), [position()]);
    assert_eq!(portfolio.balances().next().unwrap().quantity.to_string(), "12.3400");
    assert_eq!(portfolio.reporting_currency().code, "USDT");
    let algos = journal.book()?.algos()?;
    assert_eq!(algos.iter().next().unwrap().payload, r#"{"filled":"1.50"}"#);
    assert_eq!(algos.quarantined().len(), 0);
    let ledger = journal.book()?.ledger_from(1)?;
    assert_eq!(ledger.iter().next().unwrap().amount.to_string(), "-0.10");
    assert_eq!(journal.book()?.ledger_latest()?, 1);
    Ok(())
}

#[test]
fn the_past_is_there() -> Result<()> {
    let scratch = Scratch::new("past");
    let journal = Options::at(scratch.0.join("journal")).durability(Durability::Os).open()?;
    for equity in 1..=20 {
        let mut commit = journal.begin()?;
        commit.set_equity(Some(Decimal::from(equity)))?;
        commit.commit()?;
    }
    let then = journal.book()?.load_at("7")?;
    assert_eq!(then.equity(), Some(Decimal::from(7)));
    assert_eq!(journal.book()?.load_at("nonsense").err().unwrap().status(), Status::Invalid);
    Ok(())
}

#[test]
fn a_commit_that_is_dropped_changes_nothing() -> Result<()> {
    let journal = Options::in_memory().open()?;
    let mut commit = journal.begin()?;
    commit.set_equity(Some(Decimal::from(1)))?;
    drop(commit);
    assert_eq!(journal.book()?.load()?.equity(), None);
    Ok(())
}

#[test]
fn an_id_is_committed_once_and_a_stale_state_is_refused() -> Result<()> {
    let journal = Options::in_memory().open()?;
    let options = CommitOptions { id: Some(Uuid::random()), ..CommitOptions::default() };
    let commit = |equity: i64, options: &CommitOptions<'_>| {
        let mut commit = journal.begin()?;
        commit.set_equity(Some(Decimal::from(equity)))?;
        commit.commit_with(options)
    };
    let first = commit(1, &options)?;
    assert_eq!(commit(2, &options)?, first);
    assert_eq!(journal.book()?.load()?.equity(), Some(Decimal::from(1)));
    commit(3, &CommitOptions::default())?;
    let stale = CommitOptions { expected_sequence: Some(first), ..CommitOptions::default() };
    assert_eq!(commit(4, &stale).unwrap_err().status(), Status::Conflict);
    Ok(())
}

#[test]
fn what_is_wrong_is_said_in_a_sentence() {
    let journal = Options::in_memory().open().unwrap();
    let mut commit = journal.begin().unwrap();
    let error = commit.set_strategy_state(Some("{")).unwrap_err();
    assert_eq!(error.status(), Status::Invalid);
    assert!(error.to_string().contains("strategy_state"), "{error}");
    assert_eq!(error.advice(), "Correct the call or its input.");
    assert_eq!("1.5x".parse::<Decimal>().unwrap_err().status(), Status::Invalid);
    assert_eq!(Symbol::parse("").unwrap_err().status(), Status::Invalid);
    assert_eq!(journal.book_named("a\0b").err().unwrap().status(), Status::Invalid);
    let missing = Options::at("/nonexistent/journal").must_exist().open().err().unwrap();
    assert_eq!(missing.status(), Status::NotFound);
    assert!(missing.to_string().contains("/nonexistent/journal"), "{missing}");
}

#[test]
fn a_second_writer_is_told_who_holds_it() -> Result<()> {
    let scratch = Scratch::new("busy");
    let _journal = Journal::open(scratch.0.join("journal"))?;
    let error = Journal::open(scratch.0.join("journal")).err().unwrap();
    assert_eq!(error.status(), Status::Busy);
    Ok(())
}

#[test]
fn numbers_are_never_given_twice() -> Result<()> {
    let scratch = Scratch::new("counter");
    let path = scratch.0.join("journal");
    assert_eq!(Journal::open(&path)?.reserve("orders", 10)?, 1);
    assert_eq!(Journal::open(&path)?.reserve("orders", 10)?, 11);
    Ok(())
}

#[test]
fn equal_decimals_have_one_hash() {
    let all: HashSet<_> =
        ["1.50", "1.5", "1.500", "150", "-0", "0.00", "0"].map(number).into_iter().collect();
    assert_eq!(all.len(), 3);
    assert_eq!(number("1.50").to_string(), "1.50");
    assert!(number("-1") < number("0.5"));
    assert_eq!(number("0.1").checked_add(number("0.20")).unwrap().to_string(), "0.30");
    let most = number(&"9".repeat(34));
    assert_eq!(most.checked_mul(most).unwrap_err().status(), Status::Inexact);
}

// ---- submitted ---------------------------------------------------------------------------------

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn submit(journal: &Journal, equity: i64) -> tesser_journal_core::Commit {
    let mut commit = journal.begin().unwrap();
    commit.set_equity(Some(Decimal::from(equity))).unwrap();
    commit.submit().unwrap()
}

fn readable(journal: &Journal) -> bool {
    #[repr(C)]
    struct PollFd {
        fd: i32,
        events: i16,
        revents: i16,
    }
    unsafe extern "C" {
        fn poll(fds: *mut PollFd, count: std::ffi::c_ulong, timeout_ms: i32) -> i32;
    }
    let mut fd = PollFd { fd: journal.as_fd().as_raw_fd(), events: 1, revents: 0 };
    // SAFETY: one valid struct, as the count says.
    unsafe { poll(&mut fd, 1, 10_000) == 1 }
}

#[test]
fn a_future_is_woken_by_who_takes_what_is_done() -> Result<()> {
    let scratch = Scratch::new("future");
    let journal = Journal::open(scratch.0.join("journal"))?;
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let mut commit = pin!(submit(&journal, 1));
    let sequence = commit.sequence();
    loop {
        match commit.as_mut().poll(&mut context) {
            Poll::Ready(result) => {
                assert_eq!(result?, sequence);
                break;
            }
            Poll::Pending => {
                assert!(readable(&journal));
                journal.complete(Duration::ZERO)?;
                assert!(woken.0.load(Ordering::SeqCst) > 0);
            }
        }
    }
    assert_eq!(journal.book()?.load()?.equity(), Some(Decimal::from(1)));
    Ok(())
}

#[test]
fn many_threads_wait_for_commits_that_others_take() {
    let journal = Options::in_memory().open().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let journal = journal.clone();
            scope.spawn(move || {
                let commits: Vec<_> =
                    (0..100).map(|n| submit(&journal, thread * 100 + n)).collect();
                for commit in commits {
                    let sequence = commit.sequence();
                    assert_eq!(commit.wait().unwrap(), sequence);
                }
            });
        }
    });
    assert_eq!(journal.book().unwrap().load().unwrap().sequence(), 400);
}

#[test]
fn numbers_are_reserved_without_waiting() -> Result<()> {
    let scratch = Scratch::new("reserving");
    let journal = Journal::open(scratch.0.join("journal"))?;
    let blocks: Vec<_> =
        (0..3).map(|_| journal.submit_reserve("orders", 10)).collect::<Result<_>>()?;
    let mut blocks = blocks.into_iter();
    assert_eq!(blocks.next().unwrap().wait()?, 1..11);
    let mut second = pin!(blocks.next().unwrap());
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(numbers) = second.as_mut().poll(&mut context) {
            assert_eq!(numbers?, 11..21);
            break;
        }
        assert!(readable(&journal));
    }
    assert!(journal.submit_reserve("orders", u64::MAX).is_err());
    assert_eq!(journal.reserve("orders", 1)?, 31);
    Ok(())
}

#[test]
fn closing_leaves_no_commit_behind() -> Result<()> {
    let scratch = Scratch::new("closing");
    let journal = Journal::open(scratch.0.join("journal"))?;
    let commits: Vec<_> = (1..=64).map(|n| submit(&journal, n)).collect();
    drop(commits);
    journal.close()?;
    let journal = Journal::open(scratch.0.join("journal"))?;
    assert_eq!(journal.book()?.load()?.equity(), Some(Decimal::from(64)));
    Ok(())
}

#[test]
fn the_tree_is_lean() {
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges", "all", "--prefix", "none"])
        .args(["--package", "tesser-journal-core"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = String::from_utf8(tree.stdout).unwrap();
    let crates: HashSet<_> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains("tesser-journal-sys"), "{text}");
    assert!(crates.len() < 20, "{crates:?}");
}
