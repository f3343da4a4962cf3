//! The actor that keeps a framework subscribed.

use std::sync::Arc;
use std::time::Duration;

use libprocess::http::Client;
use libprocess::{Context, Node, Pid, Process, Promise, Timer};
use mesos_api::v1::FrameworkId;
use mesos_api::v1::scheduler::{Call, Event, call, event};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, info};

use crate::driver::Request;
use crate::subscription::{self, Events, Unsubscribed};
use crate::{Config, Driver, Running, Scheduler, calls};

/// So many heartbeats may fail to come before the connection is taken for broken.
const HEARTBEATS_MISSED_MAX: u32 = 5;

/// Starts a framework on `node`; it goes on until it is stopped, torn down, or refused.
pub fn start<S: Scheduler>(node: &Node, config: Config, scheduler: S) -> Running {
    let ended = Promise::new();
    let future = ended.future();
    let pid = node.spawn(SchedulerProcess {
        retry_wait: config.retry_wait_min,
        master: config.master.clone(),
        config,
        scheduler,
        client: Client::new(),
        link: Link::Down,
        subscriptions: 0,
        watchdog: None,
        ended: Some(ended),
    });
    Running { driver: driver(&pid), ended: future }
}

fn driver<S: Scheduler>(pid: &Pid<SchedulerProcess<S>>) -> Driver {
    let pid = pid.clone();
    let send = move |request| pid.tell(|process, cx| process.perform(cx, request));
    Driver { send: Arc::new(send) }
}

struct SchedulerProcess<S> {
    config: Config,
    /// Where the leading master is believed to be.
    master: String,
    scheduler: S,
    client: Client,
    link: Link,
    /// Numbers the subscriptions, so that what comes late from an old one is told apart.
    subscriptions: u64,
    retry_wait: Duration,
    watchdog: Option<Timer>,
    ended: Option<Promise<Option<FrameworkId>>>,
}

enum Link {
    Down,
    Up {
        calls: mpsc::UnboundedSender<Call>,
        heartbeat: Duration,
        /// Dropped with the link, it ends the reading of events and so the connection.
        reading: oneshot::Sender<()>,
    },
    /// The last calls are being made, for which the connection must stay.
    Closing {
        _reading: oneshot::Sender<()>,
    },
}

impl<S: Scheduler> Process for SchedulerProcess<S> {
    const ID_PREFIX: &'static str = "scheduler";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        self.connect(cx);
    }
}

impl<S: Scheduler> SchedulerProcess<S> {
    fn client(&self) -> subscription::Client {
        subscription::Client {
            http: self.client.clone(),
            content_type: self.config.content_type,
            answer_wait_max: self.config.answer_wait_max,
        }
    }

    fn connect(&mut self, cx: &mut Context<Self>) {
        self.subscriptions += 1;
        let (subscription, master) = (self.subscriptions, self.master.clone());
        let client = self.client();
        let call = calls::subscribe(call::Subscribe {
            framework_info: self.config.framework.clone(),
            suppressed_roles: self.config.suppressed_roles.clone(),
            ..call::Subscribe::default()
        });
        let subscribe = async move { client.subscribe(&master, &call).await };
        cx.run(subscribe, move |process, cx, outcome| {
            if subscription == process.subscriptions {
                process.connected(cx, outcome);
            }
        });
    }

    fn connected(&mut self, cx: &mut Context<Self>, outcome: Result<Events, Unsubscribed>) {
        match outcome {
            Ok(events) => self.listen(cx, events),
            Err(Unsubscribed::Redirected(leader)) => {
                info!(leader, "another master leads");
                let reason = format!("{} says that {leader} leads", self.master);
                self.scheduler.unavailable(&driver(&cx.pid()), reason);
                self.master = leader;
                self.retry(cx);
            }
            Err(Unsubscribed::Unavailable(reason)) => {
                info!(master = self.master, reason, "cannot subscribe now");
                self.scheduler.unavailable(&driver(&cx.pid()), reason);
                // Whoever was the leader may be gone: back to the one we were told of.
                self.master = self.config.master.clone();
                self.retry(cx);
            }
            Err(Unsubscribed::Refused(text)) => self.give_up(cx, text),
        }
    }

    fn listen(&mut self, cx: &mut Context<Self>, mut events: Events) {
        self.retry_wait = self.config.retry_wait_min;
        let (subscription, pid) = (self.subscriptions, cx.pid());
        let (calls, waiting) = mpsc::unbounded_channel();
        let refused = cx.pid().defer(|process: &mut Self, cx, (kind, text)| process.refused(cx, kind, text));
        let (master, stream_id) = (self.master.clone(), events.stream_id.clone());
        // On the node, for what is sent when this process stops is to arrive.
        let made = cx.node().run(self.client().call_in_order(master, stream_id, waiting, refused));
        cx.run(made, |process, cx, _| {
            if matches!(process.link, Link::Closing { .. }) {
                process.end(cx, Ok(()));
            }
        });
        let (reading, mut stopped) = oneshot::channel();
        self.link = Link::Up { calls, heartbeat: Duration::from_secs(15), reading };
        self.restart_watchdog(cx);
        let read = async move {
            loop {
                let next = tokio::select! {
                    next = events.next() => next,
                    _ = &mut stopped => return "it was stopped".to_owned(),
                };
                match next {
                    Ok(event) => pid.tell(move |process, cx| {
                        if subscription == process.subscriptions {
                            process.event(cx, event);
                        }
                    }),
                    Err(reason) => return reason,
                }
            }
        };
        cx.run(read, move |process, cx, reason| process.lost(cx, subscription, &reason));
    }

    /// The subscription has ended, unless a later one has taken its place.
    fn lost(&mut self, cx: &mut Context<Self>, subscription: u64, reason: &str) {
        if subscription != self.subscriptions {
            return;
        }
        info!(reason, "the subscription ended");
        self.link = Link::Down;
        self.stop_watchdog();
        self.scheduler.disconnected(&driver(&cx.pid()));
        self.scheduler.unavailable(&driver(&cx.pid()), reason.to_owned());
        self.retry(cx);
    }

    fn retry(&mut self, cx: &mut Context<Self>) {
        let wait = self.retry_wait;
        self.retry_wait = (wait * 2).min(self.config.retry_wait_max);
        // A number that no subscription has: nothing that is still under way counts any more.
        self.subscriptions += 1;
        let attempt = self.subscriptions;
        cx.delay(wait, move |process, cx| {
            if attempt == process.subscriptions {
                process.connect(cx);
            }
        });
    }

    fn event(&mut self, cx: &mut Context<Self>, event: Event) {
        self.restart_watchdog(cx);
        let driver = driver(&cx.pid());
        let kind = event.r#type();
        match kind {
            event::Type::Subscribed => {
                if let Some(subscribed) = event.subscribed {
                    self.subscribed(&driver, subscribed);
                }
            }
            event::Type::Offers => {
                self.scheduler.offers(&driver, event.offers.unwrap_or_default().offers);
            }
            event::Type::Update => {
                let Some(update) = event.update else { return };
                let status = update.status;
                let acknowledged = (!self.config.explicit_acknowledgements).then(|| status.clone());
                self.scheduler.update(&driver, status);
                if let Some(status) = acknowledged {
                    driver.acknowledge(&status);
                }
            }
            event::Type::Rescind => {
                if let Some(rescind) = event.rescind {
                    self.scheduler.rescinded(&driver, rescind.offer_id);
                }
            }
            event::Type::InverseOffers => {
                let offers = event.inverse_offers.unwrap_or_default().inverse_offers;
                self.scheduler.inverse_offers(&driver, offers);
            }
            event::Type::RescindInverseOffer => {
                if let Some(rescind) = event.rescind_inverse_offer {
                    self.scheduler.inverse_offer_rescinded(&driver, rescind.inverse_offer_id);
                }
            }
            event::Type::Message => {
                if let Some(message) = event.message {
                    self.scheduler.message(&driver, message.agent_id, message.executor_id, message.data);
                }
            }
            event::Type::Failure => {
                self.scheduler.failure(&driver, event.failure.unwrap_or_default());
            }
            event::Type::Error => {
                let text = event.error.map(|error| error.message).unwrap_or_default();
                self.give_up(cx, text);
            }
            event::Type::Heartbeat => {}
            event::Type::Unknown | event::Type::UpdateOperationStatus => {
                debug!(kind = kind.as_str_name(), "ignoring an event");
            }
        }
    }

    fn subscribed(&mut self, driver: &Driver, subscribed: event::Subscribed) {
        self.config.framework.id = Some(subscribed.framework_id.clone());
        if let (Link::Up { heartbeat, .. }, Some(seconds)) =
            (&mut self.link, subscribed.heartbeat_interval_seconds)
            && let Ok(interval) = Duration::try_from_secs_f64(seconds)
        {
            *heartbeat = interval;
        }
        self.scheduler.subscribed(driver, subscribed);
    }

    fn restart_watchdog(&mut self, cx: &mut Context<Self>) {
        self.stop_watchdog();
        let Link::Up { heartbeat, .. } = &self.link else { return };
        let subscription = self.subscriptions;
        self.watchdog = Some(cx.delay(*heartbeat * HEARTBEATS_MISSED_MAX, move |process, cx| {
            process.lost(cx, subscription, "the master sends no heartbeats any more");
        }));
    }

    fn stop_watchdog(&mut self) {
        if let Some(watchdog) = self.watchdog.take() {
            watchdog.cancel();
        }
    }

    fn perform(&mut self, cx: &mut Context<Self>, request: Request) {
        match request {
            Request::Call(call) => self.call(*call),
            Request::Stop { teardown: false } => self.end(cx, Ok(())),
            Request::Stop { teardown: true } => self.tear_down(cx),
        }
    }

    /// Ends once the master has answered.
    fn tear_down(&mut self, cx: &mut Context<Self>) {
        self.call(calls::teardown());
        self.stop_watchdog();
        match std::mem::replace(&mut self.link, Link::Down) {
            Link::Up { reading, .. } => self.link = Link::Closing { _reading: reading },
            Link::Closing { _reading } => self.link = Link::Closing { _reading },
            Link::Down => return self.end(cx, Err("there is no master to tear the framework down".into())),
        }
        // What comes from the subscription does not count any more.
        self.subscriptions += 1;
    }

    fn refused(&mut self, cx: &mut Context<Self>, kind: call::Type, text: String) {
        match (&self.link, kind) {
            (Link::Closing { .. }, call::Type::Teardown) => self.end(cx, Err(text)),
            _ => self.scheduler.refused(&driver(&cx.pid()), kind, text),
        }
    }

    fn call(&mut self, mut call: Call) {
        let Link::Up { calls, .. } = &self.link else {
            debug!(kind = call.r#type().as_str_name(), "dropping a call, for there is no subscription");
            return;
        };
        call.framework_id.clone_from(&self.config.framework.id);
        // The receiver lives as long as the subscription.
        let _ = calls.send(call);
    }

    fn give_up(&mut self, cx: &mut Context<Self>, text: String) {
        self.scheduler.error(&driver(&cx.pid()), text.clone());
        self.end(cx, Err(text));
    }

    fn end(&mut self, cx: &mut Context<Self>, outcome: Result<(), String>) {
        self.stop_watchdog();
        self.link = Link::Down;
        if let Some(ended) = self.ended.take() {
            match outcome {
                Ok(()) => ended.set(self.config.framework.id.clone()),
                Err(text) => ended.fail(text),
            }
        }
        cx.terminate();
    }
}
