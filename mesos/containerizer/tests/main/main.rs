//! Containers of real processes.
//!
//! This program is also the helper of the containers that it starts, which a test harness could not
//! be: a helper must not have threads. So it brings its own `main`.

mod fixture;
mod interrupted;
mod launching;
mod limits;
mod nesting;
mod recovering;

use std::process::ExitCode;

fn main() -> ExitCode {
    mesos_testing::main(mesos_containerizer::launch_main, || {
        [launching::tests(), nesting::tests(), recovering::tests(), interrupted::tests(), limits::tests()]
            .concat()
    })
}
