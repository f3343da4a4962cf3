//! A task as the master knows it.

use mesos_api::v1::{self, CheckStatusInfo, ContainerStatus, TaskState, TaskStatus};
use mesos_resources::Resources;
use stout::Time;

/// How many statuses of one task are kept. Mesos keeps the newest of each run of
/// equal states, without a bound: a task that flaps would grow for ever.
pub const STATUS_HISTORY_MAX: usize = 64;

/// A task that was sent to an agent, until its last update is acknowledged, and
/// in the history after that.
#[derive(Clone, PartialEq, Debug)]
pub struct Task {
    /// The wire form, statuses included.
    ///
    /// `state` is the latest state the agent knows; `status_update_state` and
    /// `status_update_uuid` are those of the update that the scheduler saw last.
    pub info: v1::Task,
    /// `info.resources`, ready for arithmetic.
    pub resources: Resources,
    /// What became of the update that the scheduler was sent last.
    pub(crate) delivery: Delivery,
}

/// What is known of the update that a scheduler was sent last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Delivery {
    /// Nothing was sent by this master.
    #[default]
    None,
    /// It was sent at this time.
    Sent(Time),
    /// The scheduler has acknowledged it.
    Acknowledged,
}

/// Whether a task never changes after this state.
#[must_use]
pub fn is_terminal(state: TaskState) -> bool {
    match state {
        TaskState::TaskFinished
        | TaskState::TaskFailed
        | TaskState::TaskKilled
        | TaskState::TaskLost
        | TaskState::TaskError
        | TaskState::TaskDropped
        | TaskState::TaskGone
        | TaskState::TaskGoneByOperator => true,
        TaskState::TaskStaging
        | TaskState::TaskStarting
        | TaskState::TaskRunning
        | TaskState::TaskKilling
        | TaskState::TaskUnreachable
        | TaskState::TaskUnknown => false,
    }
}

/// Whether a task in this state holds no resources.
#[must_use]
pub fn is_removable(state: TaskState) -> bool {
    is_terminal(state) || state == TaskState::TaskUnreachable
}

impl Task {
    /// A task of which its scheduler was told nothing yet.
    pub(crate) fn new(info: v1::Task, resources: Resources) -> Self {
        Task { info, resources, delivery: Delivery::None }
    }

    /// Whether `uuid` is of the update that the scheduler was sent last.
    pub(crate) fn last_sent(&self, uuid: &[u8]) -> bool {
        self.info.status_update_uuid.as_deref() == Some(uuid)
    }

    /// The latest state that the agent knows.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.info.state()
    }

    /// The state that the scheduler is to be told: that of the update it saw last.
    #[must_use]
    pub fn reported_state(&self) -> TaskState {
        if self.info.status_update_state.is_some() {
            self.info.status_update_state()
        } else {
            self.info.state()
        }
    }

    /// Whether the scheduler has been sent the end of the task, acknowledged or not: it is not told
    /// another one when the agent goes.
    #[must_use]
    pub fn end_was_reported(&self) -> bool {
        self.info.status_update_state.is_some() && is_terminal(self.info.status_update_state())
    }

    /// Whether the task's resources are in use.
    #[must_use]
    pub fn holds_resources(&self) -> bool {
        !is_removable(self.state())
    }

    /// The role that the resources are allocated to.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.resources.iter().next().and_then(|resource| resource.allocation_role())
    }

    /// The last health result.
    #[must_use]
    pub fn healthy(&self) -> Option<bool> {
        self.info.statuses.last().and_then(|status| status.healthy)
    }

    /// The last check result.
    #[must_use]
    pub fn check_status(&self) -> Option<&CheckStatusInfo> {
        self.info.statuses.last().and_then(|status| status.check_status.as_ref())
    }

    /// The newest container status.
    #[must_use]
    pub fn container_status(&self) -> Option<&ContainerStatus> {
        self.info.statuses.iter().rev().find_map(|status| status.container_status.as_ref())
    }

    /// Notes a status: the newest of a run of equal states is kept, without the
    /// scheduler's data.
    pub(crate) fn record(&mut self, mut status: TaskStatus) {
        status.data = None;
        let statuses = &mut self.info.statuses;
        match statuses.last_mut() {
            Some(last) if last.state == status.state => *last = status,
            _ => {
                // The first one says when the task was launched: it stays.
                if statuses.len() >= STATUS_HISTORY_MAX {
                    statuses.remove(1);
                }
                statuses.push(status);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: TaskState) -> TaskStatus {
        TaskStatus { state: state as i32, data: Some("big".into()), ..TaskStatus::default() }
    }

    fn task() -> Task {
        Task::new(v1::Task::default(), Resources::new())
    }

    #[test]
    fn newest_status_of_a_run_of_equal_states_is_kept() {
        let mut task = task();
        for state in [TaskState::TaskRunning, TaskState::TaskRunning, TaskState::TaskFinished] {
            task.record(status(state));
        }
        assert_eq!(task.info.statuses.len(), 2);
    }

    /// MESOS-1746: the data of statuses is not kept in memory.
    #[test]
    fn mesos_1746() {
        let mut task = task();
        task.record(status(TaskState::TaskRunning));
        assert_eq!(task.info.statuses[0].data, None);
    }

    #[test]
    fn statuses_of_a_flapping_task_are_bounded() {
        let mut task = task();
        for _ in 0..1000 {
            task.record(status(TaskState::TaskRunning));
            task.record(status(TaskState::TaskStarting));
        }
        assert_eq!(task.info.statuses.len(), STATUS_HISTORY_MAX);
        assert_eq!(task.info.statuses[0].state(), TaskState::TaskRunning);
    }

    #[test]
    fn unreachable_tasks_hold_no_resources_but_are_not_over() {
        assert!(is_removable(TaskState::TaskUnreachable));
        assert!(!is_terminal(TaskState::TaskUnreachable));
    }

    #[test]
    fn scheduler_is_told_the_update_it_saw_last() {
        let mut task = task();
        task.info.set_state(TaskState::TaskFinished);
        assert_eq!(task.reported_state(), TaskState::TaskFinished);
        task.info.status_update_state = Some(TaskState::TaskRunning as i32);
        assert_eq!(task.reported_state(), TaskState::TaskRunning);
    }
}
