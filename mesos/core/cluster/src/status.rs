//! Status updates that the master makes itself.

use mesos_api::internal::StatusUpdate;
use mesos_api::v1::task_status::{Reason, Source};
use mesos_api::v1::{AgentId, ExecutorId, FrameworkId, TaskId, TaskState, TaskStatus};
use stout::Time;

use crate::step::{Step, time_info};
use crate::task::Task;

/// An update of a task with the master as its source. It has no uuid: nobody
/// waits for an acknowledgement.
pub(crate) struct Made<'a> {
    pub(crate) framework: &'a FrameworkId,
    pub(crate) agent: Option<&'a AgentId>,
    pub(crate) task: &'a TaskId,
    pub(crate) executor: Option<&'a ExecutorId>,
    pub(crate) state: TaskState,
    pub(crate) reason: Reason,
    pub(crate) message: &'a str,
}

impl Made<'_> {
    pub(crate) fn update(&self, cx: &Step<'_>) -> StatusUpdate {
        let timestamp = cx.seconds();
        StatusUpdate {
            framework_id: self.framework.clone(),
            executor_id: self.executor.cloned(),
            slave_id: self.agent.cloned(),
            status: TaskStatus {
                task_id: self.task.clone(),
                state: self.state as i32,
                message: Some(self.message.to_owned()),
                source: Some(Source::Master as i32),
                reason: Some(self.reason as i32),
                agent_id: self.agent.cloned(),
                timestamp: Some(timestamp),
                ..TaskStatus::default()
            },
            timestamp,
            uuid: None,
            latest_state: None,
        }
    }
}

/// An update about a task that the model holds.
pub(crate) fn about(
    task: &Task,
    state: TaskState,
    reason: Reason,
    message: &str,
    cx: &Step<'_>,
) -> StatusUpdate {
    Made {
        framework: &task.info.framework_id,
        agent: Some(&task.info.agent_id),
        task: &task.info.task_id,
        executor: task.info.executor_id.as_ref(),
        state,
        reason,
        message,
    }
    .update(cx)
}

/// As [`about`], with what is known of the task's health, checks and container.
pub(crate) fn with_details(
    task: &Task,
    state: TaskState,
    reason: Reason,
    message: &str,
    cx: &Step<'_>,
) -> StatusUpdate {
    let mut update = about(task, state, reason, message, cx);
    update.status.healthy = task.healthy();
    update.status.check_status = task.check_status().cloned();
    update.status.container_status = task.container_status().cloned();
    update
}

/// Adds since when the agent is unreachable.
pub(crate) fn unreachable_since(update: &mut StatusUpdate, since: Time) {
    update.status.unreachable_time = Some(time_info(since));
}
