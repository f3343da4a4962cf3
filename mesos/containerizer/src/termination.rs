//! How containers begin, end, and survive.

use std::path::PathBuf;

use mesos_api::v1;

/// What came of a launch that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launched {
    /// The container runs.
    New,
    /// A container with this id was there already; nothing was changed.
    Already,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Termination {
    /// The wait status of its command as `waitpid` gives it: exit code `<< 8`, or a signal. Unset
    /// when the command never ran or nobody could see it end.
    pub status: Option<i32>,
    /// The state its tasks get, when the containerizer ended it or could not start it.
    pub state: Option<v1::TaskState>,
    /// The reason its tasks get, with `state`.
    pub reason: Option<v1::task_status::Reason>,
    /// Why, for the person who reads it.
    pub message: Option<String>,
    /// The agent ended while it launched the container: nothing of its command has run, not even what
    /// comes before it.
    pub never_ran: bool,
    /// The resources that ran out, if that is why.
    pub limited_resources: Vec<v1::Resource>,
}

/// A container that an agent remembers from before its restart.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    /// Its id; a root container.
    pub container_id: v1::ContainerId,
    /// The checkpointed pid (`forked.pid`).
    pub pid: u32,
    /// Its sandbox.
    pub directory: PathBuf,
    /// What it may use.
    pub resources: Vec<v1::Resource>,
}
