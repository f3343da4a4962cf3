//! A world around a cluster: it performs effects at once and keeps what was said.

mod allocator;
mod build;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use mesos_access::{Action, Object, Subject};
use mesos_api::internal;
use mesos_api::v1::scheduler::{Call, call};
use mesos_api::v1::{AgentId, FrameworkId, MasterInfo, Offer, OfferId, TaskId, TaskState, TaskStatus};
use mesos_cluster::{
    AgentPeer, Cluster, ConnectionId, Effect, FromAgent, Input, Observation, OperatorAction, OperatorError,
    Options, RequestId, SchedulerEvent, SchedulerPeer, Subscribe, Timer, ToAgent, Token,
};
use mesos_registry::Registry;
use stout::Time;

pub(crate) use allocator::Allocator;
pub(crate) use build::*;

/// How the authorizer answers.
pub(crate) enum Authorizer {
    /// Yes, at once.
    Permissive,
    /// As this says, at once.
    Rules(fn(&Subject, Action, &Object) -> bool),
    /// When the test calls [`World::answer_authorizer`].
    Waiting,
}

pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) now: Time,
    pub(crate) allocator: Allocator,
    pub(crate) registry: Registry,
    pub(crate) authorizer: Authorizer,
    /// Whether the registrar answers at once.
    pub(crate) registrar_works: bool,
    /// Everything that was said, oldest first.
    pub(crate) said: Vec<Effect>,
    timers: Vec<(Time, Timer)>,
    questions: Vec<(Token, usize)>,
    writes: VecDeque<(Token, mesos_registry::Operation)>,
    next_connection: u64,
    next_request: u64,
    next_uuid: u128,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A world whose options are changed.
    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut world = Self::before_recovery(change);
        world.input(Input::Recovered(Box::default()));
        world.said.clear();
        world
    }

    pub(crate) fn before_recovery(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(MasterInfo { id: "m".into(), ..MasterInfo::default() });
        change(&mut options);
        Self {
            cluster: Cluster::new(options),
            now: Time::EPOCH + Duration::from_secs(1_000_000),
            allocator: Allocator::default(),
            registry: Registry::new(),
            authorizer: Authorizer::Permissive,
            registrar_works: true,
            said: Vec::new(),
            timers: Vec::new(),
            questions: Vec::new(),
            writes: VecDeque::new(),
            next_connection: 0,
            next_request: 0,
            next_uuid: 0,
        }
    }

    /// Another master takes over: the same registry, the same time, nothing else.
    pub(crate) fn fail_over(&mut self) {
        let registry = std::mem::take(&mut self.registry);
        let (now, connection) = (self.now, self.next_connection);
        *self = Self::before_recovery(|options| options.master_info.id = "n".into());
        self.registry = registry;
        self.now = now;
        self.next_connection = connection;
        let contents = self.registry.to_proto();
        self.input(Input::Recovered(Box::new(contents)));
        self.said.clear();
    }

    /// Something happens; effects are performed until nothing is left to do.
    pub(crate) fn input(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut effects = Vec::new();
            self.cluster.apply(input, self.now, &mut effects);
            for effect in effects {
                self.perform(&effect, &mut inputs);
                self.said.push(effect);
            }
        }
    }

    fn perform(&mut self, effect: &Effect, inputs: &mut VecDeque<Input>) {
        match effect {
            Effect::Allocate(input) => {
                inputs.extend(self.allocator.apply(input).into_iter().map(Input::Allocation));
            }
            Effect::Registry { token, operation } => {
                self.writes.push_back((*token, operation.clone()));
                if self.registrar_works {
                    inputs.extend(self.store());
                }
            }
            Effect::Authorize { token, subject, questions } => match self.authorizer {
                Authorizer::Permissive => inputs
                    .push_back(Input::Authorized { token: *token, allowed: vec![true; questions.len()] }),
                Authorizer::Rules(rules) => inputs.push_back(Input::Authorized {
                    token: *token,
                    allowed: questions
                        .iter()
                        .map(|(action, object)| rules(subject, *action, object))
                        .collect(),
                }),
                Authorizer::Waiting => self.questions.push((*token, questions.len())),
            },
            Effect::After(wait, timer) => self.timers.push((self.now + *wait, timer.clone())),
            Effect::Scheduler { .. }
            | Effect::WatchScheduler { .. }
            | Effect::CloseScheduler(_)
            | Effect::Agent { .. }
            | Effect::WatchAgent { .. }
            | Effect::ForgetAgent { .. }
            | Effect::Observe(_)
            | Effect::Reply { .. }
            | Effect::Log(..)
            | Effect::Exit(_) => {}
        }
    }

    fn store(&mut self) -> Vec<Input> {
        let mut done = Vec::new();
        for (token, operation) in std::mem::take(&mut self.writes) {
            let result = self.registry.apply(operation).map(|_| ()).map_err(|error| error.to_string());
            done.push(Input::RegistryDone { token, result });
        }
        done
    }

    /// The registrar stores what has waited.
    pub(crate) fn answer_registrar(&mut self) {
        for input in self.store() {
            self.input(input);
        }
    }

    /// The authorizer answers what has waited.
    pub(crate) fn answer_authorizer(&mut self, allowed: bool) {
        for (token, count) in std::mem::take(&mut self.questions) {
            self.input(Input::Authorized { token, allowed: vec![allowed; count] });
        }
    }

    /// Time passes; timers fire in their order.
    pub(crate) fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.timers.sort_by_key(|(due, _)| *due);
            match self.timers.first() {
                Some((due, _)) if *due <= end => {
                    let (due, timer) = self.timers.remove(0);
                    self.now = due;
                    self.input(Input::Due(timer));
                }
                _ => break,
            }
        }
        self.now = end;
    }

    pub(crate) fn connection(&mut self) -> ConnectionId {
        self.next_connection += 1;
        ConnectionId(self.next_connection)
    }

    pub(crate) fn uuid(&mut self) -> Vec<u8> {
        self.next_uuid += 1;
        self.next_uuid.to_be_bytes().to_vec()
    }

    // Schedulers.

    /// Subscribes over a new stream.
    pub(crate) fn subscribe(&mut self, info: mesos_api::v1::FrameworkInfo) -> ConnectionId {
        let connection = self.connection();
        self.subscribe_as(SchedulerPeer::Http(connection), info, false);
        connection
    }

    pub(crate) fn subscribe_as(
        &mut self,
        peer: SchedulerPeer,
        info: mesos_api::v1::FrameworkInfo,
        force: bool,
    ) {
        let subscribe =
            call::Subscribe { framework_info: info, suppressed_roles: Vec::new(), ..Default::default() };
        self.input(Input::Subscribe(Subscribe {
            peer,
            principal: None,
            subscribe: Box::new(subscribe),
            force,
        }));
    }

    /// Subscribes a framework and returns its id and connection.
    pub(crate) fn framework(&mut self, info: mesos_api::v1::FrameworkInfo) -> (FrameworkId, ConnectionId) {
        let connection = self.subscribe(info);
        let id = self.subscribed(connection).expect("the framework is subscribed");
        (id, connection)
    }

    /// The id that a connection was told with SUBSCRIBED.
    pub(crate) fn subscribed(&self, connection: ConnectionId) -> Option<FrameworkId> {
        self.events(connection).into_iter().rev().find_map(|event| match event {
            SchedulerEvent::Subscribed { framework, .. } => Some(framework),
            _ => None,
        })
    }

    pub(crate) fn call(&mut self, from: ConnectionId, framework: &FrameworkId, call: Call) {
        let call = Box::new(Call { framework_id: Some(framework.clone()), ..call });
        self.input(Input::Call { from, call });
    }

    pub(crate) fn accept(
        &mut self,
        from: ConnectionId,
        framework: &FrameworkId,
        offers: &[OfferId],
        operations: Vec<mesos_api::v1::offer::Operation>,
    ) {
        let accept = call::Accept { offer_ids: offers.to_vec(), operations, filters: None };
        let call = Call { accept: Some(accept), ..typed(call::Type::Accept) };
        self.call(from, framework, call);
    }

    pub(crate) fn events(&self, connection: ConnectionId) -> Vec<SchedulerEvent> {
        self.said
            .iter()
            .filter_map(|effect| match effect {
                Effect::Scheduler { to, event } if *to == connection => Some((**event).clone()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn errors(&self, connection: ConnectionId) -> Vec<String> {
        self.events(connection)
            .into_iter()
            .filter_map(|event| match event {
                SchedulerEvent::Error(text) => Some(text),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn is_closed(&self, connection: ConnectionId) -> bool {
        self.said
            .iter()
            .any(|effect| matches!(effect, Effect::CloseScheduler(closed) if *closed == connection))
    }

    /// The statuses that a scheduler was sent.
    pub(crate) fn statuses(&self, connection: ConnectionId) -> Vec<TaskStatus> {
        self.events(connection)
            .into_iter()
            .filter(|event| matches!(event, SchedulerEvent::Update { .. }))
            .filter_map(|event| event.to_event().update.map(|update| update.status))
            .collect()
    }

    /// The states that a scheduler was told of one task.
    pub(crate) fn states(&self, connection: ConnectionId, task: &str) -> Vec<TaskState> {
        self.statuses(connection)
            .into_iter()
            .filter(|status| status.task_id.value == task)
            .map(|status| status.state())
            .collect()
    }

    /// The newest status that a scheduler was sent.
    pub(crate) fn last_status(&self, connection: ConnectionId) -> TaskStatus {
        self.statuses(connection).pop().expect("a status was sent")
    }

    // Offers.

    /// The allocator offers all that is free to a framework; returns the offers as it sees them.
    pub(crate) fn offer(&mut self, framework: &FrameworkId, role: &str) -> Vec<Offer> {
        let before = self.said.len();
        if let Some(output) = self.allocator.offer(framework, role) {
            self.input(Input::Allocation(output));
        }
        let offers = self.said[before..].iter().filter_map(|effect| match effect {
            Effect::Scheduler { event, .. } => match &**event {
                SchedulerEvent::Offers { offers, .. } => Some(offers.clone()),
                _ => None,
            },
            _ => None,
        });
        offers.flatten().collect()
    }

    /// One offer of the only agent.
    pub(crate) fn one_offer(&mut self, framework: &FrameworkId) -> Offer {
        self.offer(framework, "*").pop().expect("there is an offer")
    }

    /// Launches tasks of `cpus:1;mem:32` with these ids on the agent of the first free offer.
    pub(crate) fn launch(&mut self, from: ConnectionId, framework: &FrameworkId, tasks: &[&str]) -> AgentId {
        let offer = self.one_offer(framework);
        let tasks = tasks.iter().map(|id| task(id, &offer.agent_id)).collect();
        self.accept(from, framework, &[offer.id], vec![launch(tasks)]);
        offer.agent_id
    }

    // Agents.

    /// Registers an agent with these resources; its name is its host name.
    pub(crate) fn agent(&mut self, resources: &str) -> (AgentId, ConnectionId) {
        let connection = self.connection();
        let peer = peer(connection);
        self.register(peer, register_message(connection, resources));
        let id = self
            .messages(connection)
            .into_iter()
            .find_map(|message| match message {
                ToAgent::Registered(message) => Some(message.slave_id),
                _ => None,
            })
            .expect("the agent is registered");
        (id, connection)
    }

    pub(crate) fn register(&mut self, peer: AgentPeer, message: internal::RegisterSlaveMessage) {
        self.input(Input::RegisterAgent { peer, principal: None, message: Box::new(message) });
    }

    pub(crate) fn reregister(&mut self, peer: AgentPeer, message: internal::ReregisterSlaveMessage) {
        self.input(Input::ReregisterAgent { peer, principal: None, message: Box::new(message) });
    }

    /// The message with which an agent comes back, with all that the model knows of it.
    pub(crate) fn memory_of(&self, agent: &AgentId) -> internal::ReregisterSlaveMessage {
        let state = self.cluster.state();
        let entry = state.agent(agent).expect("the agent is registered");
        let frameworks: Vec<_> = entry.tasks.keys().chain(entry.executors.keys()).collect();
        let mut message = internal::ReregisterSlaveMessage {
            slave: (*entry.info).clone(),
            checkpointed_resources: entry.checkpointed.to_protos(),
            executor_infos: entry
                .executors
                .values()
                .flat_map(|it| it.values().map(|it| (**it).clone()))
                .collect(),
            version: Some("1.5.0".into()),
            agent_capabilities: entry.capabilities.to_proto(),
            ..Default::default()
        };
        let ids: std::collections::BTreeSet<_> = frameworks.into_iter().collect();
        for framework in ids.into_iter().filter_map(|id| state.framework(id)) {
            message.frameworks.push((*framework.info).clone());
            let own = framework.tasks.values().filter(|task| task.info.agent_id == *agent);
            message.tasks.extend(own.map(|task| task.info.clone()));
        }
        message
    }

    pub(crate) fn agent_says(&mut self, from: ConnectionId, message: FromAgent) {
        self.input(Input::Agent { from, message: Box::new(message) });
    }

    /// An agent's update of a task; returns its uuid.
    pub(crate) fn update(
        &mut self,
        from: ConnectionId,
        framework: &FrameworkId,
        agent: &AgentId,
        task: &str,
        state: TaskState,
    ) -> Vec<u8> {
        let uuid = self.uuid();
        let update = status_update(framework, agent, task, state, Some(state), &uuid);
        let pid = Some(peer(from).pid);
        self.agent_says(from, FromAgent::StatusUpdate(internal::StatusUpdateMessage { update, pid }));
        uuid
    }

    pub(crate) fn acknowledge(
        &mut self,
        from: ConnectionId,
        framework: &FrameworkId,
        agent: &AgentId,
        task: &str,
        uuid: &[u8],
    ) {
        let acknowledge =
            call::Acknowledge { agent_id: agent.clone(), task_id: task.into(), uuid: uuid.to_vec() };
        let call = Call { acknowledge: Some(acknowledge), ..typed(call::Type::Acknowledge) };
        self.call(from, framework, call);
    }

    pub(crate) fn messages(&self, connection: ConnectionId) -> Vec<ToAgent> {
        self.said
            .iter()
            .filter_map(|effect| match effect {
                Effect::Agent { to, message } if *to == connection => Some((**message).clone()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn shutdown_text(&self, connection: ConnectionId) -> Option<String> {
        self.messages(connection).into_iter().rev().find_map(|message| match message {
            ToAgent::Shutdown(message) => message.message,
            _ => None,
        })
    }

    // Operators.

    pub(crate) fn operate(&mut self, action: OperatorAction) -> RequestId {
        self.operate_as(Subject::unknown(), action)
    }

    pub(crate) fn operate_as(&mut self, subject: Subject, action: OperatorAction) -> RequestId {
        self.next_request += 1;
        let request = RequestId(self.next_request);
        self.input(Input::Operator { request, subject, action });
        request
    }

    pub(crate) fn reply(&self, request: RequestId) -> Option<Result<(), OperatorError>> {
        self.said.iter().find_map(|effect| match effect {
            Effect::Reply { request: answered, result } if *answered == request => Some(result.clone()),
            _ => None,
        })
    }

    pub(crate) fn observations(&self) -> Vec<&'static str> {
        self.said
            .iter()
            .filter_map(|effect| match effect {
                Effect::Observe(observation) => Some(match observation {
                    Observation::TaskAdded { .. } => "task added",
                    Observation::TaskUpdated { .. } => "task updated",
                    Observation::AgentAdded(_) => "agent added",
                    Observation::AgentRemoved(_) => "agent removed",
                    Observation::FrameworkAdded(_) => "framework added",
                    Observation::FrameworkUpdated(_) => "framework updated",
                    Observation::FrameworkRemoved(_) => "framework removed",
                }),
                _ => None,
            })
            .collect()
    }

    /// Whether the model's books agree with each other and with the allocator's.
    pub(crate) fn check(&self) {
        check_books(&self.cluster, &self.allocator);
    }

    pub(crate) fn completed(&self, framework: &FrameworkId) -> BTreeMap<TaskId, TaskState> {
        let state = self.cluster.state();
        let framework = state.framework(framework).or_else(|| state.completed_frameworks.get(framework));
        let tasks = framework.expect("the framework is known").completed_tasks.iter();
        tasks.map(|(id, task)| (id.clone(), task.state())).collect()
    }
}
