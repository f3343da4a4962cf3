//! What the agent may not know: told again when the executor subscribes anew.

use mesos_api::v1::executor::call::{Subscribe, Update};
use mesos_api::v1::{TaskId, TaskInfo, TaskStatus};

/// Tasks and updates that no acknowledgement has confirmed, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Unacknowledged {
    tasks: Vec<TaskInfo>,
    updates: Vec<Update>,
}

impl Unacknowledged {
    pub(crate) fn launched(&mut self, task: &TaskInfo) {
        self.tasks.retain(|other| other.task_id != task.task_id);
        self.tasks.push(task.clone());
    }

    pub(crate) fn updated(&mut self, status: &TaskStatus) {
        self.updates.push(Update { status: status.clone() });
    }

    /// An acknowledged update shows that the agent has written down its task as well.
    pub(crate) fn acknowledged(&mut self, task_id: &TaskId, uuid: &[u8]) {
        self.tasks.retain(|task| task.task_id != *task_id);
        self.updates.retain(|update| update.status.uuid() != uuid);
    }

    /// Forgets an update that the agent will never take.
    pub(crate) fn refused(&mut self, uuid: &[u8]) {
        self.updates.retain(|update| update.status.uuid() != uuid);
    }

    pub(crate) fn subscribe(&self) -> Subscribe {
        Subscribe { unacknowledged_tasks: self.tasks.clone(), unacknowledged_updates: self.updates.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str) -> TaskInfo {
        TaskInfo { task_id: id.into(), ..Default::default() }
    }

    fn status(task: &str, uuid: u8) -> TaskStatus {
        TaskStatus { task_id: task.into(), uuid: Some(vec![uuid; 16]), ..Default::default() }
    }

    #[test]
    fn first_acknowledgement_confirms_the_task_and_each_its_update() {
        let mut unacknowledged = Unacknowledged::default();
        unacknowledged.launched(&task("a"));
        unacknowledged.launched(&task("b"));
        for update in [status("a", 1), status("b", 2), status("a", 3)] {
            unacknowledged.updated(&update);
        }
        unacknowledged.acknowledged(&"a".into(), &[1; 16]);
        let Subscribe { unacknowledged_tasks, unacknowledged_updates } = unacknowledged.subscribe();
        assert_eq!(unacknowledged_tasks, [task("b")]);
        assert_eq!(unacknowledged_updates, [status("b", 2), status("a", 3)].map(|status| Update { status }));
        unacknowledged.refused(&[2; 16]);
        unacknowledged.acknowledged(&"a".into(), &[9; 16]);
        assert_eq!(unacknowledged.subscribe().unacknowledged_updates, [Update { status: status("a", 3) }]);
    }
}
