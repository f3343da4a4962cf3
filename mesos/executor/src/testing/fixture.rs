//! A bundled executor at an agent that a test plays.

use std::time::Duration;

use mesos_api::v1::{CommandInfo, HealthCheck, TaskInfo, TaskState, TaskStatus, health_check};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::FakeAgent;
use crate::{Executor, Options, RunError};

/// An executor that has subscribed.
pub(crate) struct Fixture {
    pub(crate) sandbox: TempDir,
    pub(crate) agent: FakeAgent,
    pub(crate) running: JoinHandle<Result<(), RunError>>,
}

impl Fixture {
    pub(crate) async fn start<E: Executor>(executor: impl FnOnce(&Options) -> E) -> Self {
        Self::with(executor, |_| ()).await
    }

    pub(crate) async fn with<E: Executor>(
        executor: impl FnOnce(&Options) -> E,
        change: impl FnOnce(&mut FakeAgent),
    ) -> Self {
        let sandbox = TempDir::new().unwrap();
        let mut agent = FakeAgent::start().await;
        agent.options.sandbox = sandbox.path().to_owned();
        change(&mut agent);
        let running = agent.run(executor(&agent.options));
        agent.subscribe().await;
        Self { sandbox, agent, running }
    }

    /// Launches a task and takes its first two updates.
    pub(crate) async fn launch(&mut self, task: TaskInfo) -> TaskStatus {
        self.agent.launch(task).await;
        self.agent.expect(TaskState::TaskStarting).await;
        self.agent.expect(TaskState::TaskRunning).await
    }

    /// Launches a group of tasks, each with its command, and takes their first two updates.
    pub(crate) async fn launch_group(&mut self, tasks: &[(&'static str, &str)]) {
        self.agent.launch_group(tasks.iter().map(|(id, command)| task(id, command)).collect()).await;
        for state in [TaskState::TaskStarting, TaskState::TaskRunning] {
            let expected: Vec<_> = tasks.iter().map(|(id, _)| (*id, state)).collect();
            self.expect_all(&expected).await;
        }
    }

    /// Takes as many updates, which must be of these tasks and states in any order.
    pub(crate) async fn expect_all(&mut self, expected: &[(&str, TaskState)]) -> Vec<TaskStatus> {
        let mut statuses = Vec::new();
        let mut left: Vec<_> = expected.to_vec();
        while !left.is_empty() {
            let status = self.agent.next_call().await.update.expect("an update").status;
            self.agent.acknowledge(&status).await;
            let found = (status.task_id.value.as_str(), status.state());
            let index = left.iter().position(|expected| *expected == found);
            left.remove(index.unwrap_or_else(|| panic!("{status:?}, not one of {left:?}")));
            statuses.push(status);
        }
        statuses
    }

    /// Waits for a line in a file of the sandbox.
    pub(crate) async fn written(&self, name: &str) -> String {
        loop {
            match std::fs::read_to_string(self.sandbox.path().join(name)) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

pub(crate) fn shell(script: &str) -> CommandInfo {
    CommandInfo { value: Some(script.into()), ..Default::default() }
}

pub(crate) fn task(id: &str, script: &str) -> TaskInfo {
    TaskInfo {
        task_id: id.into(),
        name: id.into(),
        agent_id: "a".into(),
        command: Some(shell(script)),
        ..Default::default()
    }
}

/// A health check by a command, without any patience.
pub(crate) fn health_check(script: &str, failures_max: u32) -> HealthCheck {
    HealthCheck {
        r#type: Some(health_check::Type::Command as i32),
        command: Some(shell(script)),
        delay_seconds: Some(0.0),
        interval_seconds: Some(0.01),
        grace_period_seconds: Some(0.0),
        consecutive_failures: Some(failures_max),
        ..Default::default()
    }
}
