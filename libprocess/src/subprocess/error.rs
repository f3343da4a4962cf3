//! What can go wrong with a program.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Why a program was not started, waited for or signalled.
#[derive(Clone, Debug)]
pub struct SubprocessError {
    attempt: Attempt,
    source: Arc<dyn Error + Send + Sync>,
}

#[derive(Clone, Debug)]
enum Attempt {
    Start(OsString),
    Wait(u32),
    Signal(u32, i32),
}

impl SubprocessError {
    pub(super) fn start(program: OsString, source: io::Error) -> Self {
        Self { attempt: Attempt::Start(program), source: Arc::new(source) }
    }

    pub(super) fn no_runtime(program: OsString, source: tokio::runtime::TryCurrentError) -> Self {
        Self { attempt: Attempt::Start(program), source: Arc::new(source) }
    }

    pub(super) fn wait(id: u32, source: io::Error) -> Self {
        Self { attempt: Attempt::Wait(id), source: Arc::new(source) }
    }

    pub(super) fn signal(id: u32, signal: i32, source: io::Error) -> Self {
        Self { attempt: Attempt::Signal(id, signal), source: Arc::new(source) }
    }

    /// The error of the system, where it comes from there: its kind tells a program that is not there
    /// from one that may not be run.
    pub fn io_error(&self) -> Option<&io::Error> {
        self.source.downcast_ref()
    }
}

impl fmt::Display for SubprocessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.attempt {
            Attempt::Start(program) => write!(f, "failed to start '{}'", program.display()),
            Attempt::Wait(id) => write!(f, "failed to learn how process {id} ended"),
            Attempt::Signal(id, signal) => write!(f, "failed to send signal {signal} to process {id}"),
        }
    }
}

impl Error for SubprocessError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
