//! A framework that shows all that it gets.

use std::collections::VecDeque;
use std::time::Instant;

use serde_json::{Value, json};

use super::events::Events;
use super::http::{Answer, post_json, request};
use super::tasks::{launch, offer_cpus, task_id};
use super::wait::PATIENCE;

/// States after which nothing comes any more.
const TERMINAL: [&str; 9] = [
    "TASK_FINISHED",
    "TASK_FAILED",
    "TASK_KILLED",
    "TASK_LOST",
    "TASK_ERROR",
    "TASK_DROPPED",
    "TASK_GONE",
    "TASK_GONE_BY_OPERATOR",
    "TASK_UNKNOWN",
];

/// A framework that speaks the v1 API in JSON.
pub(crate) struct Framework {
    pub(crate) address: String,
    pub(crate) info: Value,
    pub(crate) id: Value,
    pub(crate) stream_id: String,
    pub(crate) events: Events,
    /// Whether updates are acknowledged as they come.
    pub(crate) acknowledges: bool,
    /// Events that came, but that nobody has asked for yet.
    waiting: VecDeque<Value>,
}

/// Subscribes; gives the stream and the first event.
#[track_caller]
fn connect(address: &str, info: &Value) -> (Events, Value) {
    let mut call = json!({ "type": "SUBSCRIBE", "subscribe": { "framework_info": info } });
    if info["id"].is_object() {
        call["framework_id"] = info["id"].clone();
    }
    let events = Events::open(address, "/api/v1/scheduler", &[], &call);
    let mut events = events.unwrap_or_else(|answer| panic!("{answer:?}"));
    let first = events.next().expect("a first event");
    assert_eq!(first["type"], "SUBSCRIBED", "{first}");
    (events, first["subscribed"].clone())
}

impl Framework {
    /// Subscribes.
    #[track_caller]
    pub(crate) fn subscribe(address: &str, info: Value) -> Self {
        let (events, subscribed) = connect(address, &info);
        Self {
            address: address.to_owned(),
            info,
            id: subscribed["framework_id"].clone(),
            stream_id: stream_id(&events),
            events,
            acknowledges: true,
            waiting: VecDeque::new(),
        }
    }

    /// The id as text.
    pub(crate) fn id(&self) -> &str {
        self.id["value"].as_str().expect("a framework id")
    }

    /// Subscribes again with the same id; the old stream is given back.
    #[track_caller]
    pub(crate) fn fail_over(&mut self) -> Events {
        self.info["id"] = self.id.clone();
        let (events, _) = connect(&self.address, &self.info);
        self.stream_id = stream_id(&events);
        self.waiting.clear();
        std::mem::replace(&mut self.events, events)
    }

    /// Makes a call; the framework id and the stream id are put in.
    #[track_caller]
    pub(crate) fn try_call(&self, mut call: Value) -> Answer {
        call["framework_id"] = self.id.clone();
        let headers = [("Content-Type", "application/json"), ("Mesos-Stream-Id", self.stream_id.as_str())];
        request(&self.address, "POST", "/api/v1/scheduler", &headers, call.to_string().as_bytes())
    }

    /// Makes a call that must be accepted.
    #[track_caller]
    pub(crate) fn call(&self, call: Value) {
        let answer = self.try_call(call.clone());
        assert_eq!(answer.status, 202, "{call}: {}", answer.text());
        assert!(answer.body.is_empty(), "{}", answer.text());
    }

    /// The first event that gives a value; the others wait for whoever asks for them.
    #[track_caller]
    pub(crate) fn expect<T>(&mut self, what: &str, mut found: impl FnMut(&Value) -> Option<T>) -> T {
        for at in 0..self.waiting.len() {
            if let Some(value) = found(&self.waiting[at]) {
                self.waiting.remove(at);
                return value;
            }
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Heartbeats come, if nothing else does.
            assert!(Instant::now() < deadline, "waited in vain for {what}; {:?} came", self.waiting);
            let Some(event) = self.events.next() else {
                panic!("the stream ended before {what}; {:?} came", self.waiting)
            };
            if self.acknowledges && event["type"] == "UPDATE" {
                self.acknowledge(&event["update"]["status"]);
            }
            if let Some(value) = found(&event) {
                return value;
            }
            self.waiting.push_back(event);
        }
    }

    /// The next event of a type: its member.
    #[track_caller]
    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        let member = kind.to_lowercase();
        self.expect(kind, |event| (event["type"] == kind).then(|| event[&member].clone()))
    }

    /// The next offer; others that come with it are declined.
    #[track_caller]
    pub(crate) fn offer(&mut self) -> Value {
        let mut offers = self.next_of("OFFERS")["offers"].as_array().expect("offers").clone();
        let offer = offers.remove(0);
        self.decline(&offers, 0.0);
        offer
    }

    /// The next offer with room for some tasks; others are declined.
    #[track_caller]
    pub(crate) fn offer_of(&mut self, cpus: f64) -> Value {
        loop {
            let offer = self.offer();
            if offer_cpus(&offer) >= cpus {
                return offer;
            }
            self.decline(&[offer], 0.0);
        }
    }

    pub(crate) fn decline(&self, offers: &[Value], refuse_seconds: f64) {
        if !offers.is_empty() {
            let ids: Vec<_> = offers.iter().map(|offer| offer["id"].clone()).collect();
            let decline = json!({ "offer_ids": ids, "filters": { "refuse_seconds": refuse_seconds } });
            self.call(json!({ "type": "DECLINE", "decline": decline }));
        }
    }

    /// Accepts an offer for operations; what is left comes back at once.
    #[track_caller]
    pub(crate) fn accept(&self, offer: &Value, operations: &[Value]) {
        let accept = json!({
            "offer_ids": [offer["id"]],
            "operations": operations,
            "filters": { "refuse_seconds": 0.0 },
        });
        self.call(json!({ "type": "ACCEPT", "accept": accept }));
    }

    /// Launches tasks on an offer.
    #[track_caller]
    pub(crate) fn launch(&self, offer: &Value, tasks: &[Value]) {
        self.accept(offer, &[launch(tasks)]);
    }

    /// Acknowledges an update that needs it.
    #[track_caller]
    pub(crate) fn acknowledge(&self, status: &Value) {
        if status["uuid"].is_string() {
            let acknowledge = json!({ "agent_id": status["agent_id"], "task_id": status["task_id"], "uuid": status["uuid"] });
            self.call(json!({ "type": "ACKNOWLEDGE", "acknowledge": acknowledge }));
        }
    }

    pub(crate) fn kill(&self, task: &str) {
        self.call(json!({ "type": "KILL", "kill": { "task_id": task_id(task) } }));
    }

    /// The next update of a task: its status.
    #[track_caller]
    pub(crate) fn update_of(&mut self, task: &str) -> Value {
        self.expect(&format!("an update of {task}"), |event| {
            let status = &event["update"]["status"];
            (event["type"] == "UPDATE" && status["task_id"]["value"] == task).then(|| status.clone())
        })
    }

    /// Updates of a task up to one in a state.
    #[track_caller]
    pub(crate) fn updates_to(&mut self, task: &str, state: &str) -> Vec<Value> {
        let mut statuses = vec![self.update_of(task)];
        while statuses.last().is_some_and(|status| status["state"] != state) {
            let last = &statuses[statuses.len() - 1];
            assert!(!is_terminal(last), "{task} ended before {state}: {last}");
            let next = self.update_of(task);
            statuses.push(next);
        }
        statuses
    }

    /// Updates of a task up to its end.
    #[track_caller]
    pub(crate) fn updates_to_end(&mut self, task: &str) -> Vec<Value> {
        let mut statuses = vec![self.update_of(task)];
        while !statuses.last().is_some_and(is_terminal) {
            let next = self.update_of(task);
            statuses.push(next);
        }
        statuses
    }

    /// Launches a task that does not end by itself, and waits until it runs.
    #[track_caller]
    pub(crate) fn run(&mut self, make: impl FnOnce(&Value) -> Value) -> Value {
        let offer = self.offer_of(0.3);
        let task = make(&offer);
        let id = task["task_id"]["value"].as_str().expect("a task id").to_owned();
        self.launch(&offer, &[task]);
        self.updates_to(&id, "TASK_RUNNING").pop().expect("an update")
    }

    /// Ends the framework.
    pub(crate) fn teardown(&self) {
        self.call(json!({ "type": "TEARDOWN" }));
    }

    /// What the master's operator API answers to a call without a member.
    #[track_caller]
    pub(crate) fn ask_master(&self, kind: &str) -> Value {
        let answer = post_json(&self.address, "/api/v1", &json!({ "type": kind }));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()[kind.to_lowercase()].clone()
    }
}

impl Drop for Framework {
    /// Takes its tasks with it, unless the master is gone already.
    fn drop(&mut self) {
        if !std::thread::panicking() && std::net::TcpStream::connect(&self.address).is_ok() {
            self.try_call(json!({ "type": "TEARDOWN" }));
        }
    }
}

fn stream_id(events: &Events) -> String {
    events.head.header("mesos-stream-id").expect("a Mesos-Stream-Id").to_owned()
}

fn is_terminal(status: &Value) -> bool {
    TERMINAL.iter().any(|state| status["state"] == *state)
}
