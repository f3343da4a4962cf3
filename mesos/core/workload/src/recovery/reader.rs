use std::path::Path;

use mesos_api::Message;
use mesos_api::v1::{AgentInfo, ExecutorInfo, FrameworkInfo, Resource, Task};
use mesos_resources::{
    Resources,
    format::{HasResources, upgrade_all},
};
use mesos_updates::record;

use super::{Disk, Found, FoundAgent, FoundExecutor, FoundFramework, FoundRun, FoundTask};
use crate::paths::{LATEST, Layout, RunId};
use crate::{Link, records::NO_PID};

/// Why an agent cannot take up what it finds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// A file or directory cannot be read or makes no sense.
    #[error("failed to read {what} from '{path}': {reason}")]
    Read {
        /// What it should hold.
        what: &'static str,
        /// Where.
        path: String,
        /// What was found.
        reason: String,
    },
    /// The agent's configuration does not fit.
    #[error("{0}")]
    Incompatible(String),
    /// Reservations and volumes do not fit the agent's resources.
    #[error(
        "Checkpointed resources {checkpointed} are incompatible with agent resources {configured}: {reason}"
    )]
    Resources {
        /// What is remembered.
        checkpointed: String,
        /// What the command line says.
        configured: String,
        /// What does not fit.
        reason: String,
    },
}

/// Reads everything that an agent remembers.
///
/// `boot_id` is that of the running system. With `strict` the first thing that cannot be read is an
/// error; otherwise it is counted, and what depends on it left out. What is missing or empty was being
/// written when the agent died, and is never an error.
///
/// # Errors
///
/// With `strict`, what cannot be read; otherwise only a directory that cannot be listed.
pub fn read(
    disk: &dyn Disk,
    layout: &Layout,
    boot_id: Option<&str>,
    strict: bool,
) -> Result<Found, RecoveryError> {
    let mut reader = Reader { disk, layout, strict, found: Found::default() };
    reader.found.resources.info = reader.resources(&layout.resources_info())?.unwrap_or_default();
    reader.found.resources.target = reader.resources(&layout.resources_target())?;
    let written = reader.text("the boot id", &layout.boot_id())?;
    reader.found.rebooted = match (written.as_deref().map(str::trim), boot_id) {
        (Some(written), Some(running)) => written != running.trim(),
        _ => false,
    };
    let latest = reader.link("the latest agent", &layout.latest_agent())?;
    reader.found.agent = latest.map(|id| reader.agent(id)).transpose()?;
    Ok(reader.found)
}

struct Reader<'a> {
    disk: &'a dyn Disk,
    layout: &'a Layout,
    strict: bool,
    found: Found,
}

impl Reader<'_> {
    /// Counts something unreadable, or gives up.
    fn tolerate<T>(
        &mut self,
        what: &'static str,
        path: &Path,
        reason: String,
    ) -> Result<Option<T>, RecoveryError> {
        let error = RecoveryError::Read { what, path: path.display().to_string(), reason };
        if self.strict {
            return Err(error);
        }
        self.found.errors += 1;
        self.found.notes.push(error.to_string());
        Ok(None)
    }

    fn bytes(&mut self, what: &'static str, path: &Path) -> Result<Option<Vec<u8>>, RecoveryError> {
        match self.disk.read(path) {
            Ok(Some(bytes)) if bytes.is_empty() => {
                self.found.notes.push(format!("found {what} empty at '{}'", path.display()));
                Ok(None)
            }
            Ok(bytes) => Ok(bytes),
            Err(reason) => self.tolerate(what, path, reason),
        }
    }

    fn text(&mut self, what: &'static str, path: &Path) -> Result<Option<String>, RecoveryError> {
        match self.bytes(what, path)?.map(String::from_utf8) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => self.tolerate(what, path, "it is not text".to_owned()),
        }
    }

    fn exists(&self, path: &Path) -> bool {
        matches!(self.disk.read(path), Ok(Some(_)))
    }

    fn message<M: Message>(&mut self, what: &'static str, path: &Path) -> Result<Option<M>, RecoveryError> {
        let Some(bytes) = self.bytes(what, path)? else { return Ok(None) };
        match record::decode_one(&bytes) {
            Ok(Some(message)) => Ok(Some(message)),
            // These files are replaced whole: a part of one is damage.
            Ok(None) => self.tolerate(what, path, "it ends inside the message".to_owned()),
            Err(error) => self.tolerate(what, path, error.to_string()),
        }
    }

    /// A message whose resources may be in the form of before reservations could be refined.
    fn upgraded<M: Message + HasResources>(
        &mut self,
        what: &'static str,
        path: &Path,
    ) -> Result<Option<M>, RecoveryError> {
        let mut message = self.message::<M>(what, path)?;
        message.iter_mut().for_each(upgrade_all);
        Ok(message)
    }

    fn list(&self, what: &'static str, path: &Path) -> Result<Vec<String>, RecoveryError> {
        let failed = |reason| RecoveryError::Read { what, path: path.display().to_string(), reason };
        self.disk.directories(path).map_err(failed)
    }

    fn link(&mut self, what: &'static str, path: &Path) -> Result<Option<String>, RecoveryError> {
        let failed = |reason| RecoveryError::Read { what, path: path.display().to_string(), reason };
        self.disk.link(path).map_err(failed)
    }

    fn resources(&mut self, path: &Path) -> Result<Option<Resources>, RecoveryError> {
        let what = "checkpointed resources";
        match self.disk.read(path) {
            Ok(None) => Ok(None),
            // No reservation at all is an empty file.
            Ok(Some(bytes)) => {
                let decoded = record::decode_all::<Resource>(&bytes).map_err(|error| error.to_string());
                let summed = decoded
                    .and_then(|(list, _)| Resources::from_protos(list).map_err(|error| error.to_string()));
                match summed {
                    Ok(resources) => Ok(Some(resources)),
                    Err(reason) => self.tolerate(what, path, reason),
                }
            }
            Err(reason) => self.tolerate(what, path, reason),
        }
    }

    fn agent(&mut self, id: String) -> Result<FoundAgent, RecoveryError> {
        let mut agent = FoundAgent { id, ..FoundAgent::default() };
        let path = self.layout.agent_info(&agent.id);
        agent.info = self.upgraded::<AgentInfo>("agent info", &path)?;
        if agent.info.is_some() {
            let directory = self.layout.agent_meta(&agent.id).join("frameworks");
            for id in self.list("frameworks", &directory)? {
                agent.frameworks.push(self.framework(&agent.id, id)?);
            }
        }
        Ok(agent)
    }

    fn framework(&mut self, agent: &str, id: String) -> Result<FoundFramework, RecoveryError> {
        let mut framework = FoundFramework { id, ..FoundFramework::default() };
        let path = self.layout.framework_info(agent, &framework.id);
        framework.info = self.message::<FrameworkInfo>("framework info", &path)?;
        if framework.info.is_none() {
            return Ok(framework);
        }
        let Some(pid) = self.text("framework pid", &self.layout.framework_pid(agent, &framework.id))? else {
            return Ok(framework);
        };
        framework.pid = Some(pid).filter(|pid| pid != NO_PID && !pid.starts_with('@'));
        let directory = self.layout.framework_meta(agent, &framework.id).join("executors");
        for id in self.list("executors", &directory)? {
            framework.executors.push(self.executor(agent, &framework.id, id)?);
        }
        Ok(framework)
    }

    fn executor(&mut self, agent: &str, framework: &str, id: String) -> Result<FoundExecutor, RecoveryError> {
        let mut executor = FoundExecutor { id, ..FoundExecutor::default() };
        let directory = self.layout.executor_meta(agent, framework, &executor.id).join("runs");
        executor.latest = self.link("the latest run", &directory.join(LATEST))?;
        for container in self.list("runs", &directory)? {
            if container == LATEST {
                continue;
            }
            let run = RunId { agent, framework, executor: &executor.id, container: &container };
            let found = self.run(run)?;
            executor.runs.push(found);
        }
        if executor.latest.is_none() {
            return Ok(executor);
        }
        let path = self.layout.executor_info(agent, framework, &executor.id);
        executor.info = self.upgraded::<ExecutorInfo>("executor info", &path)?;
        let path = self.layout.executor_generated(agent, framework, &executor.id);
        executor.for_command_task = match self.text("the kind of executor", &path)? {
            Some(text) => text.trim() == "1",
            None => executor.info.as_ref().is_some_and(looks_made_up),
        };
        Ok(executor)
    }

    fn run(&mut self, run: RunId<'_>) -> Result<FoundRun, RecoveryError> {
        let mut found = FoundRun { id: run.container.to_owned(), ..FoundRun::default() };
        found.completed = self.exists(&self.layout.sentinel(run));
        for id in self.list("tasks", &self.layout.tasks(run))? {
            found.tasks.push(self.task(run, id)?);
        }
        if self.found.rebooted {
            return Ok(found);
        }
        let path = self.layout.forked_pid(run);
        found.never_forked = matches!(self.disk.read(&path), Ok(None));
        let Some(pid) = self.text("executor forked pid", &path)? else { return Ok(found) };
        let Ok(pid) = pid.trim().parse() else {
            self.tolerate::<()>("executor forked pid", &path, format!("'{pid}' is no process id"))?;
            return Ok(found);
        };
        found.forked_pid = Some(pid);
        if let Some(pid) = self.text("executor libprocess pid", &self.layout.libprocess_pid(run))? {
            found.link = Link::Pid(pid);
        } else if self.exists(&self.layout.http_marker(run)) {
            found.link = Link::AwaitingHttp;
        }
        Ok(found)
    }

    fn task(&mut self, run: RunId<'_>, id: String) -> Result<FoundTask, RecoveryError> {
        let mut task = FoundTask { id, ..FoundTask::default() };
        task.info = self.upgraded::<Task>("task info", &self.layout.task_info(run, &task.id))?;
        if task.info.is_none() {
            return Ok(task);
        }
        let path = self.layout.task_updates(run, &task.id);
        let Some(bytes) = self.bytes("status updates", &path)? else { return Ok(task) };
        match record::decode_updates(&bytes) {
            Ok((records, complete)) => {
                task.records = records;
                if complete < bytes.len() {
                    self.found.truncate.push((path, complete as u64));
                }
            }
            Err(error) => {
                self.tolerate::<()>("status updates", &path, error.to_string())?;
            }
        }
        Ok(task)
    }
}

/// Agents of before 1.5.1 did not write whether they had made up an executor.
fn looks_made_up(info: &ExecutorInfo) -> bool {
    let program = info.command.as_ref().and_then(|command| command.value.as_deref()).unwrap_or_default();
    program.ends_with("mesos-executor")
        && info.name.as_deref().unwrap_or_default().starts_with("Command Executor")
}
