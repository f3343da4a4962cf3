//! The sandbox of a task, wherever its agent is.

use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::stream::{self, StreamExt, TryStreamExt};
use libprocess::http::ClientResponse;
use mesos_api::v1::{AgentId, ExecutorId, FileInfo, FrameworkId, Task, agent, master};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::api::Api;
use crate::args::Place;

/// So many bytes are asked for at a time, which is what an agent gives at most.
const READ_BYTES: u64 = 64 << 10;

/// So many reads are under way at once, where a file has that much.
const READS_MAX: usize = 8;

/// How often it is looked whether an executor has ended.
const END_INTERVAL: Duration = Duration::from_millis(10);

/// A directory on an agent.
#[derive(Clone)]
pub(crate) struct Sandbox {
    agent: Api,
    framework: FrameworkId,
    executor: ExecutorId,
}

impl Sandbox {
    /// The sandbox of the executor that runs, or last ran, a task.
    pub(crate) async fn of(
        master: &Api,
        agent: &AgentId,
        framework: &FrameworkId,
        executor: &ExecutorId,
    ) -> anyhow::Result<Self> {
        let answer = master.call_master(master::call::Type::GetAgents).await?;
        let mut agents = answer.get_agents.unwrap_or_default().agents.into_iter();
        let row = agents.find(|row| row.agent_info.id.as_ref() == Some(agent));
        let row =
            row.with_context(|| format!("agent '{agent}' is not registered: its files cannot be read"))?;
        let pid = row.pid.as_deref().unwrap_or_default();
        let address = pid.rsplit_once('@').and_then(|(_, address)| address.parse().ok());
        let address =
            address.with_context(|| format!("the master gives '{pid}' as the PID of agent '{agent}'"))?;
        Ok(Self::new(master.agent_at(address), framework, executor))
    }

    /// The sandbox of an executor on an agent.
    pub(crate) fn new(agent: Api, framework: &FrameworkId, executor: &ExecutorId) -> Self {
        Self { agent, framework: framework.clone(), executor: executor.clone() }
    }

    /// The sandbox of the task that the command line names.
    pub(crate) async fn find(place: &Place) -> anyhow::Result<Self> {
        let master = Api::master(&place.master);
        let task = find(&master, place).await?;
        let executor = task.executor_id.unwrap_or(ExecutorId { value: task.task_id.value });
        Self::of(&master, &task.agent_id, &task.framework_id, &executor).await
    }

    /// The call that lists a directory in the sandbox.
    pub(crate) fn list_call(&self, path: &str) -> agent::Call {
        let list_files = agent::call::ListFiles { path: self.join(path) };
        agent::Call { list_files: Some(list_files), ..call(agent::call::Type::ListFiles) }
    }

    pub(crate) fn agent(&self) -> &Api {
        &self.agent
    }

    pub(crate) async fn list(&self, path: &str) -> anyhow::Result<Vec<FileInfo>> {
        let answer = self.agent.call_agent(&self.list_call(path)).await?;
        Ok(answer.list_files.unwrap_or_default().file_infos)
    }

    /// What a directory tells of a file in it; none where this is no file.
    pub(crate) async fn file(&self, path: &str) -> anyhow::Result<Option<FileInfo>> {
        let path = path.trim_matches('/');
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let files = self.list(directory).await?;
        let named = |file: &FileInfo| file.path.rsplit('/').next() == Some(name) && !is_directory(file);
        Ok(files.into_iter().find(named))
    }

    /// Bytes of a file from `offset` on, and how long it is. There are none at its end.
    pub(crate) async fn read(&self, path: &str, offset: u64) -> anyhow::Result<(Vec<u8>, u64)> {
        let read_file = agent::call::ReadFile { path: self.join(path), offset, length: Some(READ_BYTES) };
        let call = agent::Call { read_file: Some(read_file), ..call(agent::call::Type::ReadFile) };
        let answer = self.agent.call_agent(&call).await?.read_file.unwrap_or_default();
        Ok((answer.data, answer.size))
    }

    /// More bytes of a file from `offset` on, up to `bytes_max` and a little, and how long it
    /// is: several reads at a time.
    pub(crate) async fn read_ahead(
        &self,
        path: &str,
        offset: u64,
        bytes_max: u64,
    ) -> anyhow::Result<(Vec<u8>, u64)> {
        let (mut data, size) = self.read(path, offset).await?;
        let end = size.min(offset.saturating_add(bytes_max));
        let next = offset + data.len() as u64;
        let offsets = (0..).map(|n| next + n * READ_BYTES).take_while(|offset| *offset < end);
        let reads = stream::iter(offsets).map(|offset| async move {
            let read = self.read(path, offset).await;
            read.map(|(data, _)| (offset, data))
        });
        let mut reads = reads.buffered(READS_MAX);
        while let Some((at, more)) = reads.try_next().await? {
            // Behind a short piece there is a gap.
            if at != offset + data.len() as u64 {
                break;
            }
            data.extend(more);
        }
        Ok((data, size))
    }

    /// A whole file as it is now, to be read as it comes: whatever becomes of its name meanwhile.
    pub(crate) async fn download(&self, path: &str) -> anyhow::Result<ClientResponse> {
        let path = self.join(path);
        let path = utf8_percent_encode(&path, NON_ALPHANUMERIC);
        self.agent.get(&format!("/files/download?path={path}")).await
    }

    /// Waits until the executor has ended: then nothing more is written.
    pub(crate) async fn ended(&self) -> anyhow::Result<()> {
        loop {
            let answer = self.agent.call_agent(&call(agent::call::Type::GetExecutors)).await?;
            let live = answer.get_executors.unwrap_or_default().executors;
            if !live.iter().any(|live| {
                live.executor_info.executor_id == self.executor
                    && live.executor_info.framework_id.as_ref() == Some(&self.framework)
            }) {
                return Ok(());
            }
            tokio::time::sleep(END_INTERVAL).await;
        }
    }

    fn join(&self, path: &str) -> String {
        let sandbox = format!("/framework/{}/executor/{}/latest", self.framework, self.executor);
        let path = path.trim_matches('/');
        if path.is_empty() { sandbox } else { format!("{sandbox}/{path}") }
    }
}

/// Whether an entry of a directory is one itself.
pub(crate) fn is_directory(file: &FileInfo) -> bool {
    file.mode() & 0o170_000 == 0o040_000
}

fn call(kind: agent::call::Type) -> agent::Call {
    agent::Call { r#type: Some(kind as i32), ..Default::default() }
}

async fn find(master: &Api, place: &Place) -> anyhow::Result<Task> {
    let tasks = master.call_master(master::call::Type::GetTasks).await?.get_tasks.unwrap_or_default();
    let all = tasks.tasks.into_iter().chain(tasks.unreachable_tasks).chain(tasks.completed_tasks);
    let mut found: Vec<Task> = all
        .filter(|task| task.task_id.value.starts_with(&place.task))
        .filter(|task| place.framework.as_ref().is_none_or(|id| *id == task.framework_id.value))
        .collect();
    if found.iter().any(|task| task.task_id.value == place.task) {
        found.retain(|task| task.task_id.value == place.task);
    }
    match found.len() {
        0 => bail!(
            "no task has the id '{}', or one that begins with it: 'mesos tasks --all' lists them",
            place.task
        ),
        1 => Ok(found.remove(0)),
        _ => {
            let names: Vec<_> = found
                .iter()
                .take(5)
                .map(|task| format!("{} of {}", task.task_id, task.framework_id))
                .collect();
            let more = if found.len() > names.len() { ", ..." } else { "" };
            bail!(
                "'{}' means {} tasks, so give more of the id, or --framework: {}{more}",
                place.task,
                found.len(),
                names.join(", ")
            )
        }
    }
}
