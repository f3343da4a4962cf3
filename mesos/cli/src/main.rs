//! The `mesos` command: one binary for operators, daemons and their helpers.
//!
//! `mesos COMMAND` does one thing; `mesos help` lists them. Started under the name of one of Mesos'
//! own programs (`mesos-master`, `mesos-agent`, `mesos-slave`, `mesos-local`, `mesos-execute`), it is
//! that program.

#![forbid(unsafe_code)]

mod address;
mod api;
mod args;
mod commands;
mod daemon;
mod follow;
mod interrupt;
mod output;
mod sandbox;
mod temporary;

use std::process::ExitCode;
use std::time::Duration;

/// So long work on threads may take to end.
const WORK_WAIT_MAX: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    if let Some(code) = mesos_local::helpers::dispatch() {
        return code;
    }
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let arguments = args::by_name(arguments);
    if let Some(code) = daemon::dispatch(&arguments) {
        return code;
    }
    let parsed = args::Args::read(arguments);
    let mut directory = None;
    match runtime().and_then(|runtime| {
        let code = runtime.block_on(commands::perform(parsed.command, &mut directory));
        // Output that nobody takes must not keep the program; but what is written to the directory must have ended
        // before that goes.
        let wait_max = if directory.is_some() { WORK_WAIT_MAX } else { Duration::from_millis(100) };
        runtime.shutdown_timeout(wait_max);
        code
    }) {
        Ok(code) => code,
        Err(error) => output::failure(&error),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    use anyhow::Context as _;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the threads that everything here runs on")
}
