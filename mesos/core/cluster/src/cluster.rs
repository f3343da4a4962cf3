//! The model's one door.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mesos_allocation::Output;
use mesos_api::v1::{AgentId, FrameworkId, MasterInfo, TaskId};
use stout::Time;

use crate::agent::Agent;
use crate::connection::{ConnectionId, Token};
use crate::counters::Counters;
use crate::effect::Effect;
use crate::framework::Framework;
use crate::ids::Ids;
use crate::input::{FromAgent, Input, Timer};
use crate::options::Options;
use crate::pending::{AllocatorAnswer, Question, Write};
use crate::snapshot::Snapshot;
use crate::step::Step;
use crate::task::Task;
use crate::transition::{RemovalQueue, Transition};

/// Everything a master knows, and every decision it makes.
///
/// The cost of an input follows from what it is about (a framework's offers, an agent's tasks), not
/// from the size of the cluster. Only a lost agent is told to every connected framework.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) options: Options,
    pub(crate) state: Snapshot,
    pub(crate) counters: Counters,
    pub(crate) ids: Ids,
    pub(crate) recovered: bool,
    /// How many agents the registry had when this master was elected.
    pub(crate) agents_in_registry: usize,
    /// The framework behind a connection; a driver's stays while it is away.
    pub(crate) schedulers: BTreeMap<ConnectionId, FrameworkId>,
    /// Connections that wait for the authorization of their subscription.
    pub(crate) subscribing: BTreeSet<ConnectionId>,
    /// The agent behind a connection.
    pub(crate) agent_connections: BTreeMap<ConnectionId, AgentId>,
    /// Connections of agents that are being admitted.
    pub(crate) registering: BTreeSet<ConnectionId>,
    /// What is under way with agents.
    pub(crate) transitions: BTreeMap<AgentId, Transition>,
    pub(crate) removals: RemovalQueue,
    pub(crate) questions: BTreeMap<Token, Question>,
    pub(crate) writes: BTreeMap<Token, Write>,
    pub(crate) allocator_answers: BTreeMap<Token, AllocatorAnswer>,
}

impl Cluster {
    /// A cluster before its registry is read.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            state: Snapshot::new(&options),
            counters: Counters::default(),
            ids: Ids::new(options.master_info.id.clone(), options.seed),
            recovered: false,
            agents_in_registry: 0,
            schedulers: BTreeMap::new(),
            subscribing: BTreeSet::new(),
            agent_connections: BTreeMap::new(),
            registering: BTreeSet::new(),
            transitions: BTreeMap::new(),
            removals: RemovalQueue::new(options.agent_removal_rate),
            questions: BTreeMap::new(),
            writes: BTreeMap::new(),
            allocator_answers: BTreeMap::new(),
            options,
        }
    }

    /// Takes in what happened and appends what is to be done, in order.
    ///
    /// Nothing that comes from a scheduler, an agent or an operator makes this fail: what makes no
    /// sense is dropped, counted and, where it helps, logged.
    pub fn apply(&mut self, input: Input, now: Time, out: &mut Vec<Effect>) {
        let mut step = Step::new(now, out);
        let cx = &mut step;
        if !self.recovered && !matches!(input, Input::Recovered(_)) {
            self.counters.dropped_messages += 1;
            return;
        }
        match input {
            Input::Recovered(registry) => self.recover(*registry, cx),
            Input::Subscribe(subscribe) => self.subscribe(subscribe, cx),
            Input::Call { from, call } => self.call(from, *call, cx),
            Input::DeactivateFramework { from, framework } => {
                self.deactivate_by_message(from, &framework, cx);
            }
            Input::SchedulerDisconnected(connection) => self.scheduler_disconnected(connection, cx),
            Input::RegisterAgent { peer, principal, message } => {
                self.register_agent(peer, principal, message, cx);
            }
            Input::ReregisterAgent { peer, principal, message } => {
                self.reregister_agent(peer, principal, message, cx);
            }
            Input::Agent { from, message } => self.agent_message(from, *message, cx),
            Input::AgentDisconnected(connection) => self.agent_disconnected(connection, cx),
            Input::PingsTimedOut(agent) => self.pings_timed_out(agent, cx),
            Input::PongReceived(agent) => self.pong_received(&agent),
            Input::Authorized { token, allowed } => self.authorized(token, &allowed, cx),
            Input::RegistryDone { token, result } => self.registry_done(token, result, cx),
            Input::Allocation(output) => self.allocation(output, cx),
            Input::Due(timer) => self.due(timer, cx),
            Input::Operator { request, subject, action } => self.operator(request, subject, action, cx),
        }
    }

    /// What there is now. Only what changes afterwards is copied.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(self.state.clone())
    }

    /// What there is, for a look.
    #[must_use]
    pub fn state(&self) -> &Snapshot {
        &self.state
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What the operator decided.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether the registry was read.
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        self.recovered
    }

    pub(crate) fn master_info(&self) -> Box<MasterInfo> {
        Box::new(self.options.master_info.clone())
    }

    pub(crate) fn framework(&self, id: &FrameworkId) -> Option<&Framework> {
        self.state.frameworks.get(id).map(|framework| &**framework)
    }

    pub(crate) fn framework_mut(&mut self, id: &FrameworkId) -> Option<&mut Framework> {
        self.state.frameworks.get_mut(id).map(Arc::make_mut)
    }

    pub(crate) fn agent(&self, id: &AgentId) -> Option<&Agent> {
        self.state.agents.get(id).map(|agent| &**agent)
    }

    pub(crate) fn agent_mut(&mut self, id: &AgentId) -> Option<&mut Agent> {
        self.state.agents.get_mut(id).map(Arc::make_mut)
    }

    pub(crate) fn task(&self, framework: &FrameworkId, task: &TaskId) -> Option<&Arc<Task>> {
        self.framework(framework)?.tasks.get(task)
    }

    pub(crate) fn task_mut(&mut self, framework: &FrameworkId, task: &TaskId) -> Option<&mut Task> {
        self.framework_mut(framework)?.tasks.get_mut(task).map(Arc::make_mut)
    }

    /// The connection to an agent whose link stands.
    pub(crate) fn connected_agent(&self, id: &AgentId) -> Option<ConnectionId> {
        self.agent(id).filter(|agent| agent.is_connected()).map(|agent| agent.peer.connection)
    }

    /// The connection to a framework's scheduler.
    pub(crate) fn connected_framework(&self, id: &FrameworkId) -> Option<ConnectionId> {
        self.framework(id).and_then(Framework::connection)
    }

    fn agent_message(&mut self, from: ConnectionId, message: FromAgent, cx: &mut Step<'_>) {
        match message {
            FromAgent::Unregister(message) => self.unregister_agent(from, &message, cx),
            FromAgent::Update(message) => self.update_agent(from, message, cx),
            FromAgent::StatusUpdate(message) => self.status_update(from, message, cx),
            FromAgent::ExecutorMessage(message) => self.executor_message(from, message, cx),
            FromAgent::ExecutorExited(message) => self.executor_exited(from, message, cx),
            FromAgent::OperationUpdate(message) => self.operation_update(from, message, cx),
        }
    }

    fn allocation(&mut self, output: Output, cx: &mut Step<'_>) {
        match output {
            Output::Offers { framework, offers } => self.offer(&framework, offers, cx),
            Output::InverseOffers { framework, agents } => self.inverse_offer(&framework, agents, cx),
            Output::Available { token, result } => {
                self.allocator_answered(Token(token), result.map_err(|error| error.to_string()), cx);
            }
            // Asked for, and answered, by the shell.
            Output::InverseOfferStatuses { .. } => {}
        }
    }

    fn due(&mut self, timer: Timer, cx: &mut Step<'_>) {
        match timer {
            Timer::OfferExpired(offer) => self.offer_expired(&offer, cx),
            Timer::FrameworkFailover { framework, epoch } => self.failover_expired(&framework, epoch, cx),
            Timer::AgentReregistration { agent, epoch } => self.reregistration_expired(agent, epoch, cx),
            Timer::RecoveredAgents => self.recovered_agents_expired(cx),
            Timer::RemovalPermit => self.removal_permit(cx),
            Timer::RegistryGc => self.registry_gc(cx),
            Timer::Reconcile(reconciliation) => self.reconcile_on(reconciliation, cx),
        }
    }
}
