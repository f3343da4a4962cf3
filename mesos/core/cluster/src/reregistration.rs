//! Agents that come back: to this master, or to one that has just been elected.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;
use mesos_access::{Action, Object, Subject};
use mesos_allocation::Input as Allocate;
use mesos_api::internal::{
    KillTaskMessage, ReconcileTasksMessage, ReregisterSlaveMessage, ShutdownFrameworkMessage,
    SlaveReregisteredMessage,
};
use mesos_api::v1::resource::AllocationInfo;
use mesos_api::v1::task_status::{Reason, Source};
use mesos_api::v1::{
    AgentId, AgentInfo, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, TaskId, TaskState, TaskStatus,
};
use mesos_registry::Operation;
use mesos_resources::{Resources, format};
use stout::Time;

use crate::agent::{Agent, AgentState};
use crate::capabilities::AgentCapabilities;
use crate::cluster::Cluster;
use crate::connection::AgentPeer;
use crate::effect::{Effect, ToAgent};
use crate::framework::{Framework, FrameworkState, roles_of};
use crate::pending::{Question, Write};
use crate::registration::{AgentParts, Refusal, totals};
use crate::status;
use crate::step::Step;
use crate::subscribe::update_message;
use crate::task::{Task, is_terminal};
use crate::text;
use crate::transition::Transition;
use crate::unreachable::UnreachableCause;
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
        if self.state.agents.contains_key(&id) {
            self.welcome_back(registration, cx);
        } else {
            self.readmit(registration, cx);
        }
        self.end_transition(&id, Transition::Reregistering);
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

    /// An agent that this master does not know, or not any more.
    fn readmit(&mut self, registration: Reregistration, cx: &mut Step<'_>) {
        let Reregistration { id, peer, message, .. } = registration;
        let ReregisterSlaveMessage {
            slave,
            checkpointed_resources,
            executor_infos,
            tasks,
            frameworks,
            completed_frameworks,
            version,
            agent_capabilities,
            resource_version_uuid,
        } = *message;
        let parts = AgentParts {
            info: slave,
            peer,
            version: version.unwrap_or_default(),
            capabilities: AgentCapabilities::new(&agent_capabilities),
            checkpointed: checkpointed_resources,
            resource_version: resource_version_uuid.map(|uuid| uuid.value),
        };
        let mut agent = match self.make_agent(parts, cx) {
            Ok(agent) => agent,
            Err((peer, error)) => {
                self.refuse_agent(&peer, Refusal::ShutDown(error), cx);
                return;
            }
        };
        agent.reregistered_time = Some(cx.now);
        let to = agent.peer.connection;
        // Tasks of a recovered agent are no news to anybody.
        let news = match () {
            () if self.state.recovered_agents.contains_key(&id) => None,
            () if self.state.unreachable_agents.contains_key(&id) => Some("Unreachable agent re-registered"),
            () => Some("Unknown agent re-registered"),
        };
        self.counters.slave_reregistrations += 1;
        self.insert_agent(agent);
        let recovered = self.recover_frameworks(&frameworks);
        self.take_in_executors(&id, executor_infos);
        self.take_in_tasks(&id, tasks, news, cx);
        self.take_in_completed(completed_frameworks);
        self.announce_agent(&id, cx);
        let message = SlaveReregisteredMessage {
            slave_id: id.clone(),
            reconciliations: Vec::new(),
            connection: self.ping_promise(),
        };
        cx.send(to, ToAgent::Reregistered(message));
        self.shut_down_completed(&id, frameworks.iter().filter_map(|info| info.id.as_ref()), cx);
        self.tell_agent_of_frameworks(&id, &frameworks, &recovered, cx);
    }

    /// Makes frameworks that only the agent knows; the allocator is told later.
    fn recover_frameworks(&mut self, infos: &[FrameworkInfo]) -> BTreeSet<FrameworkId> {
        let mut recovered = BTreeSet::new();
        for info in infos {
            let Some(id) = info.id.clone() else { continue };
            if self.state.frameworks.contains_key(&id) || self.state.completed_frameworks.contains(&id) {
                continue;
            }
            let state = FrameworkState::Recovered;
            let framework = Framework::new(id.clone(), info.clone(), state, Time::EPOCH, &self.options);
            self.state.frameworks.insert(id.clone(), Arc::new(framework));
            self.track_roles(&id);
            recovered.insert(id);
        }
        recovered
    }

    fn take_in_executors(&mut self, id: &AgentId, executors: Vec<ExecutorInfo>) {
        for executor in executors {
            let Some(framework) = executor.framework_id.clone() else { continue };
            // They were valid when they came.
            let resources = Resources::from_protos(executor.resources.iter().cloned()).unwrap_or_default();
            self.add_executor(&framework, id, Arc::new(executor), &resources);
        }
    }

    /// Adds the agent's tasks, except those of frameworks that are over, and tells their schedulers.
    fn take_in_tasks(
        &mut self,
        id: &AgentId,
        tasks: Vec<mesos_api::v1::Task>,
        news: Option<&str>,
        cx: &mut Step<'_>,
    ) {
        for info in tasks {
            let Some(framework) = self.framework_mut(&info.framework_id) else { continue };
            framework.unreachable_tasks.remove(&info.task_id);
            if framework.tasks.contains_key(&info.task_id) {
                // The scheduler has reused the id on another agent: the two cannot be told apart.
                cx.warn(format!(
                    "agent {id} has a second task '{}' of framework {}: ignoring it",
                    info.task_id, info.framework_id
                ));
                continue;
            }
            let resources = Resources::from_protos(info.resources.iter().cloned()).unwrap_or_default();
            let task = Task { info, resources };
            if let Some(message) = news {
                let update =
                    status::with_details(&task, task.state(), Reason::AgentReregistered, message, cx);
                self.forward(&task.info.framework_id, update, None, cx);
            }
            self.add_task(task, cx);
        }
    }

    fn take_in_completed(&mut self, completed: Vec<mesos_api::internal::archive::Framework>) {
        for archived in completed {
            let Some(id) = &archived.framework_info.id else { continue };
            let Some(framework) = self.framework_mut(id) else { continue };
            for info in archived.tasks {
                let resources = Resources::from_protos(info.resources.iter().cloned()).unwrap_or_default();
                framework.completed_tasks.push(info.task_id.clone(), Arc::new(Task { info, resources }));
            }
        }
    }

    /// Frameworks that ended while the agent was away end there too.
    fn shut_down_completed<'a>(
        &self,
        id: &AgentId,
        frameworks: impl IntoIterator<Item = &'a FrameworkId>,
        cx: &mut Step<'_>,
    ) {
        let Some(to) = self.connected_agent(id) else { return };
        let mut seen = BTreeSet::new();
        for framework in frameworks {
            if self.state.completed_frameworks.contains(framework) && seen.insert(framework) {
                let message = ShutdownFrameworkMessage { framework_id: framework.clone() };
                cx.send(to, ToAgent::ShutdownFramework(message));
            }
        }
    }

    /// Tells an agent how the schedulers of its frameworks are reached, and the allocator of those
    /// that nobody knew.
    fn tell_agent_of_frameworks(
        &self,
        id: &AgentId,
        frameworks: &[FrameworkInfo],
        recovered: &BTreeSet<FrameworkId>,
        cx: &mut Step<'_>,
    ) {
        let to = self.connected_agent(id);
        for framework in frameworks.iter().filter_map(|info| info.id.as_ref()) {
            let Some(framework) = self.framework(framework) else { continue };
            if recovered.contains(&framework.id) {
                cx.allocate(Allocate::AddFramework {
                    id: framework.id.clone(),
                    info: (*framework.info).clone(),
                    used: framework.used.iter().map(|(id, used)| (id.clone(), used.clone())).collect(),
                    active: false,
                    suppressed_roles: BTreeSet::new(),
                });
            } else if let Some(to) = to {
                cx.send(to, ToAgent::UpdateFramework(update_message(framework)));
            }
        }
    }

    /// An agent that this master knows comes back, possibly changed.
    fn welcome_back(&mut self, registration: Reregistration, cx: &mut Step<'_>) {
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
