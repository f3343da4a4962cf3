//! The actor around the model.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use libprocess::Logging;
use libprocess::{Context, Future, Pid, Process, Promise, Upid};
use mesos_access::Subject;
use mesos_allocator::Allocator;
use mesos_api::internal;
use mesos_api::v1::AgentId;
use mesos_auth::Authorizer;
use mesos_cluster::{Cluster, ConnectionId, Effect, Input, OperatorAction, OperatorError, RequestId};
use mesos_daemon::files::Files;
use mesos_registrar::Registrar;
use stout::Time;
use tracing::info;

use crate::components::StartAllocator;
use crate::maintenance::Statuses;
use crate::metrics::Metrics;
use crate::observer::{Observer, Pinging};
use crate::peers::Peers;
use crate::subscribers::Subscribers;
use crate::view::{Identity, View};
use crate::whitelist::Whitelist;

/// The id of the master's process on its node.
pub(crate) const MASTER_ID: &str = "master";

/// The master's process: it holds the model, tells it what happens, and does what it says.
pub(crate) struct MasterProcess {
    pub(crate) identity: Arc<Identity>,
    pub(crate) cluster: Cluster,
    pub(crate) peers: Peers,
    pub(crate) subscribers: Subscribers,
    /// Who pings each agent, and over which of our connections.
    pub(crate) observers: HashMap<AgentId, Watched>,
    pub(crate) pinging: Pinging,
    pub(crate) allocator: AllocatorSlot,
    /// Reads the whitelist, if there is one.
    pub(crate) whitelist: Option<Pid<Whitelist>>,
    pub(crate) registrar: Registrar,
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) files: Files,
    pub(crate) logging: Logging,
    pub(crate) metrics: Metrics,
    /// Operators that wait for the end of what they asked for.
    pub(crate) requests: HashMap<RequestId, Promise<Result<(), OperatorError>>>,
    /// Who waits for the allocator to tell what frameworks answered to inverse offers.
    pub(crate) status_requests: HashMap<u64, Promise<Statuses>>,
    pub(crate) next_request: u64,
    pub(crate) elected_time: Option<Time>,
    pub(crate) stream_bytes_max: usize,
    /// What readers get, until the next change.
    pub(crate) view: Option<Arc<View>>,
    /// What happened while effects were performed.
    pub(crate) happened: VecDeque<Input>,
    pub(crate) stepping: bool,
    /// For whoever waits for the end.
    pub(crate) ended: Option<Promise<()>>,
}

/// The allocator, which is started by the process that it answers to.
pub(crate) enum AllocatorSlot {
    Waiting(StartAllocator),
    Started(Arc<dyn Allocator>),
    /// For the moment in which it is started.
    Empty,
}

/// An agent that is watched.
pub(crate) struct Watched {
    pub(crate) observer: Pid<Observer>,
    pub(crate) connection: ConnectionId,
}

impl Process for MasterProcess {
    const ID_PREFIX: &'static str = MASTER_ID;

    fn initialize(&mut self, cx: &mut Context<Self>) {
        crate::v0::install(cx);
        crate::routes::install(cx);
        self.start_allocator(cx);
        self.metrics.start(cx);
        info!(id = %self.identity.info.id, pid = %cx.upid(), "the master started");
        let recovery = self.registrar.recover(self.identity.info.clone());
        cx.run(recovery, |master, cx, recovered| match recovered {
            Ok(registry) => master.recovered(cx, registry),
            Err(error) => master.exit(cx, format!("failed to recover the registry: {error}")),
        });
    }

    fn exited(&mut self, cx: &mut Context<Self>, pid: &Upid) {
        let Some(connection) = self.peers.find(pid) else { return };
        // The model knows which of the two it is, if any.
        self.step(cx, Input::SchedulerDisconnected(connection));
        self.step(cx, Input::AgentDisconnected(connection));
        self.tell_observers(connection);
        self.peers.exited(connection);
    }

    fn finalize(&mut self, _cx: &mut Context<Self>) {
        for watched in self.observers.values() {
            watched.observer.terminate();
        }
        if let Some(whitelist) = &self.whitelist {
            whitelist.terminate();
        }
        self.registrar.terminate();
        if let Some(ended) = self.ended.take() {
            if self.stepping {
                ended.fail("it failed in the middle of a step: the log says where");
            } else {
                ended.set(());
            }
        }
    }
}

impl MasterProcess {
    /// Tells the model what happened and does what it says.
    ///
    /// What happens meanwhile, because an effect had its result at once, comes after.
    pub(crate) fn step(&mut self, cx: &mut Context<Self>, input: Input) {
        self.happened.push_back(input);
        if std::mem::replace(&mut self.stepping, true) {
            return;
        }
        let mut effects: Vec<Effect> = Vec::new();
        while let Some(input) = self.happened.pop_front() {
            self.view = None;
            self.cluster.apply(input, cx.now(), &mut effects);
            for effect in effects.drain(..) {
                self.perform(cx, effect);
            }
        }
        self.stepping = false;
        self.peers.forget_released();
        self.metrics.count(self.cluster.counters());
    }

    fn start_allocator(&mut self, cx: &Context<Self>) {
        if let AllocatorSlot::Waiting(start) = std::mem::replace(&mut self.allocator, AllocatorSlot::Empty) {
            let master = cx.pid();
            let sink = Box::new(move |output| {
                master.tell(move |master: &mut Self, cx| master.allocator_says(cx, output));
            });
            let options = self.identity.flags.allocation();
            let allocator = start(cx.node(), options, sink);
            if let Some(path) = &self.identity.flags.whitelist {
                let whitelist = Whitelist::new(path.clone(), Arc::clone(&allocator));
                self.whitelist = Some(cx.node().spawn(whitelist));
            }
            self.allocator = AllocatorSlot::Started(allocator);
        }
    }

    /// What there is now.
    pub(crate) fn view(&mut self) -> Arc<View> {
        let view = self.view.take().unwrap_or_else(|| {
            let snapshot = self.cluster.snapshot();
            Arc::new(View::new(Arc::clone(&self.identity), self.elected_time, snapshot))
        });
        self.view = Some(Arc::clone(&view));
        view
    }

    /// Has the model carry out what an operator asks for.
    pub(crate) fn operate(
        &mut self,
        cx: &mut Context<Self>,
        subject: Subject,
        action: OperatorAction,
    ) -> Future<Result<(), OperatorError>> {
        if !self.cluster.is_recovered() {
            return Future::ready(Err(OperatorError::Unavailable(NOT_RECOVERED.to_owned())));
        }
        let request = RequestId(self.next_request);
        self.next_request += 1;
        let promise = Promise::new();
        let future = promise.future();
        self.requests.insert(request, promise);
        self.step(cx, Input::Operator { request, subject, action });
        future
    }

    /// Ends the master, and tells its owner why.
    pub(crate) fn exit(&mut self, cx: &mut Context<Self>, reason: String) {
        if let Some(ended) = self.ended.take() {
            ended.fail(reason.clone());
        }
        cx.fail(reason);
    }

    fn recovered(&mut self, cx: &mut Context<Self>, registry: internal::Registry) {
        self.elected_time = Some(cx.now());
        info!("the registry is recovered; this master leads");
        self.step(cx, Input::Recovered(Box::new(registry)));
    }

    /// Tells the observers of a connection whether their agent is still connected.
    fn tell_observers(&self, connection: ConnectionId) {
        for agent in self.peers.watched(connection) {
            let Some(watched) = self.observers.get(agent) else { continue };
            let connected = self.cluster.state().agent(agent).is_some_and(|agent| agent.is_connected());
            watched.observer.tell(move |observer, _cx| observer.set_connected(connected));
        }
    }
}

/// What everybody is told who asks too early.
pub(crate) const NOT_RECOVERED: &str = "Master has not finished recovery";
