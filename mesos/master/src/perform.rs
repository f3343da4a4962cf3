//! Doing what the model says.

use std::time::Duration;

use futures::FutureExt;
use libprocess::{Context, Upid};
use mesos_access::{Action, Object, Subject};
use mesos_api::v1::scheduler::{Event, event};
use mesos_api::v1::{AgentId, FrameworkId, FrameworkInfo};
use mesos_cluster::{
    ConnectionId, Effect, HEARTBEAT_INTERVAL_SECONDS, Input, Level, Observation, SchedulerEvent, ToAgent,
    Token,
};
use tracing::{info, warn};

use crate::authorization;
use crate::observer::Observer;
use crate::peers::Peer;
use crate::process::{AllocatorSlot, MasterProcess, Watched};

/// The time between two heartbeats of a stream.
pub(crate) const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(HEARTBEAT_INTERVAL_SECONDS as u64);

impl MasterProcess {
    /// Does one thing that the model decided.
    pub(crate) fn perform(&mut self, cx: &mut Context<Self>, effect: Effect) {
        match effect {
            Effect::Scheduler { to, event } => self.tell_scheduler(cx, to, &event),
            Effect::WatchScheduler { framework, connection } => {
                self.watch_scheduler(cx, &framework, connection);
            }
            Effect::CloseScheduler(connection) => self.close_scheduler(connection),
            Effect::Agent { to, message } => self.tell_agent(cx, to, &message),
            Effect::WatchAgent { agent, connection } => self.watch_agent(cx, agent, connection),
            Effect::ForgetAgent { agent, connection } => self.forget_agent(&agent, connection),
            Effect::Allocate(input) => {
                if let AllocatorSlot::Started(allocator) = &self.allocator {
                    allocator.apply(input);
                }
            }
            Effect::Registry { token, operation } => {
                cx.run(self.registrar.apply(operation), move |master, cx, stored| match stored {
                    Ok(result) => {
                        let result = result.map(|_changed| ()).map_err(|error| error.to_string());
                        master.step(cx, Input::RegistryDone { token, result });
                    }
                    Err(error) => master.exit(cx, format!("failed to store the registry: {error}")),
                });
            }
            Effect::Authorize { token, subject, questions } => self.authorize(cx, token, subject, questions),
            Effect::After(wait, timer) => {
                let due = move |master: &mut Self, cx: &mut Context<Self>| master.step(cx, Input::Due(timer));
                if wait.is_zero() {
                    cx.pid().tell(due);
                } else {
                    cx.delay(wait, due);
                }
            }
            Effect::Observe(observation) => {
                self.subscribers.observe(&observation);
                if let Observation::FrameworkRemoved(info) = &observation {
                    self.forget_principal(info);
                }
            }
            Effect::Reply { request, result } => {
                if let Some(promise) = self.requests.remove(&request) {
                    promise.set(result);
                }
            }
            Effect::Log(Level::Info, text) => info!("{text}"),
            Effect::Log(Level::Warning, text) => warn!("{text}"),
            Effect::Exit(reason) => self.exit(cx, reason),
        }
    }

    /// Asks the authorizer. One that need not think has its answer here.
    fn authorize(
        &mut self,
        cx: &mut Context<Self>,
        token: Token,
        subject: Subject,
        questions: Vec<(Action, Object)>,
    ) {
        let mut answer = authorization::answer(&*self.authorizer, &subject, questions).boxed();
        match (&mut answer).now_or_never() {
            Some(allowed) => self.step(cx, Input::Authorized { token, allowed }),
            None => cx.run(answer, move |master, cx, allowed| {
                master.step(cx, Input::Authorized { token, allowed });
            }),
        }
    }

    fn tell_scheduler(&mut self, cx: &mut Context<Self>, to: ConnectionId, event: &SchedulerEvent) {
        match self.peers.get(to) {
            Some(Peer::Stream(subscription)) => {
                // A stream that takes nothing more says so by closing.
                subscription.stream.send(&event.to_event());
                if matches!(event, SchedulerEvent::Subscribed { .. }) {
                    self.beat(cx, to);
                }
            }
            Some(Peer::Process { pid, .. }) => {
                let (name, bytes) = event.to_message();
                cx.send_raw(pid, name, bytes);
            }
            None => {}
        }
    }

    /// Sends a heartbeat, now and again after the interval, for as long as the stream is there.
    fn beat(&mut self, cx: &mut Context<Self>, to: ConnectionId) {
        let Some(subscription) = self.peers.subscription(to) else { return };
        let heartbeat = Event { r#type: Some(event::Type::Heartbeat as i32), ..Event::default() };
        if subscription.stream.send(&heartbeat) {
            cx.delay(HEARTBEAT_INTERVAL, move |master, cx| master.beat(cx, to));
        }
    }

    fn watch_scheduler(&mut self, cx: &mut Context<Self>, framework: &FrameworkId, connection: ConnectionId) {
        let driver = self.peers.watch_driver(connection);
        if let Some(pid) = &driver {
            cx.link(pid);
        }
        let framework = self.cluster.state().framework(framework);
        if let Some(principal) = framework.and_then(|framework| framework.info.principal.as_deref()) {
            self.metrics.subscribed(principal, driver.as_ref());
        }
    }

    /// The last framework of a principal takes its counters with it.
    fn forget_principal(&mut self, removed: &FrameworkInfo) {
        let Some(principal) = &removed.principal else { return };
        let mut others = self.cluster.state().frameworks.values();
        if !others.any(|framework| framework.info.principal.as_ref() == Some(principal)) {
            self.metrics.forget_principal(principal);
        }
    }

    fn close_scheduler(&mut self, connection: ConnectionId) {
        if let Some(subscription) = self.peers.subscription(connection) {
            subscription.stream.close();
        }
        self.peers.release(connection);
    }

    fn tell_agent(&self, cx: &Context<Self>, to: ConnectionId, message: &ToAgent) {
        if let Some(Peer::Process { pid, .. }) = self.peers.get(to) {
            let (name, bytes) = message.to_wire();
            cx.send_raw(pid, name, bytes);
        }
    }

    fn watch_agent(&mut self, cx: &mut Context<Self>, agent: AgentId, connection: ConnectionId) {
        let known = self.cluster.state().agent(&agent);
        let known = known.and_then(|agent| agent.peer.pid.parse::<Upid>().ok());
        let Some(pid) = self.peers.watch(connection, &agent, known) else { return };
        cx.link(&pid);
        if let Some(watched) = self.observers.get(&agent) {
            if watched.connection == connection {
                watched.observer.tell(|observer, _cx| observer.set_connected(true));
                return;
            }
            // It came back at another address.
            watched.observer.terminate();
            let old = watched.connection;
            self.peers.unwatch(old, &agent);
        }
        let observer = Observer::new(agent.clone(), pid, cx.pid(), self.pinging);
        self.observers.insert(agent, Watched { observer: cx.node().spawn(observer), connection });
    }

    fn forget_agent(&mut self, agent: &AgentId, connection: ConnectionId) {
        if let Some(watched) = self.observers.get(agent)
            && watched.connection == connection
        {
            watched.observer.terminate();
            self.observers.remove(agent);
        }
        self.peers.unwatch(connection, agent);
    }
}
