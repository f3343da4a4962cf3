//! Where the commands of checks run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use futures::future::BoxFuture;
use mesos_api::v1::{CommandInfo, ContainerId};
use mesos_checks::{CommandRunner, Outcome, within};
use nix::sys::signal::Signal;
use uuid::Uuid;

use crate::command::Child;
use crate::nested::Containers;
use crate::tasks;

/// Runs commands as processes beside the task's.
pub(crate) struct Processes {
    /// The task's variables.
    pub(crate) environment: BTreeMap<String, String>,
    /// The task's sandbox.
    pub(crate) directory: PathBuf,
}

impl CommandRunner for Processes {
    fn run<'a>(&'a self, command: &'a CommandInfo, timeout: Option<Duration>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run_process(command, timeout))
    }
}

impl Processes {
    async fn run_process(&self, command: &CommandInfo, timeout: Option<Duration>) -> Outcome {
        let mut variables = self.environment.clone();
        variables.extend(tasks::environment(command));
        let (child, ended) = match Child::start(command, &variables, &self.directory, Stdio::null()) {
            Ok(started) => started,
            Err(problem) => return Outcome::Failed(problem),
        };
        let mut ended = std::pin::pin!(ended);
        let outcome = within(timeout, async { Outcome::of_wait_status(ended.as_mut().await) }).await;
        if outcome == Outcome::TimedOut {
            // Ends at once, and then is waited for, so that no zombie stays.
            let killed = tokio::task::spawn_blocking(move || child.signal(Signal::SIGKILL)).await;
            if matches!(killed, Ok(Ok(()))) {
                ended.await;
            }
        }
        outcome
    }
}

/// Runs commands as containers in that of the task.
pub(crate) struct Nested {
    /// The agent's containers.
    pub(crate) containers: Containers,
    /// The task's container.
    pub(crate) parent: ContainerId,
    /// The task's command, whose variables those of a check come on top of.
    pub(crate) task: CommandInfo,
}

impl CommandRunner for Nested {
    fn run<'a>(&'a self, command: &'a CommandInfo, timeout: Option<Duration>) -> BoxFuture<'a, Outcome> {
        let parent = Some(Box::new(self.parent.clone()));
        let id = ContainerId { value: format!("check-{}", Uuid::new_v4()), parent };
        Box::pin(run_nested(&self.containers, id, with_variables_of(command, &self.task), timeout))
    }
}

/// The command of a check, with the variables of the task's before its own.
fn with_variables_of(check: &CommandInfo, task: &CommandInfo) -> CommandInfo {
    let mut command = check.clone();
    if let Some(variables) = task.environment.as_ref().map(|environment| &environment.variables) {
        let own = command.environment.get_or_insert_default();
        own.variables.splice(0..0, variables.iter().cloned());
    }
    command
}

async fn run_nested(
    containers: &Containers,
    id: ContainerId,
    command: CommandInfo,
    timeout: Option<Duration>,
) -> Outcome {
    let look = async {
        if let Err(problem) = containers.launch(id.clone(), Some(command), None).await {
            return Outcome::Failed(problem);
        }
        match containers.wait(id.clone()).await {
            Ok(Some(ended)) => ended.exit_status.map_or_else(unknown, Outcome::of_wait_status),
            Ok(None) => unknown(),
            Err(problem) => Outcome::Failed(problem),
        }
    };
    let outcome = within(timeout, look).await;
    if outcome == Outcome::TimedOut && containers.kill(id.clone(), Signal::SIGKILL as i32).await.is_ok() {
        // Only what has ended can be removed.
        let _ = containers.wait(id.clone()).await;
    }
    // What cannot be removed goes with the task's container.
    let _ = containers.remove(id).await;
    outcome
}

fn unknown() -> Outcome {
    Outcome::Failed("the agent does not know how the check's container ended".to_owned())
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::Environment;
    use mesos_api::v1::environment::Variable;

    use super::*;

    #[tokio::test]
    async fn command_is_judged_by_its_exit_and_ended_when_its_time_is_out() {
        let directory = tempfile::tempdir().unwrap();
        let environment = [("A".to_owned(), "7".to_owned())].into();
        let processes = Processes { environment, directory: directory.path().to_owned() };
        let run = async |script: &str, timeout| {
            let command = CommandInfo { value: Some(script.into()), ..CommandInfo::default() };
            processes.run(&command, timeout).await
        };
        assert_eq!(run("exit $A", None).await, Outcome::Exited(7));
        assert_eq!(run("kill -9 $$", None).await, Outcome::Exited(137));
        let slow = run("sleep 600 & sleep 600", Some(Duration::from_millis(50))).await;
        assert_eq!(slow, Outcome::TimedOut);
        assert!(matches!(run("", None).await, Outcome::Failed(_)));
    }

    #[test]
    fn variables_of_a_check_come_after_those_of_the_task() {
        let command = |names: &[&str]| {
            let variable = |name: &&str| Variable { name: (*name).into(), ..Variable::default() };
            let variables = names.iter().map(variable).collect();
            CommandInfo { environment: Some(Environment { variables }), ..CommandInfo::default() }
        };
        assert_eq!(with_variables_of(&command(&["c"]), &command(&["a", "b"])), command(&["a", "b", "c"]));
        let bare = CommandInfo::default();
        assert_eq!(with_variables_of(&bare, &bare), bare);
    }
}
