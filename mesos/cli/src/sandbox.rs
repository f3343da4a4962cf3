//! The sandbox of a task, wherever its agent is.

use anyhow::{Context as _, bail};
use mesos_api::v1::{AgentId, ExecutorId, FileInfo, FrameworkId, Task, agent, master};

use crate::api::Api;
use crate::args::Place;

/// So many bytes are asked for at a time.
const READ_BYTES: u64 = 64 << 10;

/// A directory on an agent.
pub(crate) struct Sandbox {
    agent: Api,
    path: String,
}

impl Sandbox {
    /// The sandbox of the executor that runs, or last ran, a task.
    pub(crate) async fn of(
        master: &Api,
        agent: &AgentId,
        framework: &FrameworkId,
        executor: &ExecutorId,
    ) -> anyhow::Result<Self> {
        let agents =
            master.master(master::call::Type::GetAgents).await?.get_agents.unwrap_or_default().agents;
        let found = agents.into_iter().find(|row| row.agent_info.id.as_ref() == Some(agent));
        let row =
            found.with_context(|| format!("agent '{agent}' is not registered: its files cannot be read"))?;
        let pid = row.pid.as_deref().unwrap_or_default();
        let address = pid.rsplit_once('@').map(|(_, address)| address);
        let address =
            address.with_context(|| format!("the master gives '{pid}' as the PID of agent '{agent}'"))?;
        let path = format!("/framework/{framework}/executor/{executor}/latest");
        Ok(Self { agent: Api::new(address), path })
    }

    /// The sandbox of the task that the command line names.
    pub(crate) async fn find(place: &Place) -> anyhow::Result<Self> {
        let master = Api::new(&place.master.master);
        let task = find(&master, place).await?;
        let executor = task.executor_id.unwrap_or(ExecutorId { value: task.task_id.value });
        Self::of(&master, &task.agent_id, &task.framework_id, &executor).await
    }

    /// The call that lists a directory in the sandbox.
    pub(crate) fn list_call(&self, path: &str) -> agent::Call {
        let list_files = agent::call::ListFiles { path: self.join(path) };
        agent::Call {
            r#type: Some(agent::call::Type::ListFiles as i32),
            list_files: Some(list_files),
            ..Default::default()
        }
    }

    pub(crate) fn agent(&self) -> &Api {
        &self.agent
    }

    pub(crate) async fn list(&self, path: &str) -> anyhow::Result<Vec<FileInfo>> {
        let answer = self.agent.agent(&self.list_call(path)).await?;
        Ok(answer.list_files.unwrap_or_default().file_infos)
    }

    /// Bytes of a file from `offset` on, and how long it is. There are none at its end.
    pub(crate) async fn read(&self, path: &str, offset: u64) -> anyhow::Result<(Vec<u8>, u64)> {
        let read_file = agent::call::ReadFile { path: self.join(path), offset, length: Some(READ_BYTES) };
        let call = agent::Call {
            r#type: Some(agent::call::Type::ReadFile as i32),
            read_file: Some(read_file),
            ..Default::default()
        };
        let answer = self.agent.agent(&call).await?.read_file.unwrap_or_default();
        Ok((answer.data, answer.size))
    }

    fn join(&self, path: &str) -> String {
        let path = path.trim_matches('/');
        if path.is_empty() { self.path.clone() } else { format!("{}/{path}", self.path) }
    }
}

async fn find(master: &Api, place: &Place) -> anyhow::Result<Task> {
    let tasks = master.master(master::call::Type::GetTasks).await?.get_tasks.unwrap_or_default();
    let all = tasks.tasks.into_iter().chain(tasks.unreachable_tasks).chain(tasks.completed_tasks);
    let mut found: Vec<Task> = all
        .filter(|task| task.task_id.value.starts_with(&place.task))
        .filter(|task| place.framework.as_ref().is_none_or(|id| *id == task.framework_id.value))
        .collect();
    if found.iter().any(|task| task.task_id.value == place.task) {
        found.retain(|task| task.task_id.value == place.task);
    }
    match found.len() {
        0 => bail!("no task has the id '{}', or one that begins with it", place.task),
        1 => Ok(found.remove(0)),
        _ => {
            let names: Vec<_> = found
                .iter()
                .take(5)
                .map(|task| format!("{} of {}", task.task_id, task.framework_id))
                .collect();
            bail!("'{}' means {} tasks: {} ...", place.task, found.len(), names.join(", "))
        }
    }
}
