//! How long is one allocation cycle, and what does it depend on?
//!
//! `cargo bench --bench allocator [-- --quick]`, in the shape of Mesos' own allocator benchmarks: clusters of
//! up to 50,000 agents and 5,000 frameworks, in one role or in a role each. What is timed is the pure core, by
//! the processor time of this process.
//!
//! The `bare` column is the limit: one pass over the resources of all agents that copies and sums them up.

mod cluster;
#[path = "../actors/counting.rs"]
mod counting;
mod cycles;
mod idle;
mod memory;
mod timing;
mod variety;

use std::process::ExitCode;

use mesos_benches::Limit;

/// The figures that have limits, printed at the end.
#[derive(Default)]
pub(crate) struct Bars(Vec<String>);

impl Bars {
    pub(crate) fn at_most(&mut self, name: &str, limit: f64, figure: f64) {
        self.0.push(Limit::AtMost(limit).bar(&format!("allocator/{name}"), figure));
    }
}

/// How large the clusters are.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    quick: bool,
}

impl Plan {
    /// So many instead of `full`.
    pub(crate) fn scaled(self, full: usize) -> usize {
        if self.quick { (full / 50).max(2) } else { full }
    }
}

fn main() -> ExitCode {
    let given = |flag: &str| std::env::args().any(|argument| argument == flag);
    // `cargo test`, which only sees that it works at all, does not pass `--bench`.
    let plan = Plan { quick: given("--quick") || !given("--bench") };
    let mut bars = Bars::default();
    memory::measure(plan);
    cycles::measure(plan, &mut bars);
    variety::measure(plan, &mut bars);
    idle::measure(plan, &mut bars);
    // Figures of a quick run are too small to be held against anything.
    if !plan.quick {
        bars.0.iter().for_each(|bar| println!("{bar}"));
    }
    ExitCode::SUCCESS
}
