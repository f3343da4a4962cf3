//! The executor of task groups.
//!
//! Each task is a container nested in the executor's own, launched through the agent's operator API.
//! The tasks of a group share their fate: when one fails or is killed, the others of its group are
//! killed. The executor ends when its last task has.

mod container;
mod executor;

use std::ffi::OsString;
use std::process::ExitCode;

pub use executor::DefaultExecutor;

use crate::Options;

/// The default executor's `main`: everything it needs is in the environment.
pub fn main(_arguments: Vec<OsString>) -> ExitCode {
    crate::main(|options: &Options| DefaultExecutor::new(options))
}
