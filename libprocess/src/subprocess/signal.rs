//! Signals, and how far they reach.

use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::signal::{self, kill, killpg};
use nix::unistd::Pid;

use super::SubprocessError;

/// The number of a signal, such as [`TERMINATE`].
pub type Signal = i32;

/// Asks a program to end, which it may refuse: `SIGTERM`.
pub const TERMINATE: Signal = signal::Signal::SIGTERM as Signal;

/// Ends a program without its doing: `SIGKILL`.
pub const KILL: Signal = signal::Signal::SIGKILL as Signal;

/// Whom a signal goes to.
#[derive(Clone, Copy)]
pub(super) enum Reach {
    Process,
    Group,
}

impl Reach {
    pub(super) fn prepare(self, command: &mut Command) {
        if let Self::Group = self {
            command.process_group(0);
        }
    }

    /// Says whether there was somebody to get it.
    pub(super) fn signal(self, id: u32, signal: Signal) -> Result<bool, SubprocessError> {
        let failed = |errno: nix::Error| SubprocessError::signal(id, signal, errno.into());
        let known = signal::Signal::try_from(signal).map_err(failed)?;
        // No process has such a number.
        let Ok(pid) = i32::try_from(id).map(Pid::from_raw) else { return Ok(false) };
        let sent = match self {
            Self::Process => kill(pid, known),
            Self::Group => killpg(pid, known),
        };
        match sent {
            Ok(()) => Ok(true),
            Err(nix::Error::ESRCH) => Ok(false),
            Err(errno) => Err(failed(errno)),
        }
    }
}
