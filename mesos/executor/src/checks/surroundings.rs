//! Where the commands of checks run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use mesos_api::v1::{CommandInfo, ContainerId, TaskInfo};
use nix::sys::signal::Signal;
use uuid::Uuid;

use super::environment;
use super::probe::{Outcome, within};
use crate::command::Child;
use crate::nested::Containers;

/// Where the commands of a task's checks run.
pub(crate) enum Surroundings {
    /// As processes in a directory, with these variables.
    Processes {
        /// The task's variables.
        environment: BTreeMap<String, String>,
        /// The task's sandbox.
        directory: PathBuf,
    },
    /// As containers in that of the task.
    Nested {
        /// The agent's containers.
        containers: Box<Containers>,
        /// The task's container.
        parent: ContainerId,
        /// The task's command, whose variables those of a check come on top of.
        command: Box<CommandInfo>,
    },
}

impl Surroundings {
    pub(crate) fn nested(containers: Containers, parent: ContainerId, task: &TaskInfo) -> Self {
        let command = Box::new(task.command.clone().unwrap_or_default());
        Self::Nested { containers: Box::new(containers), parent, command }
    }

    /// Runs a command to its end, or to that of its time.
    pub(super) async fn run(&self, command: &CommandInfo, timeout: Option<Duration>) -> Outcome {
        match self {
            Self::Processes { environment, directory } => {
                run_process(command, environment, directory, timeout).await
            }
            Self::Nested { containers, parent, command: task } => {
                let parent = Some(Box::new(parent.clone()));
                let id = ContainerId { value: format!("check-{}", Uuid::new_v4()), parent };
                run_nested(containers, id, with_variables_of(command, task), timeout).await
            }
        }
    }
}

/// The code that a shell gives for a wait status.
fn exited(wait_status: i32) -> Outcome {
    Outcome::Exited(match wait_status & 0x7f {
        0 => (wait_status >> 8) & 0xff,
        signal => 128 + signal,
    })
}

async fn run_process(
    command: &CommandInfo,
    environment_of_task: &BTreeMap<String, String>,
    directory: &Path,
    timeout: Option<Duration>,
) -> Outcome {
    let mut variables = environment_of_task.clone();
    variables.extend(environment(command));
    let (child, ended) = match Child::start(command, &variables, directory, Stdio::null()) {
        Ok(started) => started,
        Err(problem) => return Outcome::Failed(problem),
    };
    let mut ended = std::pin::pin!(ended);
    let outcome = within(timeout, async { exited(ended.as_mut().await) }).await;
    if outcome == Outcome::TimedOut {
        // Ends at once, and then is waited for, so that no zombie stays.
        let killed = tokio::task::spawn_blocking(move || child.signal(Signal::SIGKILL)).await;
        if matches!(killed, Ok(Ok(()))) {
            ended.await;
        }
    }
    outcome
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
            Ok(Some(ended)) => ended.exit_status.map_or_else(unknown, exited),
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

    #[test]
    fn signals_count_as_in_a_shell() {
        assert_eq!(exited(7 << 8), Outcome::Exited(7));
        assert_eq!(exited(9), Outcome::Exited(137));
    }
}
