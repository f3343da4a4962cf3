//! Random histories: the books agree at every step, every task ends once, nothing panics.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mesos_api::internal::{ExitedExecutorMessage, ReregisterSlaveMessage};
use mesos_api::v1::offer::Operation;
use mesos_api::v1::offer::operation::{self, Type};
use mesos_api::v1::scheduler::{Call, call};
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{AgentId, FrameworkId, FrameworkInfo, OfferId, TaskInfo, TaskState};
use mesos_cluster::{ConnectionId, FromAgent, Input, OperatorAction, ToAgent, is_terminal};
use proptest::prelude::*;

use crate::harness::*;

/// One thing that may happen; the numbers choose among what there is.
#[derive(Clone, Debug)]
enum Event {
    Subscribe { aware: bool, checkpoint: bool },
    Resubscribe(usize),
    Disconnect(usize),
    Teardown(usize),
    Offer(usize),
    Launch { framework: usize, tasks: usize, executor: bool, wrong: bool },
    Group { framework: usize, tasks: usize },
    Reserve(usize),
    Decline(usize),
    Kill { framework: usize, task: usize },
    Reconcile(usize),
    Update { task: usize, state: usize },
    Acknowledge(usize),
    ExecutorExits(usize),
    Register,
    AgentBreaks(usize),
    AgentReturns(usize),
    Pings(usize),
    Gone(usize),
    Authorizer { waits: bool, allows: bool },
    Registrar(bool),
    Wait(u64),
    FailOver,
}

fn event() -> impl Strategy<Value = Event> {
    use Event::*;
    let n = 0..8usize;
    prop_oneof![
        2 => (any::<bool>(), any::<bool>()).prop_map(|(aware, checkpoint)| Subscribe { aware, checkpoint }),
        1 => n.clone().prop_map(Resubscribe),
        1 => n.clone().prop_map(Disconnect),
        1 => n.clone().prop_map(Teardown),
        6 => n.clone().prop_map(Offer),
        8 => (n.clone(), 1..4usize, any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(framework, tasks, executor, wrong)| Launch { framework, tasks, executor, wrong }),
        3 => (n.clone(), 1..3usize).prop_map(|(framework, tasks)| Group { framework, tasks }),
        2 => n.clone().prop_map(Reserve),
        2 => n.clone().prop_map(Decline),
        2 => (n.clone(), n.clone()).prop_map(|(framework, task)| Kill { framework, task }),
        1 => n.clone().prop_map(Reconcile),
        8 => (n.clone(), 0..5usize).prop_map(|(task, state)| Update { task, state }),
        5 => n.clone().prop_map(Acknowledge),
        1 => n.clone().prop_map(ExecutorExits),
        2 => Just(Register),
        1 => n.clone().prop_map(AgentBreaks),
        3 => n.clone().prop_map(AgentReturns),
        1 => n.clone().prop_map(Pings),
        1 => n.clone().prop_map(Gone),
        2 => (prop::bool::weighted(0.4), prop::bool::weighted(0.8))
            .prop_map(|(waits, allows)| Authorizer { waits, allows }),
        2 => prop::bool::weighted(0.7).prop_map(Registrar),
        2 => (0..700u64).prop_map(Wait),
        1 => Just(FailOver),
    ]
}

struct History {
    world: World,
    frameworks: Vec<(FrameworkId, ConnectionId, FrameworkInfo)>,
    agents: Vec<(AgentId, ConnectionId)>,
    /// What agents that are lost would say when they come back.
    memories: BTreeMap<AgentId, ReregisterSlaveMessage>,
    /// The last update of each task.
    updates: BTreeMap<(FrameworkId, String), (AgentId, Vec<u8>)>,
    next_task: usize,
    /// The tasks that were launched, and by whom.
    launched: Vec<(FrameworkId, String)>,
    /// Frameworks that were away once: they may have missed something.
    away: BTreeSet<FrameworkId>,
    /// Statuses that were told and forgotten by the log of the world.
    told: Vec<(ConnectionId, String, TaskState, Option<Reason>)>,
    allows: bool,
    failed_over: bool,
}

impl History {
    fn new() -> Self {
        Self {
            world: World::new(),
            frameworks: Vec::new(),
            agents: Vec::new(),
            memories: BTreeMap::new(),
            updates: BTreeMap::new(),
            next_task: 0,
            launched: Vec::new(),
            away: BTreeSet::new(),
            told: Vec::new(),
            allows: true,
            failed_over: false,
        }
    }

    fn framework(&self, n: usize) -> Option<(FrameworkId, ConnectionId, FrameworkInfo)> {
        let count = self.frameworks.len();
        (count > 0).then(|| self.frameworks[n % count].clone())
    }

    fn agent(&self, n: usize) -> Option<(AgentId, ConnectionId)> {
        let count = self.agents.len();
        (count > 0).then(|| self.agents[n % count].clone())
    }

    /// A live task.
    fn task(&self, n: usize) -> Option<(FrameworkId, String, AgentId)> {
        let state = self.world.cluster.state();
        let tasks: Vec<_> = state
            .frameworks
            .values()
            .flat_map(|framework| framework.tasks.values())
            .map(|task| {
                (task.info.framework_id.clone(), task.info.task_id.value.clone(), task.info.agent_id.clone())
            })
            .collect();
        (!tasks.is_empty()).then(|| tasks[n % tasks.len()].clone())
    }

    fn an_offer(&self, framework: &FrameworkId) -> Option<(OfferId, AgentId)> {
        let framework = self.world.cluster.state().framework(framework)?;
        framework.offers.values().next().map(|offer| (offer.id.clone(), offer.agent.clone()))
    }

    fn names(&mut self, count: usize) -> Vec<String> {
        (0..count)
            .map(|_| {
                self.next_task += 1;
                format!("t{}", self.next_task)
            })
            .collect()
    }

    fn accept(&mut self, n: usize, operation: impl FnOnce(&mut Self, &FrameworkId, &AgentId) -> Operation) {
        let Some((id, connection, _)) = self.framework(n) else { return };
        if self.world.cluster.state().framework(&id).and_then(|it| it.connection()) != Some(connection) {
            return;
        }
        let Some((offer, agent)) = self.an_offer(&id) else { return };
        let operation = operation(self, &id, &agent);
        self.world.accept(connection, &id, &[offer], vec![operation]);
    }

    fn note(&mut self, framework: &FrameworkId, tasks: &[TaskInfo]) {
        let names = tasks.iter().map(|task| (framework.clone(), task.task_id.value.clone()));
        self.launched.extend(names);
    }

    fn happen(&mut self, event: Event) {
        use Event::*;
        match event {
            Subscribe { aware, checkpoint } => {
                let info = if aware { partition_aware() } else { plain() };
                let info =
                    FrameworkInfo { checkpoint: Some(checkpoint), failover_timeout: Some(100.0), ..info };
                let connection = self.world.subscribe(info.clone());
                if let Some(id) = self.world.subscribed(connection) {
                    self.frameworks.push((id, connection, info));
                }
            }
            Resubscribe(n) => {
                let Some((id, _, info)) = self.framework(n) else { return };
                self.away.insert(id.clone());
                let connection = self.world.subscribe(FrameworkInfo { id: Some(id.clone()), ..info.clone() });
                let count = self.frameworks.len();
                self.frameworks[n % count] = (id, connection, info);
            }
            Disconnect(n) => {
                let Some((id, connection, _)) = self.framework(n) else { return };
                self.away.insert(id);
                self.world.input(Input::SchedulerDisconnected(connection));
            }
            Teardown(n) => {
                let Some((id, connection, _)) = self.framework(n) else { return };
                self.away.insert(id.clone());
                self.world.call(connection, &id, typed(call::Type::Teardown));
            }
            Offer(n) => {
                if let Some((id, ..)) = self.framework(n) {
                    self.world.offer(&id, "*");
                }
            }
            Launch { framework, tasks, executor, wrong } => {
                self.accept(framework, |this, id, agent| {
                    let names = this.names(tasks);
                    let mut tasks: Vec<_> = names
                        .iter()
                        .map(|name| match executor {
                            true => executor_task(name, agent, "e"),
                            false => task(name, agent),
                        })
                        .collect();
                    if wrong {
                        tasks[0].resources.clear();
                    }
                    this.note(id, &tasks);
                    launch(tasks)
                });
            }
            Group { framework, tasks } => self.accept(framework, |this, id, agent| {
                let names = this.names(tasks);
                let tasks: Vec<_> = names.iter().map(|name| task(name, agent)).collect();
                this.note(id, &tasks);
                launch_group(id, "x", tasks)
            }),
            Reserve(n) => self.accept(n, |_, _, _| Operation {
                r#type: Some(Type::Reserve as i32),
                reserve: Some(operation::Reserve {
                    resources: resources("cpus:1").push_reservation(&dynamic("web")).to_protos(),
                }),
                ..Operation::default()
            }),
            Decline(n) => {
                let Some((id, connection, _)) = self.framework(n) else { return };
                let Some((offer, _)) = self.an_offer(&id) else { return };
                let decline = call::Decline { offer_ids: vec![offer], filters: None };
                let call = Call { decline: Some(decline), ..typed(call::Type::Decline) };
                self.world.call(connection, &id, call);
            }
            Kill { framework, task } => {
                let Some((id, connection, _)) = self.framework(framework) else { return };
                let state = self.world.cluster.state();
                let Some(entry) = state.framework(&id) else { return };
                let names: Vec<_> = entry.pending_tasks.keys().chain(entry.tasks.keys()).cloned().collect();
                if names.is_empty() {
                    return;
                }
                let task_id = names[task % names.len()].clone();
                let kill = call::Kill { task_id, agent_id: None, kill_policy: None };
                self.world.call(connection, &id, Call { kill: Some(kill), ..typed(call::Type::Kill) });
            }
            Reconcile(n) => {
                let Some((id, connection, _)) = self.framework(n) else { return };
                let reconcile = Some(call::Reconcile::default());
                self.world.call(connection, &id, Call { reconcile, ..typed(call::Type::Reconcile) });
            }
            Update { task, state } => self.update(task, state),
            Acknowledge(n) => {
                let entries: Vec<_> = self.updates.iter().collect();
                if entries.is_empty() {
                    return;
                }
                let ((id, task), (agent, uuid)) = entries[n % entries.len()];
                let (id, task, agent, uuid) = (id.clone(), task.clone(), agent.clone(), uuid.clone());
                if let Some((_, connection, _)) = self.frameworks.iter().find(|(own, ..)| *own == id) {
                    let connection = *connection;
                    self.world.acknowledge(connection, &id, &agent, &task, &uuid);
                }
            }
            ExecutorExits(n) => {
                let Some((id, link)) = self.agent(n) else { return };
                let Some(agent) = self.world.cluster.state().agent(&id) else { return };
                let Some((framework, executors)) = agent.executors.get_min() else { return };
                let Some((executor, _)) = executors.get_min() else { return };
                let message = ExitedExecutorMessage {
                    slave_id: id.clone(),
                    framework_id: framework.clone(),
                    executor_id: executor.clone(),
                    status: 0,
                };
                self.world.agent_says(link, FromAgent::ExecutorExited(message));
            }
            Register => {
                if self.agents.len() < 4 {
                    let link = self.world.connection();
                    self.world.register(peer(link), register_message(link, "cpus:4;mem:1024;disk:1024"));
                    let registered = self.world.messages(link).into_iter().find_map(|it| match it {
                        ToAgent::Registered(message) => Some(message.slave_id),
                        _ => None,
                    });
                    self.agents.extend(registered.map(|id| (id, link)));
                }
            }
            AgentBreaks(n) => {
                if let Some((_, link)) = self.agent(n) {
                    self.world.input(Input::AgentDisconnected(link));
                }
            }
            AgentReturns(n) => {
                let Some((id, link)) = self.agent(n) else { return };
                let message = match self.world.cluster.state().agent(&id) {
                    Some(_) => self.world.memory_of(&id),
                    None => match self.memories.get(&id) {
                        Some(message) => message.clone(),
                        None => return,
                    },
                };
                self.world.reregister(peer(link), message);
            }
            Pings(n) => {
                let Some((id, _)) = self.agent(n) else { return };
                self.remember(&id);
                self.world.input(Input::PingsTimedOut(id));
            }
            Gone(n) => {
                if let Some((id, _)) = self.agent(n) {
                    self.world.operate(OperatorAction::MarkAgentGone(id));
                }
            }
            Authorizer { waits, allows } => {
                self.world.answer_authorizer(self.allows);
                self.allows = allows;
                self.world.authorizer = if waits {
                    crate::harness::Authorizer::Waiting
                } else {
                    crate::harness::Authorizer::Permissive
                };
            }
            Registrar(works) => {
                self.world.registrar_works = works;
                self.world.answer_registrar();
            }
            Wait(seconds) => {
                for (id, _) in self.agents.clone() {
                    self.remember(&id);
                }
                self.world.advance(Duration::from_secs(seconds));
            }
            FailOver => self.fail_over(),
        }
    }

    fn remember(&mut self, id: &AgentId) {
        if self.world.cluster.state().agent(id).is_some() {
            let message = self.world.memory_of(id);
            self.memories.insert(id.clone(), message);
        }
    }

    fn update(&mut self, task: usize, state: usize) {
        let Some((framework, task, agent)) = self.task(task) else { return };
        let state = [
            TaskState::TaskStarting,
            TaskState::TaskRunning,
            TaskState::TaskFinished,
            TaskState::TaskFailed,
            TaskState::TaskKilled,
        ][state];
        let entry = self.world.cluster.state().framework(&framework).unwrap().task(&task.as_str().into());
        if is_terminal(entry.unwrap().state()) {
            return; // Agents do not change their minds.
        }
        let Some((_, link)) = self.agents.iter().find(|(id, _)| *id == agent) else { return };
        let link = *link;
        let uuid = self.world.update(link, &framework, &agent, &task, state);
        self.updates.insert((framework, task), (agent, uuid));
    }

    fn fail_over(&mut self) {
        for (id, _) in self.agents.clone() {
            self.remember(&id);
        }
        self.failed_over = true;
        self.world.answer_registrar();
        self.world.fail_over();
        for (id, ..) in &self.frameworks {
            self.away.insert(id.clone());
        }
    }

    /// Keeps what was told, forgets the rest.
    fn digest(&mut self) {
        for (id, connection, _) in self.frameworks.clone() {
            if self.away.contains(&id) {
                continue;
            }
            for status in self.world.statuses(connection) {
                let reason = status.reason.map(|_| status.reason());
                let entry = (connection, status.task_id.value.clone(), status.state(), reason);
                if reason != Some(Reason::Reconciliation) {
                    self.told.push(entry);
                }
            }
        }
        self.world.said.clear();
    }

    /// Every task of a framework that was always there and knows partitions has ended exactly once, or
    /// lives.
    fn check_ends(&self) {
        let state = self.world.cluster.state();
        for (id, task) in &self.launched {
            let Some((_, connection, _)) = self.frameworks.iter().find(|(own, ..)| own == id) else {
                continue;
            };
            let Some(framework) = state.framework(id) else { continue };
            if self.away.contains(id) || !framework.capabilities.partition_aware {
                continue;
            }
            let mut ends: Vec<_> = self
                .told
                .iter()
                .filter(|(to, name, state, _)| to == connection && name == task && is_terminal(*state))
                .map(|(_, _, state, reason)| (*state, *reason))
                .collect();
            // An agent that comes back has its tasks told again as they are, as by Mesos: also one whose end
            // was told and not acknowledged.
            ends.dedup_by(|(again, reason), (end, _)| {
                again == end && *reason == Some(Reason::AgentReregistered)
            });
            let key = task.as_str().into();
            let lives = framework.pending_tasks.contains_key::<mesos_api::v1::TaskId>(&key)
                || framework.unreachable_tasks.get(&key).is_some_and(|task| !is_terminal(task.state()))
                || framework.task(&key).is_some_and(|task| !is_terminal(task.state()));
            assert!(ends.len() <= 1, "task {task} of {id} ends more than once: {ends:?}");
            assert_eq!(lives, ends.is_empty(), "task {task} of {id}: {ends:?}");
        }
    }
}

proptest! {
    #[test]
    fn books_agree_and_every_task_ends_once(events in prop::collection::vec(event(), 1..120)) {
        let mut history = History::new();
        for event in events {
            history.happen(event);
            history.world.check();
            history.digest();
        }
        // Let everything that waits happen.
        history.world.answer_authorizer(history.allows);
        history.world.registrar_works = true;
        history.world.answer_registrar();
        history.world.answer_authorizer(history.allows);
        history.world.answer_registrar();
        history.digest();
        history.world.check();
        check_allocated(&history.world.cluster, &history.world.allocator);
        if !history.failed_over {
            history.check_ends();
        }
    }

    /// Calls that make no sense, from connections that may or may not be somebody.
    #[test]
    fn nonsense_is_survived(
        calls in prop::collection::vec((0..20i32, 0..4u64, "[a-z/.]{0,3}", prop::collection::vec(any::<u8>(), 0..20)), 0..60)
    ) {
        let mut world = World::new();
        let (agent, link) = world.agent("cpus:4;mem:1024");
        let (id, connection) = world.framework(plain());
        world.launch(connection, &id, &["t"]);
        for (r#type, from, text, bytes) in calls {
            let call = Call {
                framework_id: (from > 0).then(|| id.clone()),
                r#type: Some(r#type),
                accept: (!bytes.is_empty()).then(|| call::Accept {
                    offer_ids: vec![text.as_str().into()],
                    operations: vec![Operation { r#type: Some(r#type), ..Operation::default() }],
                    filters: None,
                }),
                kill: Some(call::Kill { task_id: text.as_str().into(), agent_id: None, kill_policy: None }),
                acknowledge: Some(call::Acknowledge {
                    agent_id: agent.clone(),
                    task_id: text.as_str().into(),
                    uuid: bytes.clone(),
                }),
                reconcile: Some(call::Reconcile {
                    tasks: vec![call::reconcile::Task { task_id: text.as_str().into(), agent_id: None }],
                }),
                ..Call::default()
            };
            if call.r#type() == call::Type::Teardown {
                continue;
            }
            world.input(Input::Call { from: ConnectionId(from), call: Box::new(call) });
            let state = TaskState::try_from(r#type).unwrap_or(TaskState::TaskRunning);
            let update = status_update(&id, &agent, &text, state, None, &bytes);
            let message = mesos_api::internal::StatusUpdateMessage { update, pid: None };
            world.agent_says(link, FromAgent::StatusUpdate(message));
            world.check();
        }
    }
}
