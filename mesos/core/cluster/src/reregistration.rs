//! Agents that come back: to this master, or to one that has just been elected.

use std::collections::{BTreeMap, BTreeSet};

use mesos_access::{Action, Object, Subject};
use mesos_api::internal::ReregisterSlaveMessage;
use mesos_api::v1::resource::AllocationInfo;
use mesos_api::v1::{AgentId, AgentInfo, FrameworkId, TaskState};
use mesos_registry::Operation;
use mesos_resources::{Resources, format};

use crate::cluster::Cluster;
use crate::connection::AgentPeer;
use crate::framework::roles_of;
use crate::pending::{Question, Write};
use crate::registration::Refusal;
use crate::step::Step;
use crate::text;
use crate::transition::Transition;
use crate::validation;

const GONE: &str = "Agent has been marked gone";

/// An agent on its way back.
#[derive(Debug)]
pub(crate) struct Reregistration {
    pub(crate) id: AgentId,
    pub(crate) peer: AgentPeer,
    pub(crate) principal: Option<String>,
    pub(crate) message: Box<ReregisterSlaveMessage>,
}

impl Cluster {
    pub(crate) fn reregister_agent(
        &mut self,
        peer: AgentPeer,
        principal: Option<String>,
        mut message: Box<ReregisterSlaveMessage>,
        cx: &mut Step<'_>,
    ) {
        self.counters.messages_reregister_slave += 1;
        if let Some(id) = &message.slave.id {
            match self.transitions.get(id) {
                Some(Transition::Reregistering | Transition::MarkingGone) => return,
                Some(Transition::MarkingUnreachable | Transition::Removing) | None => {}
            }
            if self.state.gone_agents.contains_key(id) {
                self.refuse_agent(&peer, Refusal::ShutDown(GONE.to_owned()), cx);
                return;
            }
        }
        if let Err(error) = validation::agent::reregister(&message) {
            cx.warn(format!("dropping re-registration of agent at {}: {error}", peer.pid));
            return;
        }
        let Some(id) = message.slave.id.clone() else { return };
        if self.transitions.contains_key(&id) {
            // Whatever becomes of it, the agent will try again.
            cx.warn(format!(
                "ignoring re-registration of agent {id}: it is about to be unreachable or removed"
            ));
            return;
        }
        format::upgrade_all(&mut message.slave);
        format::upgrade_all(&mut message.checkpointed_resources);
        format::upgrade_all(&mut message.executor_infos);
        format::upgrade_all(&mut message.tasks);
        if let Err(error) = inject_allocations(&mut message) {
            cx.warn(format!("dropping re-registration of agent {id}: {error}"));
            return;
        }
        self.transitions.insert(id.clone(), Transition::Reregistering);
        let subject = Subject::maybe_named(principal.clone());
        let registration = Reregistration { id, peer, principal, message };
        let questions = vec![(Action::RegisterAgent, Object::any())];
        self.ask(subject, questions, Question::Reregister(registration), cx);
    }

    pub(crate) fn reregistration_authorized(
        &mut self,
        registration: Reregistration,
        allowed: bool,
        cx: &mut Step<'_>,
    ) {
        let Reregistration { id, peer, principal, message } = &registration;
        if self.overtaken(id, peer, cx) {
            return;
        }
        let verdict = match allowed {
            false => Err(Refusal::Ignore(format!(
                "not authorized to re-register as agent {}",
                text::principal(principal.as_deref())
            ))),
            true => self.check_joining(peer, &message.slave, message.version()),
        };
        let verdict = verdict.and_then(|()| self.check_same_machine(id, peer, &message.slave));
        if let Err(refusal) = verdict {
            self.refuse_agent(peer, refusal, cx);
            self.end_transition(id, Transition::Reregistering);
            return;
        }
        let known = self.agent(id).map(|agent| &*agent.info);
        let known = known.or_else(|| self.state.recovered_agents.get(id).map(|info| &**info));
        let operation = match known {
            Some(known) if same_info(known, &message.slave) => {
                self.readmitted(registration, Ok(()), cx);
                return;
            }
            Some(_) => Operation::UpdateAgent(Box::new(message.slave.clone())),
            // Unreachable, or forgotten since.
            None => Operation::MarkReachable(Box::new(message.slave.clone())),
        };
        self.write(operation, Write::Readmit(registration), cx);
    }

    /// Maintenance is planned for machines: an agent does not move to another one.
    fn check_same_machine(&self, id: &AgentId, peer: &AgentPeer, info: &AgentInfo) -> Result<(), Refusal> {
        match self.agent(id) {
            Some(agent) if agent.peer.ip != peer.ip || agent.info.hostname != info.hostname => Err(
                Refusal::ShutDown("Agent attempted to re-register with different IP / hostname".to_owned()),
            ),
            _ => Ok(()),
        }
    }

    pub(crate) fn readmitted(
        &mut self,
        registration: Reregistration,
        result: Result<(), String>,
        cx: &mut Step<'_>,
    ) {
        let id = registration.id.clone();
        if self.overtaken(&id, &registration.peer, cx) {
            return;
        }
        if let Err(error) = result {
            cx.warn(format!("ignoring re-registration of agent {id}: {error}"));
            self.end_transition(&id, Transition::Reregistering);
            return;
        }
        self.take_over_connection(&id, &registration.peer, cx);
        if self.state.agents.contains_key(&id) {
            self.welcome_back(registration, cx);
        } else {
            self.readmit(registration, cx);
        }
        self.end_transition(&id, Transition::Reregistering);
    }

    /// One address is of one agent: another one that was there is not there any more.
    fn take_over_connection(&mut self, id: &AgentId, peer: &AgentPeer, cx: &mut Step<'_>) {
        match self.agent_connections.get(&peer.connection).cloned() {
            Some(other) if other != *id => self.disconnect_agent(other, cx),
            _ => {}
        }
    }

    /// Whether an operator has marked the agent gone while it was coming back.
    fn overtaken(&self, id: &AgentId, peer: &AgentPeer, cx: &mut Step<'_>) -> bool {
        let going_on = self.transitions.get(id) == Some(&Transition::Reregistering);
        if !going_on && self.state.gone_agents.contains_key(id) {
            self.refuse_agent(peer, Refusal::ShutDown(GONE.to_owned()), cx);
        }
        !going_on
    }

    pub(crate) fn end_transition(&mut self, id: &AgentId, transition: Transition) {
        if self.transitions.get(id) == Some(&transition) {
            self.transitions.remove(id);
        }
    }
}

/// Whether an agent says the same about itself as before; the order of resources does not matter.
fn same_info(a: &AgentInfo, b: &AgentInfo) -> bool {
    let without_resources = |info: &AgentInfo| AgentInfo { resources: Vec::new(), ..info.clone() };
    if without_resources(a) != without_resources(b) {
        return false;
    }
    let resources = |info: &AgentInfo| Resources::from_protos(info.resources.iter().cloned()).ok();
    a.resources == b.resources || resources(a) == resources(b)
}

/// Agents without MULTI_ROLE do not say to which role resources are allocated: it is the only one of the
/// framework.
fn inject_allocations(message: &mut ReregisterSlaveMessage) -> Result<(), String> {
    let roles: BTreeMap<FrameworkId, BTreeSet<String>> =
        message.frameworks.iter().filter_map(|info| info.id.clone().map(|id| (id, roles_of(info)))).collect();
    let only_role = |framework: Option<&FrameworkId>| {
        let roles = framework.and_then(|framework| roles.get(framework))?;
        roles.first().filter(|_| roles.len() == 1)
    };
    let allocate = |resources: &mut Vec<mesos_api::v1::Resource>, framework: Option<&FrameworkId>| {
        for resource in resources.iter_mut().filter(|it| it.allocation_info.is_none()) {
            let role = only_role(framework)
                .ok_or_else(|| format!("resources of framework {framework:?} are allocated to no role"))?;
            resource.allocation_info = Some(AllocationInfo { role: Some(role.clone()) });
        }
        Ok::<(), String>(())
    };
    for task in &mut message.tasks {
        allocate(&mut task.resources, Some(&task.framework_id))?;
    }
    for executor in &mut message.executor_infos {
        allocate(&mut executor.resources, executor.framework_id.as_ref())?;
    }
    // What the agent cannot mean: a task in a state that only the master knows.
    for task in &mut message.tasks {
        if matches!(task.state(), TaskState::TaskUnreachable | TaskState::TaskUnknown) {
            task.state = TaskState::TaskLost as i32;
        }
    }
    Ok(())
}
