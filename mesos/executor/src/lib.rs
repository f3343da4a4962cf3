//! The executor library and the bundled executors.
//!
//! An executor is a program that an agent starts to run tasks of a framework. Implement
//! [`Executor`], and [`run`] keeps it subscribed to its agent over the v1 executor API: it subscribes
//! with growing patience, tells the agent anew what was not acknowledged when the agent has
//! restarted, and sees to it that the executor is gone when it must be.
//!
//! Two executors are part of every agent: [`command`] runs one task that is a command, [`default`]
//! runs task groups as nested containers of its own.

#![forbid(unsafe_code)]

use std::process::ExitCode;

mod agent;
mod check_commands;
pub mod command;
pub mod default;
mod driver;
mod executor;
mod nested;
mod options;
mod tasks;
#[cfg(test)]
mod testing;
mod unacknowledged;

pub use agent::CallError;
pub use driver::{Driver, RunError, run};
pub use executor::Executor;
pub use options::{EnvironmentError, Options};

/// Runs a bundled executor as the whole program: everything it needs is in the environment.
fn main<E: Executor>(executor: impl FnOnce(&Options) -> E) -> ExitCode {
    let outcome = Options::from_env().map_err(|error| error.to_string()).and_then(|options| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("failed to start: {error}"))?;
        let executor = executor(&options);
        let outcome = runtime.block_on(run(executor, options)).map_err(|error| error.to_string());
        // Something may still be read from a file or looked up; nobody waits for it.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
