//! How quick is a cluster in one process, and what do its messages cost?
//!
//! `cargo bench --bench cluster` measures the codecs by criterion, then launches real tasks on a real
//! cluster: master and agents in this process, executors and commands as processes of their own.

mod codec;
mod messages;
mod tasks;

use std::process::ExitCode;

use criterion::Criterion;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    // The agents start their executors as this program.
    if let Some(code) = mesos_local::helpers::dispatch() {
        return code;
    }
    // `cargo test` runs benchmarks to see that they work: then once, and small.
    let trial = arguments.iter().any(|argument| argument == "--test");
    let mut criterion = Criterion::default().configure_from_args();
    codec::measure(&mut criterion);
    criterion.final_summary();
    let figures = match tasks::measure(if trial { 4 } else { 400 }) {
        Ok(figures) => figures,
        Err(error) => {
            eprintln!("the cluster could not be measured: {error}");
            return ExitCode::FAILURE;
        }
    };
    if !trial {
        codec::bars();
        figures.print();
    }
    ExitCode::SUCCESS
}
