//! An agent with a master and executors that the tests play, and real containers.
//!
//! This program is also the helper of the containers, which a test harness could not be: a helper must
//! not have threads. So it brings its own `main`.

mod answering;
mod disk;
mod fixture;
mod interrupted;
mod master;
mod old_executors;
mod registering;
mod restarting;
mod running;

use std::process::ExitCode;

fn main() -> ExitCode {
    mesos_testing::main(mesos_containerizer::launch_main, || {
        [
            registering::tests(),
            running::tests(),
            restarting::tests(),
            interrupted::tests(),
            disk::tests(),
            answering::tests(),
            old_executors::tests(),
        ]
        .concat()
    })
}
