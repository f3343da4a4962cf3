//! Agents that this master knows come back: what they have is compared with what it thinks they have.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::OrdMap;
use mesos_allocation::Input as Allocate;
use mesos_api::internal::{
    KillTaskMessage, ReconcileTasksMessage, ReregisterSlaveMessage, SlaveReregisteredMessage,
};
use mesos_api::v1::task_status::{Reason, Source};
use mesos_api::v1::{AgentId, ExecutorId, ExecutorInfo, FrameworkId, TaskId, TaskStatus};

use crate::agent::{Agent, AgentState};
use crate::capabilities::AgentCapabilities;
use crate::cluster::Cluster;
use crate::effect::{Effect, ToAgent};
use crate::registration::{Refusal, totals};
use crate::reregistration::Reregistration;
use crate::step::Step;
use crate::task::is_terminal;
use crate::unreachable::UnreachableCause;

impl Cluster {
    /// An agent that this master knows comes back, possibly changed.
    pub(crate) fn welcome_back(&mut self, registration: Reregistration, cx: &mut Step<'_>) {
        let Reregistration { id, peer, message, .. } = registration;
        let Some(agent) = self.agent(&id) else { return };
        let old_connection = agent.peer.connection;
        let was_connected = agent.is_connected();
        // Agents with providers say what they have afterwards; to the others we say what they must
        // remember.
        let checkpointed = match agent.capabilities.resource_provider {
            true => message.checkpointed_resources.clone(),
            false => agent.checkpointed.to_protos(),
        };
        let totals = match totals(&message.slave, &checkpointed) {
            Ok(totals) => totals,
            Err(error) => {
                self.refuse_agent(&peer, Refusal::ShutDown(error), cx);
                return;
            }
        };
        let to = peer.connection;
        if old_connection != to {
            self.agent_connections.remove(&old_connection);
        }
        self.agent_connections.insert(to, id.clone());
        let Some(agent) = self.agent_mut(&id) else { return };
        agent.peer = peer;
        agent.info = Arc::new(message.slave.clone());
        agent.version = message.version().to_owned();
        agent.capabilities = AgentCapabilities::new(&message.agent_capabilities);
        agent.total = totals.total;
        agent.checkpointed = totals.checkpointed;
        if let Some(uuid) = &message.resource_version_uuid {
            agent.resource_version = Some(uuid.value.clone());
        }
        agent.reregistered_time = Some(cx.now);
        agent.state = AgentState::Connected;
        agent.epoch += 1;
        cx.push(Effect::WatchAgent { agent: id.clone(), connection: to });
        cx.allocate(Allocate::UpdateAgent {
            id: id.clone(),
            info: (*agent.info).clone(),
            capabilities: Some(agent.capabilities.to_proto()),
            total: Some(agent.total.clone()),
        });
        self.reconcile_agent(&id, &message, cx);
        if !was_connected {
            cx.allocate(Allocate::ActivateAgent(id.clone()));
        }
        for cause in [UnreachableCause::Disconnected, UnreachableCause::Pings] {
            if self.removals.cancel(&id, cause) {
                self.counters.slave_unreachable_canceled += 1;
            }
        }
        let recovered = self.recover_frameworks(&message.frameworks);
        self.tell_agent_of_frameworks(&id, &message.frameworks, &recovered, cx);
        if self.agent(&id).is_some_and(|agent| !agent.capabilities.resource_provider) {
            self.send_checkpoint(&id, cx);
        }
    }

    /// Compares what the agent has with what we think it has.
    fn reconcile_agent(&mut self, id: &AgentId, message: &ReregisterSlaveMessage, cx: &mut Step<'_>) {
        let present: BTreeSet<(&FrameworkId, &TaskId)> =
            message.tasks.iter().map(|task| (&task.framework_id, &task.task_id)).collect();
        let Some(agent) = self.state.agents.get(id).map(Arc::clone) else { return };
        let to = agent.peer.connection;
        let mut reconciliations = Vec::new();
        for (framework, tasks) in &agent.tasks {
            let missing = tasks.iter().filter(|task| !present.contains(&(framework, *task)));
            if let Some(reconcile) = self.reconcile_missing(id, framework, missing, cx) {
                reconciliations.push(reconcile);
            }
        }
        let reregistered = SlaveReregisteredMessage {
            slave_id: id.clone(),
            reconciliations,
            connection: self.ping_promise(),
        };
        cx.send(to, ToAgent::Reregistered(reregistered));
        self.remove_missing_executors(&agent, &message.executor_infos, cx);
        for task in &message.tasks {
            let killed = agent.killed_tasks.get(&task.framework_id);
            if !is_terminal(task.state()) && killed.is_some_and(|killed| killed.contains(&task.task_id)) {
                let message = KillTaskMessage {
                    framework_id: task.framework_id.clone(),
                    task_id: task.task_id.clone(),
                    kill_policy: None,
                };
                cx.send(to, ToAgent::KillTask(message));
            }
        }
        let frameworks = message.frameworks.iter().filter_map(|info| info.id.as_ref());
        let frameworks = frameworks.chain(message.tasks.iter().map(|task| &task.framework_id));
        self.shut_down_completed(id, frameworks, cx);
    }

    /// Tasks that we know and the agent does not: a launch was lost, or crosses with this message. The
    /// agent finds out which.
    fn reconcile_missing<'a>(
        &self,
        id: &AgentId,
        framework: &FrameworkId,
        missing: impl Iterator<Item = &'a TaskId>,
        cx: &Step<'_>,
    ) -> Option<ReconcileTasksMessage> {
        let framework = self.framework(framework)?;
        let statuses: Vec<TaskStatus> = missing
            .filter_map(|task| framework.tasks.get(task))
            .map(|task| TaskStatus {
                task_id: task.info.task_id.clone(),
                agent_id: Some(id.clone()),
                state: task.reported_state() as i32,
                source: Some(Source::Master as i32),
                message: Some("Reconciliation request".to_owned()),
                reason: Some(Reason::Reconciliation as i32),
                timestamp: Some(cx.seconds()),
                ..TaskStatus::default()
            })
            .collect();
        (!statuses.is_empty()).then(|| ReconcileTasksMessage {
            framework_id: framework.id.clone(),
            statuses,
            framework: Some((*framework.info).clone()),
        })
    }

    fn remove_missing_executors(&mut self, agent: &Agent, present: &[ExecutorInfo], cx: &mut Step<'_>) {
        let present: BTreeSet<(Option<&FrameworkId>, &ExecutorId)> =
            present.iter().map(|info| (info.framework_id.as_ref(), &info.executor_id)).collect();
        let known: &OrdMap<_, OrdMap<_, _>> = &agent.executors;
        for (framework, executors) in known {
            for executor in executors.keys() {
                if !present.contains(&(Some(framework), executor)) {
                    self.remove_executor(framework, &agent.id, executor, cx);
                }
            }
        }
    }
}
