//! How an agent is started and ended.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use libprocess::Logging;
use libprocess::{Future, Node, Pid, Upid};
use mesos_access::{Action, Object};
use mesos_api::v1::{AgentInfo, ContainerInfo, DomainInfo};
use mesos_auth::{Authorizer, Permissive};
use mesos_containerizer::{Containerizer, Helper, Options as ContainerizerOptions};
use mesos_daemon::files::{Access, Files};
use mesos_daemon::logging::{self, Verbosity};
use mesos_workload::compatible::Policy;
use mesos_workload::{Executor, Options, Program, Workload};
use tokio::sync::watch;

use crate::detector::{DetectorError, MasterDetector, StandaloneDetector};
use crate::flags::AgentFlags;
use crate::gc::{GarbageCollector, GcOptions};
use crate::process::{AGENT_ID_PREFIX, AgentProcess, Registration, Setup};
use crate::recovery::{self, Recovery};
use crate::updates::Updates;
use crate::{attributes, machine};

/// What an agent is made of that its flags do not say.
#[derive(Clone)]
pub struct Parts {
    /// Decides who may do what. Everybody may do everything by default.
    pub authorizer: Arc<dyn Authorizer>,
    /// Finds out who the master is. By default it is at the address that the flag says.
    pub detector: Option<Arc<dyn MasterDetector>>,
    /// What runs a task that has only a command: `mesos-executor` in the launcher's directory by default.
    pub command_executor: Option<Program>,
    /// What runs task groups: `mesos-default-executor` in the launcher's directory by default.
    pub default_executor: Option<Program>,
    /// The parent of each container: the running program by default.
    pub container_helper: Option<Helper>,
    /// Shows sandboxes and the log. A node has one of these; without it one is started.
    pub files: Option<Files>,
    /// Sets how much is logged. A node has one of these; without it one is started.
    pub logging: Option<Logging>,
    /// How the log is turned up, for a logging that is started.
    pub verbosity: Verbosity,
}

impl Default for Parts {
    fn default() -> Self {
        Parts {
            authorizer: Arc::new(Permissive),
            detector: None,
            command_executor: None,
            default_executor: None,
            container_helper: None,
            files: None,
            logging: None,
            verbosity: Verbosity::default(),
        }
    }
}

/// Why an agent cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A flag makes no sense here.
    #[error("invalid flag --{flag}: {reason}")]
    Flag {
        /// The flag.
        flag: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The master cannot be found.
    #[error(transparent)]
    Master(#[from] DetectorError),
    /// What the agent remembers cannot be taken up.
    #[error(
        "Failed to perform recovery: {reason}\n\
         If recovery failed due to a change in configuration and you want to\n\
         keep the current agent id, you might want to change the\n\
         `--reconfiguration_policy` flag to a more permissive value.\n\
         \n\
         To restart this agent with a new agent id instead, do as follows:\n\
         rm -f {}\n\
         This ensures that the agent does not recover old live executors.",
        latest.display()
    )]
    Recovery {
        /// What is wrong.
        reason: String,
        /// The link to the agent that was.
        latest: PathBuf,
    },
    /// The agent's process cannot be started.
    #[error("failed to start the agent: {0}")]
    Spawn(#[from] libprocess::SpawnError),
}

/// Why a running agent could not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the agent ended: {0}")]
pub struct AgentFailed(pub String);

/// A running agent. Dropping the handle does not end it.
#[derive(Clone, Debug)]
pub struct Agent {
    pid: Pid<AgentProcess>,
    finished: watch::Receiver<Option<Result<(), String>>>,
}

impl Agent {
    /// Starts an agent on a node: takes up what an earlier one with the same work directory left, then
    /// looks for its master.
    ///
    /// # Errors
    ///
    /// When a flag makes no sense, or what was left cannot be taken up with this configuration.
    pub async fn start(node: &Node, flags: AgentFlags, parts: Parts) -> Result<Agent, StartError> {
        flags.check().map_err(invalid("executor_reregistration_retry_interval"))?;
        let id = node.generate_id(AGENT_ID_PREFIX);
        let upid = Upid::new(&id, node.address());
        let detector = match parts.detector {
            Some(detector) => detector,
            None => Arc::new(StandaloneDetector::lookup(&flags.master).await?),
        };
        create_directories(node, &flags).await?;
        let programs = [parts.command_executor, parts.default_executor];
        let options = options(&flags, &upid, programs)?;
        let info = agent_info(node, &flags)?;
        let mut workload = Workload::new(options, info, rand::random());
        let containerizer = start_containerizer(node, &flags, parts.container_helper);
        let policy: Policy =
            flags.reconfiguration_policy.parse().map_err(invalid("reconfiguration_policy"))?;
        let recovery = recovery::recover(node, &mut workload, &containerizer, policy, flags.strict).await;
        let Recovery { first, streams, changed } = recovery
            .map_err(|reason| StartError::Recovery { reason, latest: workload.layout().latest_agent() })?;
        let authorizer = Arc::clone(&parts.authorizer);
        let files = match parts.files {
            Some(files) => files,
            None => Files::start(node, Arc::clone(&authorizer))?,
        };
        let logging = match parts.logging {
            Some(logging) => logging,
            None => logging::serve(node, parts.verbosity, authorizer)?,
        };
        // Another daemon of this node may answer it already, with the same.
        let _ = mesos_daemon::version::serve(node);
        show_log(&files, &flags);
        let gc = GcOptions {
            delay: flags.gc_delay,
            headroom: flags.gc_disk_headroom,
            watch_interval: flags.disk_watch_interval,
            work_dir: workload.options().work_dir.clone(),
            files: files.clone(),
        };
        let (tell_finished, finished) = watch::channel(None);
        let setup = Setup {
            flags,
            authorizer: parts.authorizer,
            detector,
            files,
            logging,
            version: mesos_daemon::version::MESOS_VERSION.to_owned(),
            started: node.now(),
            changed,
        };
        let has_id = workload.info().id.is_some();
        let process = AgentProcess {
            setup: Arc::new(setup),
            workload,
            containerizer,
            updates: Updates::start(node, streams),
            gc: GarbageCollector::start(node, gc),
            metrics: None,
            leader: None,
            registration: Registration { written: has_id && !changed, ..Registration::default() },
            connections: HashMap::new(),
            next_connection: 0,
            runs: Default::default(),
            annotations: Default::default(),
            first,
            happened: VecDeque::new(),
            stepping: false,
            statistics: VecDeque::new(),
            recovered: false,
            finished: tell_finished,
        };
        let pid = node.spawn_as(&id, process)?;
        Ok(Agent { pid, finished })
    }

    /// The agent's address as a process.
    pub fn upid(&self) -> &Upid {
        self.pid.upid()
    }

    /// Ready when the agent has ended: after a clean-up, because its master told it to, or it was stopped.
    ///
    /// # Errors
    ///
    /// Why the agent could not go on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn finished(&self) -> Result<(), AgentFailed> {
        let mut finished = self.finished.clone();
        match finished.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Err(reason))) => Err(AgentFailed(reason.clone())),
            // Without a word it was ended together with its node.
            _ => Ok(()),
        }
    }

    /// Ends the agent's process. Executors that survive a restart go on; all others are ended with it.
    pub async fn stop(&self) {
        self.end_executors(|executor| !executor.checkpoint).await;
    }

    /// Ends the agent's process and, without a grace period, all executors.
    pub async fn kill(&self) {
        self.end_executors(|_| true).await;
    }

    async fn end_executors(&self, which: fn(&Executor) -> bool) {
        let ended = self.pid.ask_future(move |agent, _cx| agent.destroy_executors(which)).await;
        // The agent may have ended by itself.
        drop(ended);
        self.pid.terminate_after_queued();
        let _ = self.pid.wait().await;
    }

    /// Leaves the cluster: tells the master, ends everything that runs, and then the agent.
    pub async fn leave(&self) {
        self.pid.tell(|agent, cx| agent.leave(cx));
        let _ = self.pid.wait().await;
    }
}

impl AgentProcess {
    /// Destroys the containers of some executors.
    fn destroy_executors(&mut self, which: fn(&Executor) -> bool) -> Future<()> {
        let executors =
            self.workload.frameworks().values().flat_map(|framework| framework.executors.values());
        let ends: Vec<_> = executors
            .filter(|executor| which(executor))
            .map(|executor| self.containerizer.destroy(&executor.container_id))
            .collect();
        ends.into_iter().fold(Future::ready(()), |all, end| {
            all.and_then(move |()| end.then(|_| ()).recover(|_| Future::ready(())))
        })
    }
}

/// The log, for people to read under `/slave/log`.
fn show_log(files: &Files, flags: &AgentFlags) {
    if let Some(path) = mesos_daemon::logging::file_of(&flags.logging, "mesos-agent") {
        let access = Access { action: Action::AccessMesosLog, object: Object::any() };
        files.attach("/slave/log", path, Some(access));
    }
}

fn invalid(flag: &'static str) -> impl Fn(String) -> StartError {
    move |reason| StartError::Flag { flag, reason }
}

async fn create_directories(node: &Node, flags: &AgentFlags) -> Result<(), StartError> {
    let work_dir = flags.work_dir.clone();
    let created = node.run_blocking(move || {
        stout::fs::create_dir_durable(&work_dir)?;
        work_dir.canonicalize()
    });
    let created = created.await.map_err(|error| error.to_string());
    match created {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(StartError::Flag { flag: "work_dir", reason: error.to_string() }),
        Err(reason) => Err(StartError::Flag { flag: "work_dir", reason }),
    }
}

fn options(flags: &AgentFlags, upid: &Upid, programs: [Option<Program>; 2]) -> Result<Options, StartError> {
    let [command_executor, default_executor] = programs;
    let program = |name: &str| Program { path: flags.launcher_dir.join(name), arguments: Vec::new() };
    let default_container_info: Option<ContainerInfo> = flags
        .default_container_info
        .as_ref()
        .map(message)
        .transpose()
        .map_err(invalid("default_container_info"))?;
    // Paths that are told to others, or compared, must not depend on where the agent was started.
    let work_dir = flags.work_dir.canonicalize().unwrap_or_else(|_| flags.work_dir.clone());
    Ok(Options {
        launcher_dir: flags.launcher_dir.clone(),
        command_executor: command_executor.unwrap_or_else(|| program("mesos-executor")),
        default_executor: default_executor.unwrap_or_else(|| program("mesos-default-executor")),
        pid: upid.to_string(),
        registration_timeout: flags.executor_registration_timeout,
        reregistration_timeout: flags.executor_reregistration_timeout,
        reregistration_retry_interval: flags.executor_reregistration_retry_interval,
        shutdown_grace_period: flags.executor_shutdown_grace_period,
        recovery_timeout: flags.recovery_timeout,
        environment: flags.executor_environment_variables.as_ref().map(strings),
        inherited_environment: inherited(std::env::vars()),
        http_command_executor: flags.http_command_executor,
        switch_user: flags.switch_user,
        sandbox_directory: flags.sandbox_directory.clone(),
        default_container_info,
        completed_executors_max: usize::try_from(flags.max_completed_executors_per_framework)
            .unwrap_or(usize::MAX),
        cleanup: flags.recover == "cleanup",
        ..Options::new(work_dir, &upid.address().to_string())
    })
}

/// A message that a flag holds as JSON.
fn message<M: mesos_api::Message>(value: &serde_json::Value) -> Result<M, String> {
    mesos_api::json::from_slice(value.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn strings(value: &serde_json::Value) -> BTreeMap<String, String> {
    let entries = value.as_object().into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// The agent's environment without what is meant for the agent alone.
fn inherited(variables: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let own = |name: &str| name.starts_with("MESOS_") || name.starts_with("LIBPROCESS_");
    variables.filter(|(name, _)| !own(name) || name == "LIBPROCESS_IP").collect()
}

fn agent_info(node: &Node, flags: &AgentFlags) -> Result<AgentInfo, StartError> {
    let resources = machine::resources(flags.resources.as_deref(), &flags.default_role, &flags.work_dir);
    let resources = resources.map_err(|error| invalid("resources")(error.to_string()))?;
    let attributes = attributes::parse(flags.attributes.as_deref().unwrap_or_default());
    let domain: Option<DomainInfo> =
        flags.domain.as_ref().map(message).transpose().map_err(invalid("domain"))?;
    Ok(AgentInfo {
        hostname: node.hostname().to_owned(),
        port: Some(i32::from(node.address().port())),
        resources: resources.to_protos(),
        attributes: attributes.map_err(invalid("attributes"))?,
        domain,
        checkpoint: Some(true),
        ..AgentInfo::default()
    })
}

fn start_containerizer(node: &Node, flags: &AgentFlags, helper: Option<Helper>) -> Containerizer {
    let mut options = ContainerizerOptions::new(&flags.runtime_dir);
    options.frameworks_home =
        (!flags.frameworks_home.is_empty()).then(|| PathBuf::from(&flags.frameworks_home));
    options.fetcher_stall_timeout = flags.fetcher_stall_timeout;
    if let Some(helper) = helper {
        options.helper = helper;
    }
    Containerizer::start(node, options)
}
