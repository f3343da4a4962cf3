use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mesos_api::v1;

/// A program and what stands before its own arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Program {
    /// The file to execute.
    pub path: PathBuf,
    /// Its arguments, without the name.
    pub arguments: Vec<String>,
}

/// What holds for all executors of an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// `--work_dir`.
    pub work_dir: PathBuf,
    /// `--launcher_dir`.
    pub launcher_dir: PathBuf,
    /// What runs a task that has only a command.
    pub command_executor: Program,
    /// What runs task groups.
    pub default_executor: Program,
    /// The agent's address as a process: `slave(1)@10.0.0.1:5051`.
    pub pid: String,
    /// The agent's address for HTTP: `10.0.0.1:5051`.
    pub endpoint: String,
    /// `--executor_registration_timeout`.
    pub registration_timeout: Duration,
    /// `--executor_reregistration_timeout`.
    pub reregistration_timeout: Duration,
    /// `--executor_reregistration_retry_interval`.
    pub reregistration_retry_interval: Option<Duration>,
    /// `--executor_shutdown_grace_period`.
    pub shutdown_grace_period: Duration,
    /// `--recovery_timeout`.
    pub recovery_timeout: Duration,
    /// `--executor_environment_variables`.
    pub environment: Option<BTreeMap<String, String>>,
    /// What executors inherit when the flag is not given.
    pub inherited_environment: BTreeMap<String, String>,
    /// `--http_command_executor`.
    pub http_command_executor: bool,
    /// `--switch_user`.
    pub switch_user: bool,
    /// `--sandbox_directory`.
    pub sandbox_directory: String,
    /// `--default_container_info`.
    pub default_container_info: Option<v1::ContainerInfo>,
    /// `--max_completed_executors_per_framework`.
    pub completed_executors_max: usize,
    /// How many completed frameworks are remembered.
    pub completed_frameworks_max: usize,
    /// `--recover=cleanup`: executors of before a restart are ended, then the agent.
    pub cleanup: bool,
}

impl Options {
    /// The defaults of Mesos, for an agent at `endpoint` with `work_dir`.
    pub fn new(work_dir: impl Into<PathBuf>, endpoint: &str) -> Self {
        Options {
            work_dir: work_dir.into(),
            launcher_dir: PathBuf::new(),
            command_executor: Program::default(),
            default_executor: Program::default(),
            pid: format!("slave(1)@{endpoint}"),
            endpoint: endpoint.to_owned(),
            registration_timeout: Duration::from_secs(60),
            reregistration_timeout: Duration::from_secs(2),
            reregistration_retry_interval: None,
            shutdown_grace_period: Duration::from_secs(5),
            recovery_timeout: Duration::from_secs(15 * 60),
            environment: None,
            inherited_environment: BTreeMap::new(),
            http_command_executor: false,
            switch_user: true,
            sandbox_directory: "/mnt/mesos/sandbox".to_owned(),
            default_container_info: None,
            completed_executors_max: 150,
            completed_frameworks_max: 50,
            cleanup: false,
        }
    }
}
