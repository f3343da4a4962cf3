//! What becomes of operations that agents apply themselves.

use std::sync::Arc;

use mesos_api::internal::{AcknowledgeOperationStatusMessage, UpdateOperationStatusMessage};
use mesos_api::v1::{AgentId, FrameworkId, OperationState, Uuid};
use mesos_resources::operation_provider_id;

use crate::cluster::Cluster;
use crate::connection::ConnectionId;
use crate::effect::ToAgent;
use crate::step::Step;

/// How many statuses of one operation are kept.
const STATUSES_MAX: usize = 16;

fn is_terminal(state: OperationState) -> bool {
    match state {
        OperationState::OperationFinished
        | OperationState::OperationFailed
        | OperationState::OperationError
        | OperationState::OperationDropped => true,
        OperationState::OperationPending | OperationState::OperationUnsupported => false,
    }
}

impl Cluster {
    pub(crate) fn operation_update(
        &mut self,
        from: ConnectionId,
        message: UpdateOperationStatusMessage,
        cx: &mut Step<'_>,
    ) {
        let uuid = &message.operation_uuid.value;
        let Some(id) = self.sender(from, message.slave_id.as_ref()) else {
            cx.warn(format!("ignoring status of operation {} from {from}", message.operation_uuid));
            return;
        };
        let known = self.agent_mut(&id).and_then(|agent| agent.operations.get_mut(uuid));
        let Some(operation) = known.map(Arc::make_mut) else {
            cx.warn(format!("ignoring status of unknown operation {} of agent {id}", message.operation_uuid));
            return;
        };
        let status = message.latest_status.as_ref().unwrap_or(&message.status);
        if !is_terminal(operation.latest_status.state()) {
            operation.latest_status = status.clone();
        }
        if operation.statuses.last() != Some(status) && operation.statuses.len() < STATUSES_MAX {
            operation.statuses.push(status.clone());
        }
        let over = is_terminal(operation.latest_status.state());
        let acknowledged = status.uuid.clone();
        let provider = operation_provider_id(&operation.info).ok().flatten();
        if let (Some(status_uuid), Some(to)) = (acknowledged, self.connected_agent(&id)) {
            let message = AcknowledgeOperationStatusMessage {
                status_uuid,
                operation_uuid: Uuid { value: uuid.clone() },
                resource_provider_id: provider.map(Into::into),
            };
            cx.send(to, ToAgent::AcknowledgeOperation(message));
        }
        if over {
            self.forget_operation(&id, uuid);
        }
    }

    /// The four operations were counted when they were sent: nothing is left to do when they end. If one
    /// failed, the agent says what it has ([`update_agent`](Self::update_agent)).
    fn forget_operation(&mut self, id: &AgentId, uuid: &Vec<u8>) {
        let Some(agent) = self.agent_mut(id) else { return };
        let Some(operation) = agent.operations.remove(uuid) else { return };
        if let Some(framework) =
            operation.framework_id.as_ref().and_then(|framework| self.framework_mut(framework))
        {
            framework.operations.remove(uuid);
        }
    }

    /// The operations of an agent that is gone.
    pub(crate) fn forget_agent_operations(&mut self, id: &AgentId) {
        let Some(agent) = self.agent(id) else { return };
        for uuid in agent.operations.keys().cloned().collect::<Vec<_>>() {
            self.forget_operation(id, &uuid);
        }
    }

    /// The framework is gone, its operations on agents go on.
    pub(crate) fn forget_framework_operations(&mut self, id: &FrameworkId) {
        if let Some(framework) = self.framework_mut(id) {
            framework.operations.clear();
        }
    }
}
