//! The end of an agent in this master's books.

use std::sync::Arc;

use mesos_allocation::Input as Allocate;
use mesos_api::internal::UnregisterSlaveMessage;
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{AgentId, FrameworkId, TaskState};
use mesos_registry::Operation;
use stout::Time;

use crate::cluster::Cluster;
use crate::connection::ConnectionId;
use crate::effect::Effect;
use crate::event::SchedulerEvent;
use crate::observation::Observation;
use crate::pending::Write;
use crate::status;
use crate::step::Step;
use crate::transition::Transition;
use crate::unreachable::UnreachableCause;

/// How an agent goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Departure {
    /// It may come back, with its tasks.
    Unreachable { since: Time },
    /// An operator says that it will not come back.
    Gone,
    /// It was removed.
    Removed,
}

/// Why an agent is removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RemovalReason {
    /// It said so.
    Unregistered,
    /// Another registers at its address.
    Registered,
    /// Its machine goes down.
    MachineDown,
}

/// What becomes of a task on an agent that goes.
struct Fate {
    state: TaskState,
    reason: Reason,
    /// Whether it goes to the history of unreachable tasks.
    shelved: bool,
}

fn fate(departure: Departure, partition_aware: bool) -> Fate {
    let (state, reason) = match (departure, partition_aware) {
        (Departure::Unreachable { .. }, true) => (TaskState::TaskUnreachable, Reason::AgentRemoved),
        (Departure::Gone, true) => (TaskState::TaskGoneByOperator, Reason::AgentRemovedByOperator),
        _ => (TaskState::TaskLost, Reason::AgentRemoved),
    };
    Fate { state, reason, shelved: matches!(departure, Departure::Unreachable { .. }) }
}

impl Cluster {
    pub(crate) fn unregister_agent(
        &mut self,
        from: ConnectionId,
        message: &UnregisterSlaveMessage,
        cx: &mut Step<'_>,
    ) {
        self.counters.messages_unregister_slave += 1;
        let Some(id) = self.sender(from, Some(&message.slave_id)) else {
            cx.warn(format!("ignoring unregistration of agent {} from {from}", message.slave_id));
            return;
        };
        self.remove_agent(&id, "the agent unregistered", RemovalReason::Unregistered, cx);
    }

    /// Removes an agent from the registry, then from here.
    pub(crate) fn remove_agent(
        &mut self,
        id: &AgentId,
        cause: &str,
        reason: RemovalReason,
        cx: &mut Step<'_>,
    ) {
        match self.transitions.get(id) {
            // Its return will find it removed.
            None | Some(Transition::Reregistering) => {}
            Some(Transition::MarkingUnreachable | Transition::MarkingGone | Transition::Removing) => return,
        }
        cx.info(format!("removing agent {id}: {cause}"));
        self.transitions.insert(id.clone(), Transition::Removing);
        let write = Write::Remove { agent: id.clone(), cause: cause.to_owned(), reason };
        self.write(Operation::RemoveAgent(id.clone()), write, cx);
    }

    pub(crate) fn removed(
        &mut self,
        id: &AgentId,
        cause: &str,
        reason: RemovalReason,
        result: Result<(), String>,
        cx: &mut Step<'_>,
    ) {
        self.end_transition(id, Transition::Removing);
        if let Err(error) = result {
            cx.warn(format!("failed to remove agent {id}: {error}"));
            return;
        }
        self.counters.slave_removals += 1;
        match reason {
            RemovalReason::Unregistered => self.counters.slave_removals_reason_unregistered += 1,
            RemovalReason::Registered => self.counters.slave_removals_reason_registered += 1,
            RemovalReason::MachineDown => {}
        }
        let Some(agent) = self.agent(id) else { return };
        let message = format!("Agent {} removed: {cause}", agent.info.hostname);
        self.take_down(id, Departure::Removed, &message, cx);
        cx.observe(Observation::AgentRemoved(id.clone()));
    }

    /// Takes an agent out of the books: its tasks end or are unreachable, its executors and offers go, and
    /// all frameworks are told.
    pub(crate) fn take_down(&mut self, id: &AgentId, departure: Departure, message: &str, cx: &mut Step<'_>) {
        let Some(agent) = self.state.agents.get(id).map(Arc::clone) else { return };
        // First, so that nothing that is recovered below is offered again.
        cx.allocate(Allocate::RemoveAgent(id.clone()));
        for (framework, tasks) in &agent.tasks {
            for task in tasks {
                self.depart(framework, task, departure, message, cx);
            }
        }
        for (framework, executors) in &agent.executors {
            for executor in executors.keys() {
                self.remove_executor(framework, id, executor, cx);
            }
        }
        self.rescind_agent_offers(id, cx);
        self.rescind_agent_inverse_offers(id, cx);
        self.void_acceptances_of_agent(id, cx);
        self.forget_agent_operations(id);
        for cause in [UnreachableCause::Pings, UnreachableCause::Disconnected] {
            if self.removals.cancel(id, cause) {
                self.counters.slave_unreachable_canceled += 1;
            }
        }
        self.state.agents.remove(id);
        let connection = agent.peer.connection;
        if self.agent_connections.get(&connection) == Some(id) {
            self.agent_connections.remove(&connection);
        }
        self.leave_machine(&agent);
        cx.push(Effect::ForgetAgent { agent: id.clone(), connection });
        self.tell_agent_lost(id, cx);
    }

    fn depart(
        &mut self,
        id: &FrameworkId,
        task: &mesos_api::v1::TaskId,
        departure: Departure,
        message: &str,
        cx: &mut Step<'_>,
    ) {
        let Some(framework) = self.framework(id) else { return };
        let Some(entry) = framework.tasks.get(task) else { return };
        let fate = fate(departure, framework.capabilities.partition_aware);
        let mut update = status::about(entry, fate.state, fate.reason, message, cx);
        if let Departure::Unreachable { since } = departure {
            status::unreachable_since(&mut update, since);
        }
        let reported = entry.end_was_reported();
        self.update_task(id, task, &update, cx);
        match fate.shelved {
            true => self.shelve_task(id, task, cx),
            false => self.complete_task(id, task, cx),
        }
        if !reported {
            self.forward(id, update, None, cx);
        }
    }

    fn leave_machine(&mut self, agent: &crate::agent::Agent) {
        let Some(machine) = self.state.machines.get_mut(&agent.machine) else { return };
        let machine = Arc::make_mut(machine);
        machine.agents.remove(&agent.id);
        if machine.agents.is_empty() && machine.info.mode.is_none() && machine.info.unavailability.is_none() {
            self.state.machines.remove(&agent.machine);
        }
    }

    /// Every connected framework hears of it: it may wait for something there.
    pub(crate) fn tell_agent_lost(&self, id: &AgentId, cx: &mut Step<'_>) {
        for framework in self.state.frameworks.values() {
            cx.tell(framework.connection(), SchedulerEvent::AgentLost(id.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fate_of_a_task_depends_on_the_departure_and_on_what_its_framework_knows() {
        use TaskState::{TaskGoneByOperator, TaskLost, TaskUnreachable};
        let unreachable = Departure::Unreachable { since: Time::EPOCH };
        for (departure, aware, state, reason, shelved) in [
            (unreachable, true, TaskUnreachable, Reason::AgentRemoved, true),
            (unreachable, false, TaskLost, Reason::AgentRemoved, true),
            (Departure::Gone, true, TaskGoneByOperator, Reason::AgentRemovedByOperator, false),
            (Departure::Gone, false, TaskLost, Reason::AgentRemoved, false),
            (Departure::Removed, true, TaskLost, Reason::AgentRemoved, false),
            (Departure::Removed, false, TaskLost, Reason::AgentRemoved, false),
        ] {
            let fate = fate(departure, aware);
            assert_eq!(
                (fate.state, fate.reason, fate.shelved),
                (state, reason, shelved),
                "{departure:?} {aware}"
            );
        }
    }
}
