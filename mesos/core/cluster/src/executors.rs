//! Messages and the end of executors.

use mesos_api::internal::{ExecutorToFrameworkMessage, ExitedExecutorMessage};
use mesos_api::v1::AgentId;

use crate::cluster::Cluster;
use crate::connection::ConnectionId;
use crate::event::SchedulerEvent;
use crate::step::Step;

impl Cluster {
    /// The agent behind a connection, if it is the one that the message names.
    pub(crate) fn sender(&self, from: ConnectionId, named: Option<&AgentId>) -> Option<AgentId> {
        let agent = self.agent_connections.get(&from)?;
        (Some(agent) == named).then(|| agent.clone())
    }

    pub(crate) fn executor_message(
        &mut self,
        from: ConnectionId,
        message: ExecutorToFrameworkMessage,
        cx: &mut Step<'_>,
    ) {
        self.counters.messages_executor_to_framework += 1;
        let to = self
            .sender(from, Some(&message.slave_id))
            .and_then(|_| self.connected_framework(&message.framework_id));
        if to.is_none() {
            self.counters.invalid_executor_to_framework_messages += 1;
            return;
        }
        self.counters.valid_executor_to_framework_messages += 1;
        cx.tell(to, SchedulerEvent::Message(Box::new(message)));
    }

    /// The executor's resources are free. What becomes of its tasks the agent says.
    pub(crate) fn executor_exited(
        &mut self,
        from: ConnectionId,
        message: ExitedExecutorMessage,
        cx: &mut Step<'_>,
    ) {
        self.counters.messages_exited_executor += 1;
        let Some(agent) = self.sender(from, Some(&message.slave_id)) else { return };
        if !self.remove_executor(&message.framework_id, &agent, &message.executor_id, cx) {
            return; // Ended before, or a command executor.
        }
        let to = self.connected_framework(&message.framework_id);
        cx.tell(to, SchedulerEvent::ExecutorExited(Box::new(message)));
    }
}
