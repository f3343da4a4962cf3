//! How fast are our actors beside those of other crates, and beside no library at all?
//!
//! `cargo bench --bench actors [-- FILTER... | --quick]`. A filter is a part of a row's name, such as
//! `tell` or `http`.
//!
//! Every library does the same work: what an actor keeps and does with a message is [`library::Worker`],
//! the same struct for all; what is sent, how much of it and how it is checked is one generic function
//! a row in [`work`]; the file of a library holds only how that library says it. All have two worker
//! threads: `tokio` is a task that reads an unbounded channel, and `call` a function call, which are the
//! limits. Mailboxes are unbounded, as ours are by default. actix has no pool of threads: it stands
//! here spread over two arbiters, and, as `actix (1)`, with actors and clients on one thread.
//!
//! Criterion measures one function for long, then the next. On a machine whose speed drifts by a fifth
//! that compares moments and not libraries, so the timing here is plain: in each round every library
//! does every row, one after the other and each round beginning with another one, and what counts is
//! the best of the rounds. A run takes some minutes.

mod bare;
mod call;
mod counting;
mod http;
mod idle;
mod library;
mod local;
mod measure;
mod ours;
mod peers;
mod remote;
mod report;
mod work;

use std::process::ExitCode;

/// What a run measures, and how long it takes over it.
pub(crate) struct Plan {
    filters: Vec<String>,
    pub(crate) quick: bool,
}

impl Plan {
    pub(crate) fn wants(&self, row: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| row.contains(filter.as_str()))
    }

    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 1 } else { 5 }
    }

    /// So many operations instead of `full`.
    pub(crate) fn scaled(&self, full: u64) -> u64 {
        if self.quick { full / 50 } else { full }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // What is measured in processes of their own is this program once more.
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--idle", name] => return idle::child(name),
        ["--serve", name] => return http::child(name),
        _ => {}
    }
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    // `cargo test`, which only sees that it works at all, does not pass `--bench`.
    let quick = given("--quick") || !given("--bench");
    let filters = arguments.into_iter().filter(|argument| !argument.starts_with("--")).collect();
    let plan = Plan { filters, quick };

    let mut bars = local::measure(&plan);
    bars.extend(idle::measure(&plan));
    bars.extend(remote::measure(&plan));
    bars.extend(http::measure(&plan));
    // Figures of a quick run are too small to be held against anything.
    if !plan.quick {
        bars.iter().for_each(|bar| println!("{bar}"));
    }
    ExitCode::SUCCESS
}
