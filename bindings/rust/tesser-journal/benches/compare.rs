// SPDX-License-Identifier: MIT OR Apache-2.0
//! This crate beside the published tesser-journal 0.9.1, on one machine in one run: `bench.sh`
//! builds and starts it. Each runs in a process of its own (two LMDBs do not go into one), they take
//! turns, and every ratio is of two neighbouring turns, because disks change from minute to minute.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

struct Case {
    name: &'static str,
    /// Operations of ours and of the published crate, which cannot load what its LMDB store saves.
    operations: [&'static str; 2],
    orders: usize,
    /// Calls in one turn.
    count: usize,
}

const CASES: [Case; 9] = [
    case("creation", ["create", "create"], 10, 5),
    case("state save, 10 orders, 1 changed", ["save", "save"], 10, 100),
    case("state save, 1,000 orders, 1 changed", ["save", "save"], 1_000, 40),
    case("state save, 10,000 orders, 1 changed", ["save", "save"], 10_000, 8),
    case("state load, 10 orders (SQLite)", ["load", "load-sqlite"], 10, 100),
    case("state load, 1,000 orders (SQLite)", ["load", "load-sqlite"], 1_000, 20),
    case("state load, 10,000 orders (SQLite)", ["load", "load-sqlite"], 10_000, 4),
    case("algorithm save", ["algo", "algo"], 10, 100),
    case("algorithm save, 64 threads", ["algo-threads", "algo-threads"], 10, 10),
];

const fn case(
    name: &'static str,
    operations: [&'static str; 2],
    orders: usize,
    count: usize,
) -> Case {
    Case { name, operations, orders, count }
}

/// One of the two programs, and its answers.
struct Subject {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Subject {
    fn start(program: &Path, directory: &Path) -> Self {
        let mut process = Command::new(program)
            .args(["serve".as_ref(), directory.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; bench.sh builds it", program.display()));
        let answers = BufReader::new(process.stdout.take().expect("it is a pipe"));
        Self { process, answers }
    }

    /// Median of the calls of one turn, in nanoseconds.
    fn turn(&mut self, operation: &str, orders: usize, count: usize) -> f64 {
        let requests = self.process.stdin.as_mut().expect("it is a pipe");
        writeln!(requests, "{operation} {orders} {count}").expect("it reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("it answers");
        let times = answer.split_whitespace().map(|word| word.parse().expect(&answer));
        median(times.collect())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    assert!(!values.is_empty(), "no call was measured");
    values[values.len() / 2]
}

/// One 4 KiB write into written space and its flush: what a durable save costs at least.
fn raw_write(file: &File) -> f64 {
    let times = (0..20).map(|n| {
        let start = Instant::now();
        file.write_all_at(&[n; 4096], u64::from(n) * 4096).expect("space");
        file.sync_data().expect("a disk");
        start.elapsed().as_nanos() as f64
    });
    median(times.collect())
}

fn main() {
    let rounds = std::env::var("ROUNDS").map_or(15, |text| text.parse().expect("a number"));
    let bench = std::env::current_exe().expect("this program's path");
    let built = bench.parent().and_then(Path::parent).expect("target/release/deps/compare");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let raw_file = File::create(directory.path().join("raw")).expect("a file");
    raw_file.write_all_at(&[1; 20 * 4096], 0).expect("space");
    let mut ours = Subject::start(&built.join("examples/program"), &directory.path().join("ours"));
    let mut published =
        Subject::start(&built.join("demo-published"), &directory.path().join("published"));

    println!("| call | ours | published | published / ours | ours / raw write |");
    println!("|---|---|---|---|---|");
    for case in CASES {
        let mut all = [vec![], vec![], vec![], vec![]];
        for round in 0..=rounds {
            let mut turn = |which: usize| match which {
                0 => ours.turn(case.operations[0], case.orders, case.count),
                _ => published.turn(case.operations[1], case.orders, case.count),
            };
            let first = turn(round % 2);
            let second = turn(1 - round % 2);
            let (ours, published) = if round % 2 == 0 { (first, second) } else { (second, first) };
            let raw = raw_write(&raw_file);
            if round > 0 {
                let values = [ours, published, published / ours, ours / raw];
                all.iter_mut().zip(values).for_each(|(all, value)| all.push(value));
            }
        }
        let [ours, published, ratio, to_raw] = all;
        println!(
            "| {} | {} | {} | {} | {} |",
            case.name,
            time(ours),
            time(published),
            spread(ratio),
            spread(to_raw)
        );
    }
}

fn time(values: Vec<f64>) -> String {
    format!("{:.3} ms", median(values) / 1e6)
}

/// Median and the range of the middle eight tenths.
fn spread(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| values[((values.len() - 1) as f64 * part).round() as usize];
    format!("{:.2} ({:.2} to {:.2})", at(0.5), at(0.1), at(0.9))
}
