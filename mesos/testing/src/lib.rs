//! Fixtures that tests of several packages use. Only tests depend on it.
//!
//! A test program that starts containers is their helper as well, which a test harness could not be: a
//! helper must not have threads. So it brings its own [`main`], with tests that [`tests!`] lists, and
//! [`Leftovers`] ends what a failed test leaves running.
//!
//! ```no_run
//! # mod inner {
//! use std::process::ExitCode;
//!
//! mesos_testing::tests![truth_is_true];
//!
//! fn truth_is_true() {
//!     assert!(true);
//! }
//!
//! pub fn main() -> ExitCode {
//!     mesos_testing::main(|_arguments| ExitCode::FAILURE, || tests())
//! }
//! # }
//! # fn main() {}
//! ```

#![forbid(unsafe_code)]

mod disk;

use std::ffi::OsString;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub use disk::SmallDisk;

/// The first argument that makes a test program a helper.
pub const LAUNCH: &str = "containerizer-launch";

/// A test and its name.
pub type Test = (&'static str, fn());

/// Makes a function `tests` that lists functions of a module as tests, named like them.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub(crate) fn tests() -> Vec<$crate::Test> {
            vec![$((concat!(module_path!(), "::", stringify!($name)), $name as fn())),*]
        }
    };
}

/// The `main` of a test program: it is the helper of a container if it is called as one, and runs the
/// tests otherwise.
pub fn main(helper: impl FnOnce(Vec<OsString>) -> ExitCode, tests: impl FnOnce() -> Vec<Test>) -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == LAUNCH) {
        return helper(arguments.collect());
    }
    let trials = tests().into_iter().map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Processes other than this one that have a text in their command line or their environment.
///
/// # Panics
///
/// Panics when the processes cannot be listed.
pub fn processes_with(text: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for process in stout::proc::snapshot().expect("processes can be listed") {
        let file = |name: &str| std::fs::read(format!("/proc/{}/{name}", process.pid)).unwrap_or_default();
        let holds = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).contains(text);
        if process.pid != std::process::id() && (holds(file("cmdline")) || holds(file("environ"))) {
            found.push(process.pid);
        }
    }
    found
}

/// Ends, when it is dropped, all processes that have a text in their command line or environment, such
/// as the directory of a test.
#[derive(Debug)]
pub struct Leftovers(pub String);

impl Drop for Leftovers {
    fn drop(&mut self) {
        for pid in processes_with(&self.0) {
            // It may have ended meanwhile.
            let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn process_that_is_left_is_found_by_its_environment_and_ended() {
        let text = format!("leftovers-of-{}", std::process::id());
        let mut child = Command::new("sleep").arg("600").env("MARK", &text).spawn().unwrap();
        let leftovers = Leftovers(text);
        while processes_with(&leftovers.0) != [child.id()] {
            std::thread::yield_now();
        }
        drop(leftovers);
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
}
