//! What is written down, and where.

use std::path::PathBuf;

use mesos_api::v1::{AgentInfo, Resource, Task};
use mesos_resources::Resources;
use mesos_updates::record;

use crate::{Executor, Framework, Layout, Link, paths::RunId};

/// A file and the content that replaces what it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub content: Vec<u8>,
}

impl File {
    fn new(path: PathBuf, content: Vec<u8>) -> Self {
        File { path, content }
    }
}

/// The description of the agent; its id must be set.
pub fn agent(layout: &Layout, info: &AgentInfo) -> Option<File> {
    let id = info.id.as_ref()?;
    Some(File::new(layout.agent_info(&id.value), record::encode(info)))
}

/// What is remembered of a framework: its description, and where its scheduler listens.
///
/// The address is never empty, as an empty file would count as not written: a scheduler without one
/// is `@0.0.0.0:0`.
pub fn framework(layout: &Layout, agent: &str, framework: &Framework) -> Vec<File> {
    let id = framework.id().value;
    let pid = framework.pid.clone().unwrap_or_else(|| NO_PID.to_owned());
    vec![
        File::new(layout.framework_info(agent, &id), record::encode(&framework.info)),
        File::new(layout.framework_pid(agent, &id), pid.into_bytes()),
    ]
}

/// How a process that does not exist is written.
pub(crate) const NO_PID: &str = "@0.0.0.0:0";

/// What is remembered of an executor.
pub fn executor(layout: &Layout, agent: &str, executor: &Executor) -> Vec<File> {
    let framework = &executor.framework_id.value;
    let generated = if executor.for_command_task { "1" } else { "0" };
    vec![
        File::new(layout.executor_info(agent, framework, executor.id()), record::encode(&executor.info)),
        File::new(layout.executor_generated(agent, framework, executor.id()), generated.into()),
    ]
}

/// What is remembered of a task.
pub fn task(layout: &Layout, run: RunId<'_>, task: &Task) -> File {
    File::new(layout.task_info(run, &task.task_id.value), record::encode(task))
}

/// How an executor is reached after a restart of the agent.
pub fn link(layout: &Layout, run: RunId<'_>, link: &Link) -> Option<File> {
    match link {
        Link::Http(_) | Link::AwaitingHttp => Some(File::new(layout.http_marker(run), Vec::new())),
        Link::Pid(pid) => Some(File::new(layout.libprocess_pid(run), pid.clone().into_bytes())),
        Link::None => None,
    }
}

/// The reservations and volumes in force, one record each.
pub fn resources(resources: &Resources) -> Vec<u8> {
    resources.to_protos().iter().flat_map(record::encode::<Resource>).collect()
}
