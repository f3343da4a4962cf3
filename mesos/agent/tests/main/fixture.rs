//! An agent in a directory that is gone after the test.

use std::future::Future;
use std::time::Duration;

use libprocess::http::{Client, ClientResponse, HeaderMap, Method, header};
use libprocess::{Clock, Node, Time, Upid};
use mesos_agent::{Agent, AgentFlags, Helper, Parts, StartError};
use mesos_api::recordio;
use mesos_api::v1::{self, FrameworkInfo, TaskInfo, executor};
use mesos_resources::Resources;
use mesos_testing::Leftovers;
pub(crate) use mesos_testing::{LAUNCH, processes_with, tests};
use tempfile::TempDir;

use crate::master::Master;

pub(crate) const AGENT_ID: &str = "S0";

/// Longer than any test takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Fixture {
    pub(crate) directory: TempDir,
    pub(crate) clock: Clock,
    pub(crate) node: Node,
    pub(crate) master_node: Node,
    pub(crate) master: Master,
}

/// Runs a test on a clock that stands still.
pub(crate) fn paused<T: Future<Output = ()>>(test: impl FnOnce(Fixture) -> T) {
    run_with(Clock::paused(Time::from_secs_f64(1.5e9)), test);
}

/// Runs a test on the system's clock.
pub(crate) fn run<T: Future<Output = ()>>(test: impl FnOnce(Fixture) -> T) {
    run_with(Clock::system(), test);
}

fn run_with<T: Future<Output = ()>>(clock: Clock, test: impl FnOnce(Fixture) -> T) {
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .try_init();
    let directory = TempDir::new().unwrap();
    let _guard = Leftovers(directory.path().display().to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let fixture = Fixture::start(clock, directory).await;
        tokio::time::timeout(PATIENCE, test(fixture)).await.expect("the test takes too long");
    });
}

impl Fixture {
    async fn start(clock: Clock, directory: TempDir) -> Self {
        let builder = || Node::builder().clock(clock.clone());
        let node = builder().delegate("slave(1)").start().await.unwrap();
        let master_node = builder().delegate("master").start().await.unwrap();
        let master = Master::start(&master_node);
        Fixture { directory, clock, node, master_node, master }
    }

    /// Ends the agent's node as a crash does, and starts another in its place.
    pub(crate) async fn crash(&mut self) {
        let address = self.node.address();
        self.node.shutdown().await;
        let builder = || Node::builder().clock(self.clock.clone()).bind(address).delegate("slave(1)");
        self.node = loop {
            match builder().start().await {
                Ok(node) => break node,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
    }

    pub(crate) fn flags(&self) -> AgentFlags {
        AgentFlags {
            master: self.master_node.address().to_string(),
            work_dir: self.directory.path().join("work"),
            runtime_dir: self.directory.path().join("run"),
            resources: Some("cpus:2;mem:1024;disk:1024;ports:[31000-32000]".into()),
            switch_user: false,
            ..AgentFlags::default()
        }
    }

    pub(crate) async fn agent(&self, flags: AgentFlags) -> Agent {
        self.try_agent(flags).await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) async fn try_agent(&self, flags: AgentFlags) -> Result<Agent, StartError> {
        self.agent_with(flags, Helper { arguments: vec![LAUNCH.to_owned()], ..Helper::default() }).await
    }

    /// An agent with a helper of its own.
    pub(crate) async fn agent_with(&self, flags: AgentFlags, helper: Helper) -> Result<Agent, StartError> {
        let parts = Parts { container_helper: Some(helper), ..Parts::default() };
        Agent::start(&self.node, flags, parts).await
    }

    /// An agent that its master knows.
    pub(crate) async fn registered(&mut self) -> Agent {
        let flags = AgentFlags { registration_backoff_factor: Duration::ZERO, ..self.flags() };
        let agent = self.agent(flags).await;
        self.master.register().await;
        agent
    }

    pub(crate) fn work_dir(&self) -> std::path::PathBuf {
        self.directory.path().join("work")
    }

    /// Where the executor's run is remembered.
    pub(crate) fn run_meta(&self, executor: &str) -> std::path::PathBuf {
        let runs =
            self.work_dir().join(format!("meta/slaves/{AGENT_ID}/frameworks/F/executors/{executor}/runs"));
        std::fs::canonicalize(runs.join("latest")).unwrap()
    }

    /// A reply to a call of an operator.
    pub(crate) async fn ask(&self, call: &str) -> serde_json::Value {
        let response = self.post("/api/v1", call).await;
        let status = response.status;
        let body = response.bytes(1 << 20).await.unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// The JSON of an endpoint.
    pub(crate) async fn get(&self, path: &str) -> serde_json::Value {
        let response = self.request(Method::GET, path, &[], "").await;
        assert_eq!(response.status, 200, "{path}");
        serde_json::from_slice(&response.bytes(1 << 20).await.unwrap()).unwrap()
    }

    /// Sends a request to the agent.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> ClientResponse {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let url = format!("http://{}{path}", self.node.address());
        Client::new().request(method, &url, map, body.into()).await.unwrap()
    }

    /// Sends a call in JSON.
    pub(crate) async fn post(&self, path: &str, body: &str) -> ClientResponse {
        self.request(Method::POST, path, &[(header::CONTENT_TYPE.as_str(), "application/json")], body).await
    }
}

/// An executor that the test plays.
pub(crate) struct Executor {
    response: ClientResponse,
    decoder: recordio::Decoder,
    events: std::collections::VecDeque<executor::Event>,
}

impl Executor {
    /// Subscribes, as soon as the agent lets it.
    pub(crate) async fn subscribe(fixture: &Fixture, executor: &str) -> Self {
        Self::subscribe_with(fixture, executor, "{}").await
    }

    /// Subscribes with what it still knows.
    pub(crate) async fn subscribe_with(fixture: &Fixture, executor: &str, subscribe: &str) -> Self {
        let body = format!(
            r#"{{"type":"SUBSCRIBE","framework_id":{{"value":"F"}},"executor_id":{{"value":"{executor}"}},"subscribe":{subscribe}}}"#
        );
        let response = loop {
            let response = fixture.post("/slave(1)/api/v1/executor", &body).await;
            // Until the agent has heard of the task.
            if response.status == 200 {
                break response;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        };
        Executor {
            response,
            decoder: recordio::Decoder::new(1 << 20),
            events: std::collections::VecDeque::new(),
        }
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn event(&mut self) -> Option<executor::Event> {
        while self.events.is_empty() {
            let chunk = self.response.chunk().await?.unwrap();
            let records = self.decoder.push(&chunk).unwrap();
            self.events.extend(records.iter().map(|record| mesos_api::json::from_slice(record).unwrap()));
        }
        self.events.pop_front()
    }

    pub(crate) async fn kind(&mut self) -> Option<executor::event::Type> {
        self.event().await.map(|event| event.r#type())
    }
}

/// Tells the agent a state of a task as its executor does.
pub(crate) async fn tell(fixture: &Fixture, executor: &str, task: &str, state: &str, number: u8) {
    let status = status(task, state, number);
    let body = format!(
        r#"{{"type":"UPDATE","framework_id":{{"value":"F"}},"executor_id":{{"value":"{executor}"}},"update":{{"status":{status}}}}}"#
    );
    let response = fixture.post("/slave(1)/api/v1/executor", &body).await;
    assert_eq!(response.status, 202);
}

/// A state of a task as its executor tells it, in JSON.
pub(crate) fn status(task: &str, state: &str, number: u8) -> String {
    let status = v1::TaskStatus {
        task_id: v1::TaskId { value: task.into() },
        state: v1::TaskState::from_str_name(state).unwrap() as i32,
        source: Some(v1::task_status::Source::Executor as i32),
        uuid: Some(vec![number; 16]),
        ..Default::default()
    };
    mesos_api::json::to_string(&status)
}

pub(crate) fn framework(checkpoint: bool) -> FrameworkInfo {
    FrameworkInfo {
        user: "nobody".into(),
        name: "test".into(),
        id: Some(v1::FrameworkId { value: "F".into() }),
        checkpoint: Some(checkpoint),
        ..FrameworkInfo::default()
    }
}

pub(crate) fn resources(text: &str) -> Vec<v1::Resource> {
    let mut resources = Resources::parse(text, "*").unwrap();
    resources.allocate("*");
    resources.to_protos()
}

/// A task with an executor of its own that only sleeps: the test speaks for it.
pub(crate) fn task(id: &str, executor: &str) -> TaskInfo {
    let command = v1::CommandInfo { value: Some("sleep 1000".into()), ..Default::default() };
    TaskInfo {
        name: id.into(),
        task_id: v1::TaskId { value: id.into() },
        agent_id: v1::AgentId { value: AGENT_ID.into() },
        resources: resources("cpus:0.5;mem:64"),
        executor: Some(v1::ExecutorInfo {
            executor_id: v1::ExecutorId { value: executor.into() },
            framework_id: Some(v1::FrameworkId { value: "F".into() }),
            command: Some(command),
            resources: resources("cpus:0.1;mem:32"),
            ..Default::default()
        }),
        ..TaskInfo::default()
    }
}

pub(crate) fn run_task(framework: FrameworkInfo, task: TaskInfo) -> mesos_api::internal::RunTaskMessage {
    mesos_api::internal::RunTaskMessage { framework, task, ..Default::default() }
}

/// Waits until something holds that nobody tells.
pub(crate) async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn agent_pid(agent: &Agent) -> Upid {
    agent.upid().clone()
}
