//! What an agent tells its executor in the environment.

use std::path::PathBuf;
use std::time::Duration;

use mesos_api::ContentType;
use mesos_api::v1::{ExecutorId, FrameworkId};

/// Where the executor belongs, and how patient it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// `MESOS_FRAMEWORK_ID`
    pub framework_id: FrameworkId,
    /// `MESOS_EXECUTOR_ID`
    pub executor_id: ExecutorId,
    /// The agent's URL up to its process id, such as `http://10.0.0.1:5051/slave(1)`: from
    /// `MESOS_AGENT_ENDPOINT`, `MESOS_SLAVE_PID` and `LIBPROCESS_SSL_ENABLED`.
    pub agent_url: String,
    /// `MESOS_SANDBOX`, or `MESOS_DIRECTORY` without it.
    pub sandbox: PathBuf,
    /// `MESOS_CHECKPOINT`: whether the executor outlives a restart of its agent.
    pub checkpoint: bool,
    /// `MESOS_RECOVERY_TIMEOUT`: how long it does.
    pub recovery_timeout: Duration,
    /// `MESOS_SUBSCRIPTION_BACKOFF_MAX`: the longest wait between two attempts to subscribe.
    pub subscription_backoff_max: Duration,
    /// `MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD`: how long the executor may take to shut down.
    pub shutdown_grace_period: Duration,
    /// How long a new executor tries to subscribe for the first time.
    pub first_subscription_timeout: Duration,
    /// `MESOS_EXECUTOR_AUTHENTICATION_TOKEN`
    pub authentication_token: Option<String>,
    /// How calls and events are written.
    pub content_type: ContentType,
    /// Whether the process exits by force when the executor does not shut down in time. False if
    /// `MESOS_LOCAL` is set, since then other things run in the same process.
    pub exits_process: bool,
}

/// Why the environment is not that of an executor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// A variable is missing.
    #[error("environment variable {name} is not set; an executor is started by an agent")]
    Missing {
        /// The variable.
        name: &'static str,
    },
    /// A variable does not parse.
    #[error("environment variable {name} is '{value}', not {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
}

impl Options {
    /// What the environment of this process says.
    ///
    /// # Errors
    ///
    /// A variable is missing or does not parse.
    pub fn from_env() -> Result<Self, EnvironmentError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// What `variable` says, which gives the value of an environment variable.
    ///
    /// # Errors
    ///
    /// A variable is missing or does not parse.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, EnvironmentError> {
        let given = |name: &'static str| variable(name).filter(|value| !value.is_empty());
        let required = |name| given(name).ok_or(EnvironmentError::Missing { name });
        let duration = |name, default| match given(name) {
            None => Ok(default),
            Some(value) => stout::duration::parse(&value).map_err(|_| EnvironmentError::Invalid {
                name,
                value,
                expected: "a duration such as 5secs",
            }),
        };
        let truth = |name| given(name).is_some_and(|value| value == "1" || value == "true");
        let endpoint = required("MESOS_AGENT_ENDPOINT")?;
        let scheme = if truth("LIBPROCESS_SSL_ENABLED") { "https" } else { "http" };
        let pid = given("MESOS_SLAVE_PID").unwrap_or_default();
        let process = pid.split_once('@').map_or("slave(1)", |(id, _)| id);
        let sandbox = given("MESOS_SANDBOX").map_or_else(|| required("MESOS_DIRECTORY"), Ok)?;
        Ok(Self {
            framework_id: required("MESOS_FRAMEWORK_ID")?.into(),
            executor_id: required("MESOS_EXECUTOR_ID")?.into(),
            agent_url: format!("{scheme}://{endpoint}/{process}"),
            sandbox: sandbox.into(),
            checkpoint: truth("MESOS_CHECKPOINT"),
            recovery_timeout: duration("MESOS_RECOVERY_TIMEOUT", Duration::from_secs(15 * 60))?,
            subscription_backoff_max: duration("MESOS_SUBSCRIPTION_BACKOFF_MAX", Duration::from_secs(2))?,
            shutdown_grace_period: duration("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", Duration::from_secs(5))?,
            first_subscription_timeout: Duration::from_secs(60),
            authentication_token: given("MESOS_EXECUTOR_AUTHENTICATION_TOKEN"),
            content_type: ContentType::Protobuf,
            exits_process: given("MESOS_LOCAL").is_none(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(changes: &[(&str, &str)]) -> Result<Options, EnvironmentError> {
        let usual = [
            ("MESOS_FRAMEWORK_ID", "f"),
            ("MESOS_EXECUTOR_ID", "e"),
            ("MESOS_AGENT_ENDPOINT", "10.0.0.1:5051"),
            ("MESOS_DIRECTORY", "/d"),
        ];
        Options::from_variables(|name| {
            let value = |variables: &[(&str, &str)]| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            value(changes).or_else(|| value(&usual))
        })
    }

    #[test]
    fn defaults_are_those_of_an_agent_that_says_little() {
        let options = environment(&[]).unwrap();
        assert_eq!(options.agent_url, "http://10.0.0.1:5051/slave(1)");
        assert_eq!(options.sandbox, PathBuf::from("/d"));
        assert!(!options.checkpoint && options.exits_process);
        assert_eq!(options.recovery_timeout, Duration::from_secs(900));
        assert_eq!(options.shutdown_grace_period, Duration::from_secs(5));
    }

    #[test]
    fn everything_can_be_said() {
        let options = environment(&[
            ("MESOS_SLAVE_PID", "slave(2)@10.0.0.1:5051"),
            ("LIBPROCESS_SSL_ENABLED", "1"),
            ("MESOS_SANDBOX", "/s"),
            ("MESOS_CHECKPOINT", "1"),
            ("MESOS_RECOVERY_TIMEOUT", "2mins"),
            ("MESOS_EXECUTOR_AUTHENTICATION_TOKEN", "t"),
            ("MESOS_LOCAL", "1"),
        ])
        .unwrap();
        assert_eq!(options.agent_url, "https://10.0.0.1:5051/slave(2)");
        assert_eq!(options.sandbox, PathBuf::from("/s"));
        assert!(options.checkpoint && !options.exits_process);
        assert_eq!(options.recovery_timeout, Duration::from_secs(120));
        assert_eq!(options.authentication_token.as_deref(), Some("t"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = environment(&[("MESOS_AGENT_ENDPOINT", "")]).unwrap_err().to_string();
        assert!(error.contains("MESOS_AGENT_ENDPOINT is not set"), "{error}");
        let error = environment(&[("MESOS_RECOVERY_TIMEOUT", "soon")]).unwrap_err().to_string();
        assert!(error.contains("MESOS_RECOVERY_TIMEOUT is 'soon', not a duration"), "{error}");
    }
}
