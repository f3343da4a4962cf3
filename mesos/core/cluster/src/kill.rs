//! KILL.

use mesos_api::internal::KillTaskMessage;
use mesos_api::v1::scheduler::call::{Kill, reconcile};
use mesos_api::v1::task_status::{Reason, Source};
use mesos_api::v1::{FrameworkId, TaskId, TaskState};

use crate::accounting::{put, take_entry};
use crate::cluster::Cluster;
use crate::effect::ToAgent;
use crate::status::Made;
use crate::step::Step;

impl Cluster {
    pub(crate) fn kill(&mut self, id: &FrameworkId, kill: &Kill, cx: &mut Step<'_>) {
        self.counters.messages_kill_task += 1;
        if self.kill_pending(id, &kill.task_id, cx) {
            return;
        }
        let Some(task) = self.task(id, &kill.task_id) else {
            // Tell the scheduler what we know instead.
            let asked = reconcile::Task { task_id: kill.task_id.clone(), agent_id: kill.agent_id.clone() };
            self.reconcile(id, vec![asked], cx);
            return;
        };
        let agent = task.info.agent_id.clone();
        if kill.agent_id.as_ref().is_some_and(|named| *named != agent) {
            cx.warn(format!(
                "ignoring kill of task '{}' of framework {id}: it is on another agent",
                kill.task_id
            ));
            return;
        }
        // Remembered also while the agent seems to be there: we may be the last to know.
        if let Some(agent) = self.agent_mut(&agent) {
            put(&mut agent.killed_tasks, id, kill.task_id.clone());
        }
        if let Some(to) = self.connected_agent(&agent) {
            let message = KillTaskMessage {
                framework_id: id.clone(),
                task_id: kill.task_id.clone(),
                kill_policy: kill.kill_policy,
            };
            cx.send(to, ToAgent::KillTask(message));
        }
    }

    /// Kills a task that waits for its authorization; says whether there was one.
    fn kill_pending(&mut self, id: &FrameworkId, task: &TaskId, cx: &mut Step<'_>) -> bool {
        let Some(framework) = self.framework_mut(id) else { return false };
        let Some(pending) = framework.pending_tasks.remove(task) else { return false };
        // One that names a wrong agent is taken off the right one's list when the authorizer answers.
        if let Some(agent) = self.agent_mut(&pending.agent_id) {
            take_entry(&mut agent.pending_tasks, id, task);
        }
        let update = Made {
            framework: id,
            agent: Some(&pending.agent_id),
            task,
            executor: None,
            state: TaskState::TaskKilled,
            reason: Reason::TaskKilledDuringLaunch,
            message: "Killed before delivery to the agent",
        }
        .update(cx);
        self.counters.ended_in(TaskState::TaskKilled);
        self.counters.ended(TaskState::TaskKilled, Source::Master, Reason::TaskKilledDuringLaunch);
        self.forward(id, update, None, cx);
        true
    }
}
