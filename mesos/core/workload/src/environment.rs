//! What an executor finds in its environment.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use mesos_api::v1::{AgentId, ExecutorInfo};
use stout::duration;

use crate::Options;

/// The environment of an executor, before the containerizer and the command add theirs.
pub fn executor_environment(
    options: &Options,
    executor: &ExecutorInfo,
    agent: &AgentId,
    directory: &Path,
    checkpoint: bool,
) -> BTreeMap<String, String> {
    let mut environment =
        options.environment.clone().unwrap_or_else(|| options.inherited_environment.clone());
    let mut set = |name: &str, value: String| {
        environment.insert(name.to_owned(), value);
    };
    let framework = executor.framework_id.as_ref().map(|id| id.value.clone()).unwrap_or_default();
    let directory = directory.to_string_lossy().into_owned();
    // Executors must not take the agent's port.
    set("LIBPROCESS_PORT", "0".to_owned());
    set("MESOS_FRAMEWORK_ID", framework);
    set("MESOS_EXECUTOR_ID", executor.executor_id.value.clone());
    set("MESOS_SANDBOX", directory.clone());
    set("MESOS_DIRECTORY", directory);
    set("MESOS_SLAVE_ID", agent.value.clone());
    set("MESOS_SLAVE_PID", options.pid.clone());
    set("MESOS_AGENT_ENDPOINT", options.endpoint.clone());
    set("MESOS_CHECKPOINT", flag(checkpoint));
    set("MESOS_HTTP_COMMAND_EXECUTOR", flag(options.http_command_executor));
    let grace = shutdown_grace_period(options.shutdown_grace_period, executor);
    set("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", duration::format(grace));
    if checkpoint {
        set("MESOS_RECOVERY_TIMEOUT", duration::format(options.recovery_timeout));
        set("MESOS_SUBSCRIPTION_BACKOFF_MAX", duration::format(options.reregistration_timeout));
    }
    environment
}

/// How long an executor may take to end by itself.
pub fn shutdown_grace_period(default: Duration, executor: &ExecutorInfo) -> Duration {
    match &executor.shutdown_grace_period {
        Some(period) => Duration::from_nanos(u64::try_from(period.nanoseconds).unwrap_or(0)),
        None => default,
    }
}

fn flag(value: bool) -> String {
    if value { "1" } else { "0" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos_api::v1;

    fn environment(checkpoint: bool) -> BTreeMap<String, String> {
        let options = Options::new("/w", "10.0.0.1:5051");
        let executor = ExecutorInfo {
            executor_id: v1::ExecutorId { value: "e".into() },
            framework_id: Some(v1::FrameworkId { value: "f".into() }),
            ..ExecutorInfo::default()
        };
        executor_environment(
            &options,
            &executor,
            &AgentId { value: "s".into() },
            Path::new("/box"),
            checkpoint,
        )
    }

    #[test]
    fn an_executor_learns_who_it_is_and_whom_to_call() {
        let environment = environment(false);
        for (name, value) in [
            ("MESOS_FRAMEWORK_ID", "f"),
            ("MESOS_EXECUTOR_ID", "e"),
            ("MESOS_SLAVE_ID", "s"),
            ("MESOS_SLAVE_PID", "slave(1)@10.0.0.1:5051"),
            ("MESOS_AGENT_ENDPOINT", "10.0.0.1:5051"),
            ("MESOS_DIRECTORY", "/box"),
            ("MESOS_SANDBOX", "/box"),
            ("MESOS_CHECKPOINT", "0"),
            ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "5secs"),
        ] {
            assert_eq!(environment.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!environment.contains_key("MESOS_RECOVERY_TIMEOUT"));
    }

    #[test]
    fn only_a_checkpointed_executor_waits_for_the_agent_to_come_back() {
        let environment = environment(true);
        assert_eq!(environment.get("MESOS_CHECKPOINT").map(String::as_str), Some("1"));
        assert_eq!(environment.get("MESOS_RECOVERY_TIMEOUT").map(String::as_str), Some("15mins"));
        assert_eq!(environment.get("MESOS_SUBSCRIPTION_BACKOFF_MAX").map(String::as_str), Some("2secs"));
    }
}
