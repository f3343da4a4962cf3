//! An agent with a master and executors that the tests play, and real containers.
//!
//! This program is also the helper of the containers, which a test harness could not be: a helper must
//! not have threads. So it brings its own `main`.

mod answering;
mod fixture;
mod master;
mod old_executors;
mod registering;
mod restarting;
mod running;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == fixture::LAUNCH) {
        return mesos_containerizer::launch_main(arguments.collect());
    }
    let tests = [
        registering::tests(),
        running::tests(),
        restarting::tests(),
        answering::tests(),
        old_executors::tests(),
    ]
    .concat();
    let trials = tests.into_iter().map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
