//! What an agent can be told.

use std::path::PathBuf;
use std::time::Duration;

use mesos_daemon::flags::{LoggingFlags, NetworkFlags};
use stout::flags::{at_least, one_of, within};

/// The longest time that executors may take to come back.
pub const REREGISTRATION_TIMEOUT_MAX: Duration = Duration::from_secs(15);

stout::flags! {
    /// The flags of an agent. Names and defaults are those of Mesos 1.5.
    pub struct AgentFlags {
        use logging: LoggingFlags;
        use network: NetworkFlags;

        "Network" {
            /// Port to listen on.
            port: u16 = 5051,
        }

        "Cluster" {
            /// Where the master is: host:port.
            #[flag(required, file)]
            master: String,

            /// The longest wait before the first word to a new master; later ones double.
            registration_backoff_factor: Duration = Duration::from_secs(1),

            /// The fault domain of the agent, as JSON.
            domain: Option<serde_json::Value>,

            /// Attributes of the machine: name:value pairs separated by semicolons.
            #[flag(file)]
            attributes: Option<String>,
        }

        "Resources" {
            /// Resources of the machine: name(role):value pairs separated by semicolons, or a JSON array.
            /// What is not named among cpus, mem, disk and ports is found out.
            #[flag(file)]
            resources: Option<String>,

            /// Role of resources that name none.
            default_role: String = String::from("*"),
        }

        "Directories" {
            /// Directory for sandboxes and what the agent remembers.
            #[flag(required)]
            work_dir: PathBuf,

            /// Directory for what containers must outlive: not kept over a reboot.
            #[flag(default_is("/var/run/mesos for root, a temporary directory for others"))]
            runtime_dir: PathBuf = default_runtime_dir(),

            /// Directory of helper programs.
            #[flag(default_is("the directory of the running program"))]
            launcher_dir: PathBuf = default_launcher_dir(),

            /// Where an image sees its sandbox.
            sandbox_directory: String = String::from("/mnt/mesos/sandbox"),

            /// Directory that relative URIs of tasks are looked up in.
            frameworks_home: String,
        }

        "Executors" {
            /// Run containers as the user of the task or framework.
            switch_user: bool = true,

            /// The whole environment of executors, as a JSON object of strings. Without it they get the
            /// agent's, but for its own flags.
            #[flag(check(object_of_strings))]
            executor_environment_variables: Option<serde_json::Value>,

            /// Container details of executors that bring none, as JSON.
            default_container_info: Option<serde_json::Value>,

            /// How long a new executor may take to call.
            executor_registration_timeout: Duration = Duration::from_secs(60),

            /// How long executors may take to come back after a restart of the agent: at most 15 seconds.
            #[flag(check(within(Duration::ZERO..=REREGISTRATION_TIMEOUT_MAX)))]
            executor_reregistration_timeout: Duration = Duration::from_secs(2),

            /// How often executors of the old protocol are asked to come back. Must be less than the
            /// time they have for it.
            executor_reregistration_retry_interval: Option<Duration>,

            /// How long an executor may take to end when it is told to.
            executor_shutdown_grace_period: Duration = Duration::from_secs(5),

            /// Run command tasks with an executor that speaks HTTP.
            http_command_executor: bool,

            /// How many executors that are over are remembered for each framework.
            max_completed_executors_per_framework: u64 = 150,

            /// How often the output stream of a container shows that it is alive.
            #[flag(check(at_least(Duration::from_millis(1))))]
            http_heartbeat_interval: Duration = Duration::from_secs(30),
        }

        "Recovery" {
            /// What to do about executors of before a restart: reconnect, or cleanup, which ends them and
            /// then the agent.
            #[flag(check(one_of(&["reconnect", "cleanup"])))]
            recover: String = String::from("reconnect"),

            /// How long executors wait for the agent to come back before they end.
            recovery_timeout: Duration = Duration::from_secs(15 * 60),

            /// Whether anything unreadable ends the start. Otherwise it is counted and left out.
            strict: bool = true,

            /// Which changes of the configuration the agent may keep its id with: equal or additive.
            #[flag(check(one_of(&["equal", "additive"])))]
            reconfiguration_policy: String = String::from("equal"),
        }

        "Garbage collection" {
            /// How long sandboxes are kept, at most.
            gc_delay: Duration = Duration::from_secs(7 * 24 * 3600),

            /// How much of the disk shall stay free: sandboxes are kept for less long as it fills up.
            #[flag(check(within(0.0..=1.0)))]
            gc_disk_headroom: f64 = 0.1,

            /// How often the disk is looked at.
            #[flag(check(at_least(Duration::from_millis(1))))]
            disk_watch_interval: Duration = Duration::from_secs(60),
        }

        "Containers" {
            /// Containerizers to use. There is one: mesos.
            #[flag(check(one_of(&["mesos"])))]
            containerizers: String = String::from("mesos"),

            /// Isolators to use. Usage is measured; nothing is enforced yet.
            #[flag(check(one_of(&["posix/cpu,posix/mem", "posix/cpu", "posix/mem", "posix", "process"])))]
            isolation: String = String::from("posix/cpu,posix/mem"),

            /// How containers are started: posix.
            #[flag(check(one_of(&["posix"])))]
            launcher: String = String::from("posix"),

            /// How long a download may stand still.
            fetcher_stall_timeout: Duration = Duration::from_secs(60),
        }
    }
}

/// Where containers are remembered: a root agent has a place of its own for it.
fn default_runtime_dir() -> PathBuf {
    if nix::unistd::geteuid().is_root() {
        PathBuf::from("/var/run/mesos")
    } else {
        std::env::temp_dir().join(format!("mesos-{}", nix::unistd::geteuid())).join("runtime")
    }
}

fn default_launcher_dir() -> PathBuf {
    let program = std::env::current_exe().ok();
    program.as_deref().and_then(|program| program.parent()).map(PathBuf::from).unwrap_or_default()
}

fn object_of_strings(value: &Option<serde_json::Value>) -> Result<(), String> {
    let Some(value) = value else { return Ok(()) };
    match value.as_object() {
        Some(object) if object.values().all(serde_json::Value::is_string) => Ok(()),
        _ => Err("it must be a JSON object whose values are strings".to_owned()),
    }
}

impl AgentFlags {
    /// Checks what no single flag can be checked for.
    ///
    /// # Errors
    ///
    /// What does not fit together.
    pub fn check(&self) -> Result<(), String> {
        if let Some(interval) = self.executor_reregistration_retry_interval
            && interval >= self.executor_reregistration_timeout
        {
            return Err(format!(
                "--executor_reregistration_retry_interval ({}) must be less than --executor_reregistration_timeout ({})",
                stout::duration::format(interval),
                stout::duration::format(self.executor_reregistration_timeout)
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stout::flags::{Parsed, Parser};

    fn parse(arguments: &[&str]) -> Result<AgentFlags, String> {
        let parser = Parser::new("agent", "test").environment_from("MESOS_", Vec::<(String, String)>::new());
        let all = ["--master=127.0.0.1:5050", "--work_dir=/w"].iter().chain(arguments);
        match parser.parse::<AgentFlags>(all.copied()).map_err(|error| error.to_string())? {
            Parsed::Flags { flags, .. } => flags.check().map(|()| flags),
            _ => Err("help".to_owned()),
        }
    }

    #[test]
    fn defaults_are_those_of_mesos() {
        let flags = parse(&[]).unwrap();
        let values: std::collections::BTreeMap<_, _> =
            stout::flags::Flags::values(&flags).into_iter().collect();
        for (name, value) in [
            ("port", "5051"),
            ("executor_registration_timeout", "1mins"),
            ("executor_reregistration_timeout", "2secs"),
            ("executor_shutdown_grace_period", "5secs"),
            ("recover", "reconnect"),
            ("recovery_timeout", "15mins"),
            ("strict", "true"),
            ("reconfiguration_policy", "equal"),
            ("gc_delay", "1weeks"),
            ("gc_disk_headroom", "0.1"),
            ("disk_watch_interval", "1mins"),
            ("max_completed_executors_per_framework", "150"),
        ] {
            assert_eq!(values.get(name).map(String::as_str), Some(value), "{name}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_at_start() {
        for arguments in [
            &["--executor_reregistration_timeout=20secs"][..],
            &["--reconfiguration_policy=any"],
            &["--reconfiguration_policy=foo"],
            &["--recover=nothing"],
            &["--gc_disk_headroom=1.5"],
            &["--containerizers=docker"],
            &["--executor_reregistration_retry_interval=2secs"],
            &["--executor_environment_variables={\"A\":1}"],
        ] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
        assert!(parse(&["--executor_environment_variables={\"A\":\"1\"}"]).is_ok());
    }
}
