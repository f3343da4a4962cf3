use mesos_api::internal::StatusUpdateRecord;
use mesos_api::v1::{AgentInfo, ExecutorInfo, FrameworkInfo, Task};
use mesos_resources::Resources;

use crate::Link;

/// Everything that was found on disk.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The machine was started anew since it was written: no process of then lives.
    pub rebooted: bool,
    /// Reservations and volumes.
    pub resources: FoundResources,
    /// The agent that was.
    pub agent: Option<FoundAgent>,
    /// How much could not be read, when that is tolerated.
    pub errors: u64,
    /// What to tell the operator.
    pub notes: Vec<String>,
    /// Files that end in the middle of a record, and how much of them is whole.
    pub truncate: Vec<(std::path::PathBuf, u64)>,
}

/// Reservations and volumes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundResources {
    /// What was in force.
    pub info: Resources,
    /// What was being put in force.
    pub target: Option<Resources>,
}

/// The agent that was.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundAgent {
    /// Its id: the name of its directory.
    pub id: String,
    /// Its description.
    pub info: Option<AgentInfo>,
    /// Its frameworks.
    pub frameworks: Vec<FoundFramework>,
}

/// A framework.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundFramework {
    /// Its id: the name of its directory.
    pub id: String,
    /// Its description.
    pub info: Option<FrameworkInfo>,
    /// Where its scheduler listened.
    pub pid: Option<String>,
    /// Its executors.
    pub executors: Vec<FoundExecutor>,
}

/// An executor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundExecutor {
    /// Its id: the name of its directory.
    pub id: String,
    /// Its description.
    pub info: Option<ExecutorInfo>,
    /// Whether the agent made it up.
    pub for_command_task: bool,
    /// The container of its newest run.
    pub latest: Option<String>,
    /// Its runs.
    pub runs: Vec<FoundRun>,
}

/// A run of an executor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundRun {
    /// Its container: the name of its directory.
    pub id: String,
    /// It had ended and everything was told.
    pub completed: bool,
    /// The process of its container.
    pub forked_pid: Option<u32>,
    /// There was no such process yet: the agent ended before it had one.
    pub never_forked: bool,
    /// How it was reached.
    pub link: Link,
    /// Its tasks.
    pub tasks: Vec<FoundTask>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundTask {
    /// Its id: the name of its directory.
    pub id: String,
    /// Its description.
    pub info: Option<Task>,
    /// Its updates and their acknowledgements, in order.
    pub records: Vec<StatusUpdateRecord>,
}
