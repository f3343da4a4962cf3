//! The executor of tasks that are a command.
//!
//! It runs one task, as a process of its own process group in the sandbox, with its own environment
//! and that of the task, and ends when the end of the task was acknowledged.

mod child;
mod executor;

use std::ffi::OsString;
use std::process::ExitCode;

pub(crate) use child::Child;
pub use executor::CommandExecutor;

use crate::Options;

/// The command executor's `main`: everything it needs is in the environment.
pub fn main(_arguments: Vec<OsString>) -> ExitCode {
    crate::main(|options: &Options| CommandExecutor::new(options))
}
