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

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    if let Some(code) = mesos_local::helpers::dispatch() {
        return code;
    }
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let arguments = args::by_name(arguments);
    if let Some(code) = daemon::dispatch(&arguments) {
        return code;
    }
    let parsed = args::Args::parse_from(arguments);
    match runtime().and_then(|runtime| {
        let code = runtime.block_on(commands::perform(parsed.command));
        // A read of the terminal that never ends must not keep the program.
        runtime.shutdown_timeout(std::time::Duration::from_millis(100));
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
