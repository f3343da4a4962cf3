//! A master on a node, and a client for it.

use std::time::Duration;

use libprocess::http::{Client, ClientResponse, HeaderMap, Method};
use libprocess::{Clock, Node, Time};
use mesos_api::recordio;
use mesos_daemon::logging::Verbosity;
use mesos_master::{Components, Flags, Master};
use mesos_registrar::Registrar;
use serde_json::{Value, json};

/// Real time: how long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A master that a test talks to.
pub(crate) struct Rig {
    pub(crate) node: Node,
    pub(crate) master: Master,
    client: Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(Clock::system(), Flags::default(), |_| {}).await
    }

    /// A master whose time only passes when the test says so.
    pub(crate) async fn paused(flags: Flags) -> Self {
        let rig = Self::with(Clock::paused(Time::from_nanos(1_500_000_000_000_000_000)), flags, |_| {}).await;
        rig.recovered().await;
        rig
    }

    pub(crate) async fn with(clock: Clock, flags: Flags, change: impl FnOnce(&mut Components)) -> Self {
        let node = Node::builder().clock(clock).delegate("master").start().await.unwrap();
        let mut components = Components::new(&node, &flags, Verbosity::default()).unwrap();
        change(&mut components);
        let master = Master::start_with(&node, flags, components).unwrap();
        Self { node, master, client: Client::new() }
    }

    /// A master with another registrar.
    pub(crate) async fn with_registrar(registrar: impl FnOnce(&Node) -> Registrar) -> Self {
        let node = Node::builder().delegate("master").start().await.unwrap();
        let flags = Flags::default();
        let components = Components::new(&node, &flags, Verbosity::default()).unwrap();
        let registrar = registrar(&node);
        let components = Components { registrar, ..components };
        let master = Master::start_with(&node, flags, components).unwrap();
        Self { node, master, client: Client::new() }
    }

    /// The metric of this name, if there is one.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        self.node.metrics().snapshot(None).await.get(name).copied()
    }

    /// Waits until the master has read its registry.
    pub(crate) async fn recovered(&self) {
        let health = json!({"type": "GET_HEALTH"});
        while self.post("/api/v1", &health).await.status == 503 {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> ClientResponse {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name.parse::<libprocess::http::header::HeaderName>().unwrap(), value.parse().unwrap());
        }
        let url = format!("http://{}{path}", self.node.address());
        tokio::time::timeout(PATIENCE, self.client.request(method, &url, map, body)).await.unwrap().unwrap()
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let response = self.open(method, path, headers, body).await;
        let (status, headers) = (response.status.as_u16(), response.headers.clone());
        let body = tokio::time::timeout(PATIENCE, response.bytes(64 << 20)).await.unwrap().unwrap();
        Answer { status, headers, body: body.to_vec() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], Vec::new()).await
    }

    /// A call in JSON.
    pub(crate) async fn post(&self, path: &str, call: &Value) -> Answer {
        self.ask(Method::POST, path, JSON, call.to_string().into_bytes()).await
    }

    /// A call of an operator that must work.
    pub(crate) async fn operator(&self, call: Value) -> Value {
        self.post("/api/v1", &call).await.json()
    }

    /// A call of an operator that must be answered by 200 without a body.
    pub(crate) async fn operator_ok(&self, call: Value) {
        let answer = self.post("/api/v1", &call).await;
        assert_eq!((answer.status, answer.text()), (200, ""));
    }

    /// Launches tasks on an offer.
    pub(crate) async fn launch(&self, scheduler: &Scheduler, offer: &Value, tasks: Value) {
        let accept = json!({"type": "ACCEPT", "accept": {"offer_ids": [offer["id"]],
            "operations": [{"type": "LAUNCH", "launch": {"task_infos": tasks}}]}});
        self.call(scheduler, accept).await;
    }

    /// Subscribes a framework, as the call says.
    pub(crate) async fn subscribe(&self, framework_info: Value) -> Scheduler {
        let mut call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": framework_info}});
        if let Some(id) = call["subscribe"]["framework_info"].get("id").cloned() {
            call["framework_id"] = id;
        }
        let response =
            self.open(Method::POST, "/api/v1/scheduler", JSON, call.to_string().into_bytes()).await;
        assert_eq!(response.status, 200);
        let stream_id = response.header("mesos-stream-id").unwrap().to_owned();
        Scheduler { events: Events::new(response), stream_id, framework_id: Value::Null }
    }

    /// A subscribed framework with the default role.
    pub(crate) async fn framework(&self) -> Scheduler {
        let mut scheduler = self.subscribe(json!({"user": "u", "name": "test"})).await;
        scheduler.welcomed().await;
        scheduler
    }

    /// A scheduler's call that must be accepted.
    pub(crate) async fn call(&self, scheduler: &Scheduler, call: Value) {
        let answer = self.scheduler_call(scheduler, call).await;
        assert_eq!((answer.status, answer.text()), (202, ""));
    }

    pub(crate) async fn scheduler_call(&self, scheduler: &Scheduler, mut call: Value) -> Answer {
        call["framework_id"] = scheduler.framework_id.clone();
        let headers = [JSON[0], ("Mesos-Stream-Id", &scheduler.stream_id)];
        self.ask(Method::POST, "/api/v1/scheduler", &headers, call.to_string().into_bytes()).await
    }
}

pub(crate) const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];

/// A scheduler that subscribed over HTTP.
pub(crate) struct Scheduler {
    pub(crate) events: Events,
    pub(crate) stream_id: String,
    pub(crate) framework_id: Value,
}

impl Scheduler {
    /// Reads SUBSCRIBED and the first heartbeat.
    pub(crate) async fn welcomed(&mut self) {
        let subscribed = self.events.next().await;
        assert_eq!(subscribed["type"], "SUBSCRIBED", "{subscribed}");
        self.framework_id = subscribed["subscribed"]["framework_id"].clone();
        assert_eq!(self.events.next().await, json!({"type": "HEARTBEAT"}));
    }

    /// The first offer of the next OFFERS.
    pub(crate) async fn offer(&mut self) -> Value {
        let event = self.events.expect("OFFERS").await;
        event["offers"]["offers"][0].clone()
    }
}

/// A stream of events in JSON.
pub(crate) struct Events {
    response: ClientResponse,
    decoder: recordio::Decoder,
    ready: Vec<Vec<u8>>,
}

impl Events {
    pub(crate) fn new(response: ClientResponse) -> Self {
        Self { response, decoder: recordio::Decoder::default(), ready: Vec::new() }
    }

    /// The next event; none at the end of the stream.
    pub(crate) async fn try_next(&mut self) -> Option<Value> {
        while self.ready.is_empty() {
            let chunk =
                tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("an event in time")?;
            self.ready = self.decoder.push(&chunk.unwrap()).unwrap();
        }
        let record = self.ready.remove(0);
        assert!(!record.contains(&b'\n'), "a line feed in a record");
        Some(serde_json::from_slice(&record).unwrap())
    }

    pub(crate) async fn next(&mut self) -> Value {
        self.try_next().await.expect("another event")
    }

    /// The next event that is not a heartbeat, which must be of this type.
    pub(crate) async fn expect(&mut self, r#type: &str) -> Value {
        loop {
            let event = self.next().await;
            if event["type"] == r#type {
                return event;
            }
            assert_eq!(event["type"], "HEARTBEAT", "{event}");
        }
    }

    /// The next piece as it came over the connection.
    pub(crate) async fn chunk(&mut self) -> Option<Result<Vec<u8>, String>> {
        let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("a chunk in time")?;
        Some(chunk.map(|chunk| chunk.to_vec()).map_err(|error| error.to_string()))
    }
}
