//! What a caller says about a container, and what an agent says about all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use mesos_api::v1;

use crate::Volume;

/// What a container is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContainerClass {
    /// Runs an executor, a task of a group, or something standalone.
    #[default]
    Default,
    /// Looks into its parent: shares the parent's sandbox and ends when the agent restarts.
    Debug,
}

/// What to run, where, and as whom.
///
/// ```
/// use mesos_api::v1;
/// use mesos_containerizer::ContainerConfig;
///
/// let command = v1::CommandInfo { value: Some("echo hello".into()), ..Default::default() };
/// let config = ContainerConfig::new(command, "/var/lib/mesos/sandbox");
/// assert!(config.user.is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContainerConfig {
    /// The command: shell text or argv, its environment, and the URIs that are fetched first.
    pub command: v1::CommandInfo,
    /// The sandbox: created if it is missing, and the working directory of the command.
    ///
    /// For a nested container it is ignored: its sandbox is `<parent's>/containers/<id>`, and that
    /// of a [`ContainerClass::Debug`] container is its parent's.
    pub directory: PathBuf,
    /// Who runs the command, and who owns the sandbox; the agent's own user if unset.
    ///
    /// Already decided by the caller, who knows `--switch_user`: `command.user` is not looked at.
    /// A nested container without a user runs as its parent's.
    pub user: Option<String>,
    /// What the container may use. Reported as limits in its statistics; not enforced here.
    pub resources: Vec<v1::Resource>,
    /// What the environment starts from. `MESOS_SANDBOX` and the command's own variables are added
    /// to it and win; a missing `PATH` is filled in.
    pub environment: BTreeMap<String, String>,
    /// What the container is for.
    pub class: ContainerClass,
    /// Where the container's pid is also written, before its command starts (`forked.pid`).
    pub pid_checkpoint: Option<PathBuf>,
    /// Container details of the task. Of its volumes those of type SANDBOX_PATH become links in the
    /// sandbox; what this containerizer cannot do, such as images, is refused.
    pub container: Option<v1::ContainerInfo>,
    /// Directories that outlive it, such as persistent volumes.
    pub volumes: BTreeSet<Volume>,
    /// Belongs to no executor: kept over an agent's restart although no one claims it.
    pub standalone: bool,
}

impl ContainerConfig {
    /// A container that runs `command` in `directory` as the agent's own user.
    pub fn new(command: v1::CommandInfo, directory: impl Into<PathBuf>) -> Self {
        Self { command, directory: directory.into(), ..Self::default() }
    }
}

/// How large the sandbox files `stdout` and `stderr` grow.
///
/// A file that would exceed its bound is renamed (`stdout.1` replaces an older one) and begun
/// anew, so a stream never holds more than twice its bound on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogBounds {
    /// Bytes of `stdout`; no bound if unset.
    pub stdout_size_max: Option<u64>,
    /// Bytes of `stderr`; no bound if unset.
    pub stderr_size_max: Option<u64>,
}

impl LogBounds {
    /// What a stream's file may hold unless something else is said: 100 MB.
    pub const DEFAULT_SIZE_MAX: u64 = 100 * 1024 * 1024;
}

impl Default for LogBounds {
    fn default() -> Self {
        Self { stdout_size_max: Some(Self::DEFAULT_SIZE_MAX), stderr_size_max: Some(Self::DEFAULT_SIZE_MAX) }
    }
}

/// The program that becomes the parent of each container.
///
/// It must end up in [`launch_main`](crate::launch_main): the one binary, called with
/// `containerizer-launch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// The program; the running one by default, even if its file was replaced meanwhile.
    pub program: PathBuf,
    /// What stands before the arguments of [`launch_main`](crate::launch_main).
    pub arguments: Vec<String>,
}

impl Default for Helper {
    fn default() -> Self {
        Self { program: PathBuf::from("/proc/self/exe"), arguments: vec!["containerizer-launch".to_owned()] }
    }
}

/// What holds for all containers of an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// `--runtime_dir`: what survives an agent's restart, but not a reboot.
    pub runtime_dir: PathBuf,
    /// `--frameworks_home`: where relative URIs are looked up.
    pub frameworks_home: Option<PathBuf>,
    /// `--fetcher_stall_timeout`: how long a download may stand still.
    pub fetcher_stall_timeout: Duration,
    /// How large `stdout` and `stderr` of a sandbox grow.
    pub logs: LogBounds,
    /// The program that becomes the parent of each container.
    pub helper: Helper,
    /// How long a destroyed container may take to be gone before its helper is killed as well.
    pub destroy_timeout: Duration,
}

impl Options {
    /// The defaults, with `runtime_dir` for what must survive a restart of the agent.
    pub fn new(runtime_dir: impl Into<PathBuf>) -> Self {
        Self {
            runtime_dir: runtime_dir.into(),
            frameworks_home: None,
            fetcher_stall_timeout: Duration::from_secs(60),
            logs: LogBounds::default(),
            helper: Helper::default(),
            destroy_timeout: Duration::from_secs(60),
        }
    }
}
