//! Keeps an executor subscribed and brings it what happens.

mod session;

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mesos_api::v1::TaskStatus;
use mesos_api::v1::task_status::Source;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{CallError, Executor, Options};
use session::Session;

/// What an executor does through its driver. Clones speak for the same executor.
pub struct Driver<E> {
    commands: mpsc::UnboundedSender<Command<E>>,
}

impl<E> Clone for Driver<E> {
    fn clone(&self) -> Self {
        Self { commands: self.commands.clone() }
    }
}

type Step<E> = Box<dyn FnOnce(&mut E, &Driver<E>) + Send>;

/// What the driver is asked to do.
enum Command<E> {
    Update(Box<TaskStatus>),
    Message(Vec<u8>),
    Tell(Step<E>),
    Stop,
}

impl<E: Executor> Driver<E> {
    fn new() -> (Self, mpsc::UnboundedReceiver<Command<E>>) {
        // Only the executor itself fills it, and it is emptied between any two of its steps.
        let (commands, receiver) = mpsc::unbounded_channel();
        (Self { commands }, receiver)
    }

    /// Sends a status update, and sends it again after each new subscription until it is
    /// acknowledged. The uuid and the time are filled in if they are missing. Returns the uuid.
    pub fn update(&self, mut status: TaskStatus) -> Vec<u8> {
        let uuid = status.uuid.get_or_insert_with(|| Uuid::new_v4().as_bytes().to_vec()).clone();
        status.timestamp.get_or_insert_with(now_secs);
        status.source = Some(Source::Executor as i32);
        self.command(Command::Update(Box::new(status)));
        uuid
    }

    /// Sends something to the framework's scheduler, which may get it or not.
    pub fn message(&self, data: impl Into<Vec<u8>>) {
        self.command(Command::Message(data.into()));
    }

    /// Calls `f` on the executor, after what it is doing now.
    pub fn tell(&self, f: impl FnOnce(&mut E, &Self) + Send + 'static) {
        self.command(Command::Tell(Box::new(f)));
    }

    /// Runs `future` in the background, and brings its output back to the executor.
    pub fn run<F>(&self, future: F, f: impl FnOnce(&mut E, &Self, F::Output) + Send + 'static)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let driver = self.clone();
        tokio::spawn(async move {
            let output = future.await;
            driver.tell(move |executor, driver| f(executor, driver, output));
        });
    }

    /// Calls `f` on the executor once `duration` has passed.
    pub fn after(&self, duration: Duration, f: impl FnOnce(&mut E, &Self) + Send + 'static) {
        self.run(tokio::time::sleep(duration), |executor, driver, ()| f(executor, driver));
    }

    /// Ends the driver, once what was sent before is on its way, or cannot be.
    pub fn stop(&self) {
        self.command(Command::Stop);
    }

    fn command(&self, command: Command<E>) {
        // A driver that has ended does nothing any more.
        let _ = self.commands.send(command);
    }
}

impl<E> std::fmt::Debug for Driver<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

fn now_secs() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Why an executor did not end as it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The agent will not have it.
    #[error("failed to subscribe: {0}")]
    Subscription(CallError),
    /// The agent was away for too long.
    #[error("failed to subscribe within {after:?}: {cause}")]
    GaveUp {
        /// How long was tried.
        after: Duration,
        /// How the last attempt ended.
        cause: String,
    },
    /// The executor was to shut down and did not.
    #[error("the executor did not shut down within {after:?}")]
    Overdue {
        /// The grace period.
        after: Duration,
    },
}

/// Runs an executor until it stops its driver.
///
/// # Errors
///
/// The executor was shut down because its agent refused it or stayed away; or it did not shut down
/// in time.
///
/// # Examples
///
/// An executor whose tasks have nothing to do:
///
/// ```no_run
/// use mesos_api::v1::{KillPolicy, TaskId, TaskInfo, TaskState, TaskStatus};
/// use mesos_executor::{Driver, Executor, Options, run};
///
/// struct Idle;
///
/// impl Executor for Idle {
///     fn launch(&mut self, driver: &Driver<Self>, task: TaskInfo) {
///         for state in [TaskState::TaskRunning, TaskState::TaskFinished] {
///             let task_id = task.task_id.clone();
///             driver.update(TaskStatus { task_id, state: state as i32, ..Default::default() });
///         }
///     }
///
///     fn kill(&mut self, _: &Driver<Self>, _: TaskId, _: Option<KillPolicy>) {}
///
///     fn shutdown(&mut self, driver: &Driver<Self>) {
///         driver.stop();
///     }
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// run(Idle, Options::from_env()?).await?;
/// # Ok(()) }
/// ```
pub async fn run<E: Executor>(executor: E, options: Options) -> Result<(), RunError> {
    let (driver, commands) = Driver::new();
    Session::new(executor, driver, commands, options).run().await
}

#[cfg(test)]
mod tests;
