//! What an executor must be able to do.

use mesos_api::v1::executor::event;
use mesos_api::v1::{KillPolicy, TaskGroupInfo, TaskId, TaskInfo};

use crate::Driver;

/// Runs tasks on behalf of a framework.
///
/// The methods are called one at a time, and must not block: what takes time is given to
/// [`Driver::run`] or [`Driver::after`], and comes back as a closure on the executor.
pub trait Executor: Sized + Send + 'static {
    /// The agent knows the executor: for the first time, or again after the connection broke.
    fn subscribed(&mut self, _driver: &Driver<Self>, _subscribed: &event::Subscribed) {}

    /// The connection to the agent broke. With checkpointing it is set up again for some time;
    /// without, [`Executor::shutdown`] follows.
    fn disconnected(&mut self, _driver: &Driver<Self>) {}

    /// Starts a task.
    fn launch(&mut self, driver: &Driver<Self>, task: TaskInfo);

    /// Starts tasks that belong together. An executor that does not know task groups shuts down.
    fn launch_group(&mut self, driver: &Driver<Self>, _group: TaskGroupInfo) {
        self.shutdown(driver);
    }

    /// Ends a task.
    fn kill(&mut self, driver: &Driver<Self>, task_id: TaskId, kill_policy: Option<KillPolicy>);

    /// The framework has seen an update.
    fn acknowledged(&mut self, _driver: &Driver<Self>, _task_id: &TaskId, _uuid: &[u8]) {}

    /// The framework's scheduler sent something.
    fn message(&mut self, _driver: &Driver<Self>, _data: Vec<u8>) {}

    /// Something is wrong that cannot be mended; [`Executor::shutdown`] follows.
    fn error(&mut self, _driver: &Driver<Self>, _message: &str) {}

    /// Ends all tasks and then [stops](Driver::stop) the driver, within the grace period.
    fn shutdown(&mut self, driver: &Driver<Self>);
}
