//! ACKNOWLEDGE.

use mesos_api::internal::{StatusUpdate, StatusUpdateAcknowledgementMessage};
use mesos_api::v1::scheduler::call::Acknowledge;
use mesos_api::v1::{AgentId, FrameworkId, TaskId};

use crate::cluster::Cluster;
use crate::connection::ConnectionId;
use crate::effect::ToAgent;
use crate::step::Step;
use crate::task::{Delivery, Task, is_terminal};
use crate::wire::is_uuid;

impl Cluster {
    pub(crate) fn acknowledge(&mut self, id: &FrameworkId, acknowledge: Acknowledge, cx: &mut Step<'_>) {
        self.counters.messages_status_update_acknowledgement += 1;
        match self.pass_on(id, acknowledge, cx) {
            true => self.counters.valid_status_update_acknowledgements += 1,
            false => self.counters.invalid_status_update_acknowledgements += 1,
        }
    }

    fn pass_on(&mut self, id: &FrameworkId, acknowledge: Acknowledge, cx: &mut Step<'_>) -> bool {
        let Acknowledge { agent_id, task_id, uuid } = acknowledge;
        if !is_uuid(&uuid) {
            return false;
        }
        let own = self.task_mut(id, &task_id).filter(|task| task.info.agent_id == agent_id);
        let mut is_end = false;
        if let Some(task) = own {
            if task.info.status_update_state.is_none() {
                // Meant for another master: the agent will send the update again.
                return false;
            }
            if task.last_sent(&uuid) {
                task.delivery = Delivery::Acknowledged;
                is_end = is_terminal(task.info.status_update_state());
            }
        }
        // An agent that is away is told when it sends the update again.
        let Some(to) = self.connected_agent(&agent_id) else { return false };
        if is_end {
            self.complete_task(id, &task_id, cx);
        }
        tell_agent(to, agent_id, id.clone(), task_id, uuid, cx);
        true
    }

    /// Answers an update that the scheduler has acknowledged before: the agent was away, or was killed,
    /// when it was to be told. Says whether it was one.
    pub(crate) fn acknowledge_again(
        &mut self,
        agent: &AgentId,
        update: &StatusUpdate,
        uuid: &[u8],
        cx: &mut Step<'_>,
    ) -> bool {
        let (framework, id) = (&update.framework_id, &update.status.task_id);
        let acknowledged = |task: &Task| {
            task.info.agent_id == *agent && task.delivery == Delivery::Acknowledged && task.last_sent(uuid)
        };
        let known = self.task(framework, id).is_some_and(|task| acknowledged(task));
        let completed = || {
            let completed = self.framework(framework).and_then(|it| it.completed_tasks.get(id));
            completed.is_some_and(|task| acknowledged(task))
        };
        if !known && !completed() {
            return false;
        }
        if known {
            // The latest state may be a newer one than the update's.
            self.update_task(framework, id, update, cx);
            if is_terminal(update.status.state()) {
                self.complete_task(framework, id, cx);
            }
        }
        if let Some(to) = self.connected_agent(agent) {
            tell_agent(to, agent.clone(), framework.clone(), id.clone(), uuid.to_vec(), cx);
        }
        true
    }
}

fn tell_agent(
    to: ConnectionId,
    agent: AgentId,
    framework: FrameworkId,
    task: TaskId,
    uuid: Vec<u8>,
    cx: &mut Step<'_>,
) {
    let message =
        StatusUpdateAcknowledgementMessage { slave_id: agent, framework_id: framework, task_id: task, uuid };
    cx.send(to, ToAgent::Acknowledge(message));
}
