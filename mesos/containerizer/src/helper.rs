//! The parent process of each container.
//!
//! An agent starts no command by itself. It starts the helper, in two stages:
//!
//! * the *supervisor* leads a session of its own, outlives the agent, pumps the container's output
//!   into the sandbox, passes signals on, waits for the command, ends whatever the command leaves
//!   behind, and writes down how the command ended;
//! * the *init* stage becomes the user, fetches the URIs with that user's rights, and then turns
//!   into the command.
//!
//! The supervisor waits for one byte on its standard input before it starts the second stage, so
//! that the agent can write the pid down first; the end of the input instead makes it give up. With
//! the byte it writes down that the command begins. So wherever an agent is killed, the next one knows
//! whether anything of the command can have run, and how it ended.
//!
//! On its standard output the supervisor tells how the launch went: `fetched`, or `failed` and why.
//! After the byte it makes no difference whether anybody is there to be told.

mod init;
mod log;
mod spec;
mod supervisor;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

pub(crate) use spec::Spec;

use crate::runtime::ContainerDir;

/// The first argument of the supervisor, before the container's runtime directory.
pub(crate) const SUPERVISE: &str = "supervise";

/// The first argument of the second stage.
const INIT: &str = "init";

/// What the supervisor tells the agent once the command is about to run.
pub(crate) const FETCHED: &str = "fetched\n";

/// What it tells instead, before the reason.
pub(crate) const FAILED: &str = "failed ";

/// The helper's `main`, for the program that [`Helper`](crate::Helper) names: `arguments` are those
/// after [`Helper::arguments`](crate::Helper::arguments).
///
/// It must run before the program starts a thread.
pub fn launch_main(arguments: Vec<OsString>) -> ExitCode {
    match arguments.as_slice() {
        [stage, directory] if Path::new(directory).is_absolute() => {
            let directory = ContainerDir::at(directory);
            match stage.to_str() {
                Some(SUPERVISE) => supervisor::supervise(&directory, arguments.len()),
                Some(INIT) => init::init(&directory),
                _ => usage(),
            }
        }
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: {SUPERVISE}|{INIT} DIRECTORY (started by the agent, for no one else to use)");
    ExitCode::FAILURE
}
