// SPDX-License-Identifier: MIT OR Apache-2.0
//! An event loop of its own: orders are submitted while the disk works, and each is answered when it
//! is durable. Usage: `event_loop [JOURNAL [ORDERS]]`

use std::collections::VecDeque;
use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tesser_journal_core::{Journal, Options, Order, OrderType, Side, Symbol};

/// Nothing sleeps here but the loop itself.
struct Awake;

impl Wake for Awake {
    fn wake(self: Arc<Self>) {}
}

/// What a strategy would do: an order every few commits, each answered.
async fn trade(journal: Journal, orders: usize) -> Result<u64, Box<dyn Error>> {
    let mut on_their_way = VecDeque::new();
    let mut newest = 0;
    for number in 0..orders {
        let id = format!("order-{number}");
        let symbol = Symbol::parse("binance_perp:BTCUSDT")?;
        let mut order = Order::new(&id, symbol, Side::Buy, OrderType::Limit, "0.25".parse()?);
        order.price = Some("64250.10".parse()?);
        let mut commit = journal.begin()?;
        commit.put_order(&order)?;
        on_their_way.push_back(commit.submit()?);
        if on_their_way.len() == 64 {
            newest = on_their_way.pop_front().expect("there are 64").await?;
        }
    }
    for commit in on_their_way {
        newest = commit.await?;
    }
    Ok(newest)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let options = arguments.next().map_or_else(Options::in_memory, Options::at);
    let orders = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    let journal = options.open()?;
    let waker = Waker::from(Arc::new(Awake));
    let mut context = Context::from_waker(&waker);
    let mut trading = pin!(trade(journal.clone(), orders));
    let newest = loop {
        if let Poll::Ready(result) = trading.as_mut().poll(&mut context) {
            break result?;
        }
        // A loop with more to do would poll the journal's descriptor beside its own.
        journal.complete(Duration::from_millis(100))?;
    };
    println!("{orders} orders are durable, the newest as commit {newest}");
    journal.close()?;
    Ok(())
}
