//! ACKNOWLEDGE.

use mesos_api::internal::StatusUpdateAcknowledgementMessage;
use mesos_api::v1::FrameworkId;
use mesos_api::v1::scheduler::call::Acknowledge;

use crate::cluster::Cluster;
use crate::effect::ToAgent;
use crate::step::Step;
use crate::task::is_terminal;
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
        let Some(to) = self.connected_agent(&agent_id) else { return false };
        if !is_uuid(&uuid) {
            return false;
        }
        if let Some(task) = self.task(id, &task_id).filter(|task| task.info.agent_id == agent_id) {
            if task.info.status_update_state.is_none() {
                // Meant for another master: the agent will send the update again.
                return false;
            }
            let is_last = task.info.status_update_uuid.as_deref() == Some(&uuid);
            if is_last && is_terminal(task.info.status_update_state()) {
                self.complete_task(id, &task_id, cx);
            }
        }
        let message = StatusUpdateAcknowledgementMessage {
            slave_id: agent_id,
            framework_id: id.clone(),
            task_id,
            uuid,
        };
        cx.send(to, ToAgent::Acknowledge(message));
        true
    }
}
