//! Containers of real processes.
//!
//! This program is also the helper of the containers that it starts, which a test harness could not
//! be: a helper must not have threads. So it brings its own `main`.

mod fixture;
mod launching;
mod limits;
mod nesting;
mod recovering;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == fixture::LAUNCH) {
        return mesos_containerizer::launch_main(arguments.collect());
    }
    let tests = [launching::tests(), nesting::tests(), recovering::tests(), limits::tests()].concat();
    let trials = tests.into_iter().map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
