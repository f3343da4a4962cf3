//! Programs that run beside this one.

mod error;
mod signal;

pub use error::SubprocessError;
pub use signal::{KILL, Signal, TERMINATE};

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use crate::{Future, Promise};
use signal::Reach;

/// A program that was started, and is reaped when it ends, whether or not anybody waits for it.
///
/// What it runs with, its arguments, environment, directory, and what its standard streams are, is said
/// by the [`Command`] of std. The ends of the streams that are piped are had from here, to be read and
/// written with `tokio::io`. Dropping this closes those that nobody took, and lets the program run on.
///
/// Its end is waited for with [`Subprocess::status`], whose future kills the program when it is
/// discarded. A test clock does not wait for programs.
///
/// ```
/// use std::process::{Command, Stdio};
/// use libprocess::subprocess::Subprocess;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let mut sort = Command::new("sort");
/// sort.stdin(Stdio::piped()).stdout(Stdio::piped());
/// let mut sort = Subprocess::spawn(sort)?;
/// let (mut input, mut output) = (sort.take_stdin().unwrap(), sort.take_stdout().unwrap());
/// input.write_all(b"pear\napple\n").await?;
/// drop(input);
/// let mut sorted = String::new();
/// output.read_to_string(&mut sorted).await?;
/// assert_eq!(sorted, "apple\npear\n");
/// assert!(sort.status().await?.success());
/// # Ok(()) })
/// # }
/// ```
pub struct Subprocess {
    id: u32,
    shared: Arc<Shared>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

struct Shared {
    reach: Reach,
    /// Reaped and signalled under one lock: no signal goes to a number that is somebody else's by now.
    child: Mutex<Child>,
    life: Mutex<Life>,
}

enum Life {
    Running(Vec<Promise<ExitStatus>>),
    /// Somebody who discarded the status has had it killed.
    Killed(Vec<Promise<ExitStatus>>),
    Ended(Result<ExitStatus, SubprocessError>),
}

impl Subprocess {
    /// Starts a program. Signals go to it alone.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or this is called outside of a tokio runtime.
    ///
    /// # Panics
    ///
    /// Panics in a tokio runtime without I/O.
    pub fn spawn(command: Command) -> Result<Self, SubprocessError> {
        Self::start(command, Reach::Process)
    }

    /// Starts a program in a process group of its own. Signals go to the whole group: to the program
    /// and to those that it started in turn, as long as it has not ended itself.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or this is called outside of a tokio runtime.
    ///
    /// # Panics
    ///
    /// Panics in a tokio runtime without I/O.
    pub fn spawn_group(command: Command) -> Result<Self, SubprocessError> {
        Self::start(command, Reach::Group)
    }

    fn start(mut command: Command, reach: Reach) -> Result<Self, SubprocessError> {
        let program = command.get_program().to_owned();
        let runtime = match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime,
            Err(source) => return Err(SubprocessError::no_runtime(program, source)),
        };
        reach.prepare(&mut command);
        let mut child = match tokio::process::Command::from(command).spawn() {
            Ok(child) => child,
            Err(source) => return Err(SubprocessError::start(program, source)),
        };
        let id = child.id().unwrap_or_default();
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let life = Mutex::new(Life::Running(Vec::new()));
        let shared = Arc::new(Shared { reach, child: Mutex::new(child), life });
        runtime.spawn(reap(Arc::clone(&shared), id));
        Ok(Self { id, shared, stdin, stdout, stderr })
    }

    /// The number of the process. It may be another one's once this has ended.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The end to write to, if the program's standard input is piped and nobody has taken it. The program
    /// sees the end of its input when this is dropped.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// The end to read from, if the program's standard output is piped and nobody has taken it. A
    /// program whose output nobody reads stops when the pipe is full.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// The end to read from, if the program's standard error is piped and nobody has taken it. A
    /// program whose output nobody reads stops when the pipe is full.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.stderr.take()
    }

    /// How the program ended, once it has; any number may wait for that.
    ///
    /// A discard request kills the program; the future ends as discarded when it is gone and was reaped.
    ///
    /// ```
    /// use std::process::Command;
    /// use libprocess::FutureError;
    /// use libprocess::subprocess::Subprocess;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut sleep = Command::new("sleep");
    /// sleep.arg("1000");
    /// let status = Subprocess::spawn_group(sleep)?.status();
    /// status.discard();
    /// assert_eq!(status.await, Err(FutureError::Discarded));
    /// # Ok::<(), libprocess::subprocess::SubprocessError>(())
    /// # }).unwrap();
    /// ```
    pub fn status(&self) -> Future<ExitStatus> {
        let (promise, future) = Promise::pair();
        let shared = Arc::downgrade(&self.shared);
        promise.on_discard(move || kill(&shared));
        let mut life = self.shared.life.lock();
        match &mut *life {
            Life::Running(waiting) | Life::Killed(waiting) => {
                // Who has dropped the future hears nothing; who has discarded it, hears when it is done.
                waiting.retain(|waiting| waiting.discard_requested() || waiting.is_wanted());
                waiting.push(promise);
            }
            Life::Ended(status) => {
                let status = status.clone();
                drop(life);
                end(promise, status);
            }
        }
        future
    }

    /// Sends a signal; says whether the program was still there to get it.
    ///
    /// # Errors
    ///
    /// When the system refuses, as for a program that has become another user's.
    pub fn signal(&self, signal: Signal) -> Result<bool, SubprocessError> {
        self.shared.signal(signal)
    }
}

fn kill(shared: &Weak<Shared>) {
    let Some(shared) = shared.upgrade() else { return };
    {
        let mut life = shared.life.lock();
        if let Life::Running(waiting) = &mut *life {
            *life = Life::Killed(std::mem::take(waiting));
        }
    }
    if let Err(error) = shared.signal(KILL) {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a program whose status was discarded runs on"
        );
    }
}

fn end(promise: Promise<ExitStatus>, status: Result<ExitStatus, SubprocessError>) {
    match status {
        Ok(status) => promise.set(status),
        Err(error) => promise.fail(error),
    }
}

impl Shared {
    fn signal(&self, signal: Signal) -> Result<bool, SubprocessError> {
        let child = self.child.lock();
        match child.id() {
            Some(id) => self.reach.signal(id, signal),
            None => Ok(false),
        }
    }
}

/// Waits for the end of the program and tells it.
async fn reap(shared: Arc<Shared>, id: u32) {
    let status = poll_fn(|cx| {
        let mut child = shared.child.lock();
        // Made anew for each poll, which loses nothing: it can be cancelled safely.
        pin!(child.wait()).poll(cx)
    });
    let status = status.await.map_err(|source| SubprocessError::wait(id, source));
    let life = std::mem::replace(&mut *shared.life.lock(), Life::Ended(status.clone()));
    let (waiting, killed) = match life {
        Life::Running(waiting) => (waiting, false),
        Life::Killed(waiting) => (waiting, true),
        Life::Ended(_) => return,
    };
    for promise in waiting {
        if killed && promise.discard_requested() {
            promise.discard();
        } else {
            end(promise, status.clone());
        }
    }
}

impl fmt::Debug for Subprocess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = match &*self.shared.life.lock() {
            Life::Running(_) | Life::Killed(_) => None,
            Life::Ended(status) => status.as_ref().ok().copied(),
        };
        f.debug_struct("Subprocess").field("id", &self.id).field("ended", &ended).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
