//! Agents that do not answer, or do not come back.

use mesos_allocation::Input as Allocate;
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{AgentId, FrameworkId, TaskState};
use mesos_registry::Operation;
use stout::Time;

use crate::agent::AgentState;
use crate::cluster::Cluster;
use crate::connection::ConnectionId;
use crate::input::Timer;
use crate::pending::Write;
use crate::removal::Departure;
use crate::status;
use crate::step::Step;
use crate::transition::Transition;

/// Why an agent is taken for unreachable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum UnreachableCause {
    /// It does not answer pings.
    Pings,
    /// Its link broke and it did not register again.
    Disconnected,
    /// It did not come back after a failover.
    Failover,
}

impl Cluster {
    /// The link to an agent broke: its resources are not offered, and frameworks that do not checkpoint
    /// lose what they have there.
    pub(crate) fn agent_disconnected(&mut self, connection: ConnectionId, cx: &mut Step<'_>) {
        if let Some(id) = self.agent_connections.get(&connection).cloned() {
            self.disconnect_agent(id, cx);
        }
    }

    pub(crate) fn disconnect_agent(&mut self, id: AgentId, cx: &mut Step<'_>) {
        let now = cx.now;
        let Some(agent) = self.agent_mut(&id) else { return };
        if !agent.is_connected() {
            return; // MESOS-675: a link may break twice.
        }
        agent.state = AgentState::Disconnected { since: now };
        agent.epoch += 1;
        let epoch = agent.epoch;
        cx.info(format!("agent {id} disconnected"));
        cx.allocate(Allocate::DeactivateAgent(id.clone()));
        self.rescind_agent_offers(&id, cx);
        self.rescind_agent_inverse_offers(&id, cx);
        for framework in self.frameworks_without_checkpoint(&id) {
            self.lose_framework_on_agent(&framework, &id, cx);
        }
        cx.after(self.options.agent_reregister_timeout, Timer::AgentReregistration { agent: id, epoch });
    }

    fn frameworks_without_checkpoint(&self, id: &AgentId) -> Vec<FrameworkId> {
        let Some(agent) = self.agent(id) else { return Vec::new() };
        let mut all: Vec<_> = agent.tasks.keys().chain(agent.executors.keys()).cloned().collect();
        all.sort_unstable();
        all.dedup();
        all.retain(|id| self.framework(id).is_some_and(|framework| !framework.info.checkpoint()));
        all
    }

    fn lose_framework_on_agent(&mut self, framework: &FrameworkId, id: &AgentId, cx: &mut Step<'_>) {
        let Some(agent) = self.agent(id) else { return };
        let message = format!("Agent {} disconnected", agent.info.hostname);
        let executors: Vec<_> =
            agent.executors.get(framework).into_iter().flat_map(|it| it.keys().cloned()).collect();
        for task in agent.tasks.get(framework).cloned().unwrap_or_default() {
            let Some(entry) = self.task(framework, &task) else { continue };
            let update = status::about(entry, TaskState::TaskLost, Reason::AgentDisconnected, &message, cx);
            let reported = entry.end_was_reported();
            self.update_task(framework, &task, &update, cx);
            self.complete_task(framework, &task, cx);
            if !reported {
                self.forward(framework, update, None, cx);
            }
        }
        for executor in executors {
            self.remove_executor(framework, id, &executor, cx);
        }
    }

    pub(crate) fn reregistration_expired(&mut self, id: AgentId, epoch: u64, cx: &mut Step<'_>) {
        if self.agent(&id).is_some_and(|agent| !agent.is_connected() && agent.epoch == epoch) {
            self.schedule_unreachable(id, UnreachableCause::Disconnected, cx);
        }
    }

    pub(crate) fn pings_timed_out(&mut self, id: AgentId, cx: &mut Step<'_>) {
        if self.state.agents.contains_key(&id) {
            self.schedule_unreachable(id, UnreachableCause::Pings, cx);
        }
    }

    /// It answers again: its turn is over, if it has not come.
    pub(crate) fn pong_received(&mut self, id: &AgentId) {
        if self.removals.cancel(id, UnreachableCause::Pings) {
            self.counters.slave_unreachable_canceled += 1;
        }
    }

    pub(crate) fn schedule_unreachable(&mut self, id: AgentId, cause: UnreachableCause, cx: &mut Step<'_>) {
        if self.removals.push(id, cause) {
            self.counters.slave_unreachable_scheduled += 1;
            self.let_through(cx);
        }
    }

    pub(crate) fn removal_permit(&mut self, cx: &mut Step<'_>) {
        self.removals.disarm();
        self.let_through(cx);
    }

    /// Marks as many agents unreachable as the limit allows now.
    pub(crate) fn let_through(&mut self, cx: &mut Step<'_>) {
        while let Some((id, cause)) = self.removals.pop(cx.now) {
            let done = match cause {
                UnreachableCause::Failover => self.mark_recovered_unreachable(&id, cx),
                UnreachableCause::Pings | UnreachableCause::Disconnected => {
                    self.mark_unreachable(&id, cause, cx)
                }
            };
            match done {
                true => self.counters.slave_unreachable_completed += 1,
                false => self.counters.slave_unreachable_canceled += 1,
            }
        }
        if let Some(wait) = self.removals.arm(cx.now) {
            cx.after(wait, Timer::RemovalPermit);
        }
    }

    /// Says whether the agent is to be marked.
    fn mark_unreachable(&mut self, id: &AgentId, cause: UnreachableCause, cx: &mut Step<'_>) -> bool {
        let Some(agent) = self.agent(id) else { return false };
        let message = match cause {
            UnreachableCause::Disconnected if agent.is_connected() => return false,
            UnreachableCause::Disconnected => format!(
                "agent did not re-register within {} after disconnecting",
                stout::duration::format(self.options.agent_reregister_timeout)
            ),
            UnreachableCause::Pings | UnreachableCause::Failover => "health check timed out".to_owned(),
        };
        if self.transitions.contains_key(id) {
            return false;
        }
        cx.info(format!("marking agent {id} unreachable: {message}"));
        self.transitions.insert(id.clone(), Transition::MarkingUnreachable);
        let since = cx.now;
        let operation = Operation::MarkUnreachable { id: id.clone(), at: since };
        let write = Write::MarkUnreachable { agent: id.clone(), since, cause, message };
        self.write(operation, write, cx);
        true
    }

    pub(crate) fn marked_unreachable(
        &mut self,
        id: &AgentId,
        since: Time,
        cause: UnreachableCause,
        message: &str,
        result: Result<(), String>,
        cx: &mut Step<'_>,
    ) {
        self.end_transition(id, Transition::MarkingUnreachable);
        if let Err(error) = result {
            cx.warn(format!("failed to mark agent {id} unreachable ({cause:?}): {error}"));
            return;
        }
        self.counters.slave_removals += 1;
        self.counters.slave_removals_reason_unhealthy += 1;
        self.take_down(id, Departure::Unreachable { since }, message, cx);
        self.state.unreachable_agents.insert(id.clone(), since);
    }

    /// Says whether the agent is to be marked.
    fn mark_recovered_unreachable(&mut self, id: &AgentId, cx: &mut Step<'_>) -> bool {
        if !self.state.recovered_agents.contains_key(id) || self.transitions.contains_key(id) {
            return false;
        }
        cx.warn(format!("agent {id} did not come back after the failover: marking it unreachable"));
        self.transitions.insert(id.clone(), Transition::MarkingUnreachable);
        let since = cx.now;
        let operation = Operation::MarkUnreachable { id: id.clone(), at: since };
        self.write(operation, Write::MarkRecoveredUnreachable { agent: id.clone(), since }, cx);
        true
    }

    pub(crate) fn recovered_marked_unreachable(
        &mut self,
        id: &AgentId,
        since: Time,
        result: Result<(), String>,
        cx: &mut Step<'_>,
    ) {
        self.end_transition(id, Transition::MarkingUnreachable);
        self.state.recovered_agents.remove(id);
        if let Err(error) = result {
            cx.warn(format!("failed to mark agent {id} unreachable: {error}"));
            return;
        }
        self.counters.slave_removals += 1;
        self.counters.slave_removals_reason_unhealthy += 1;
        self.counters.recovery_slave_removals += 1;
        self.state.unreachable_agents.insert(id.clone(), since);
        self.tell_agent_lost(id, cx);
    }
}
