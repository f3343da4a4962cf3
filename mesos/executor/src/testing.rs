//! An agent of which a test decides what it says.

use std::time::Duration;

use libprocess::http::{Reply, Request, Response, Writer, pipe};
use libprocess::{Context, Node, Pid, Process};
use mesos_api::v1::executor::{Call, Event, call, event};
use mesos_api::v1::framework_info::{Capability, capability};
use mesos_api::v1::{ContainerId, TaskInfo, TaskState, TaskStatus};
use mesos_api::{ContentType, recordio};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{Executor, Options, RunError, run};

/// Longer than any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(30);

struct FakeAgentProcess {
    calls: mpsc::UnboundedSender<Call>,
    stream: Option<(Writer, ContentType)>,
    /// What is answered to subscriptions instead, first to last.
    refusals: Vec<Response>,
}

impl Process for FakeAgentProcess {
    const ID_PREFIX: &'static str = "slave";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.route("/api/v1/executor", "the executor API", |p, _, request| p.call(&request));
    }
}

impl FakeAgentProcess {
    fn call(&mut self, request: &Request) -> Reply {
        let content_type = ContentType::from_name(request.header("content-type").unwrap()).unwrap();
        let call: Call = content_type.decode(&request.body).unwrap();
        let subscribes = call.r#type() == call::Type::Subscribe;
        self.calls.send(call).unwrap();
        if !subscribes {
            return Response::accepted().into();
        }
        if !self.refusals.is_empty() {
            return self.refusals.remove(0).into();
        }
        let (writer, reader) = pipe(1 << 20);
        self.stream = Some((writer, content_type));
        Response::stream(content_type.name(), reader).into()
    }
}

/// An agent with one executor.
pub(crate) struct FakeAgent {
    pub(crate) node: Node,
    process: Pid<FakeAgentProcess>,
    calls: mpsc::UnboundedReceiver<Call>,
    pub(crate) options: Options,
    pub(crate) capabilities: Vec<capability::Type>,
}

impl FakeAgent {
    pub(crate) async fn start() -> Self {
        Self::refusing(Vec::new()).await
    }

    pub(crate) async fn refusing(refusals: Vec<Response>) -> Self {
        let node = Node::builder().start().await.unwrap();
        let (sender, calls) = mpsc::unbounded_channel();
        let process =
            node.spawn_as("slave(1)", FakeAgentProcess { calls: sender, stream: None, refusals }).unwrap();
        let options = Options {
            framework_id: "framework".into(),
            executor_id: "executor".into(),
            agent_url: format!("http://{}/slave(1)", node.address()),
            sandbox: std::env::temp_dir(),
            checkpoint: true,
            recovery_timeout: Duration::from_secs(60),
            subscription_backoff_max: Duration::from_millis(20),
            shutdown_grace_period: Duration::from_secs(20),
            first_subscription_timeout: Duration::from_secs(20),
            authentication_token: None,
            content_type: ContentType::Json,
            exits_process: false,
        };
        Self { node, process, calls, options, capabilities: Vec::new() }
    }

    pub(crate) fn run<E: Executor>(&self, executor: E) -> JoinHandle<Result<(), RunError>> {
        tokio::spawn(run(executor, self.options.clone()))
    }

    pub(crate) async fn next_call(&mut self) -> Call {
        tokio::time::timeout(PATIENCE, self.calls.recv()).await.expect("a call comes").unwrap()
    }

    /// Takes the subscription and confirms it.
    pub(crate) async fn subscribe(&mut self) -> call::Subscribe {
        let call = self.next_call().await;
        assert_eq!(
            (call.framework_id.value.as_str(), call.executor_id.value.as_str()),
            ("framework", "executor")
        );
        let mut subscribed =
            event::Subscribed { container_id: Some(ContainerId::from("root")), ..Default::default() };
        subscribed.framework_info.capabilities =
            self.capabilities.iter().map(|kind| Capability { r#type: Some(*kind as i32) }).collect();
        subscribed.agent_info.hostname = "host".into();
        let kind = event::Type::Subscribed;
        self.event(kind, Event { subscribed: Some(subscribed), ..Default::default() }).await;
        call.subscribe.expect("a subscription")
    }

    pub(crate) async fn event(&self, kind: event::Type, event: Event) {
        let event = Event { r#type: Some(kind as i32), ..event };
        let written = self.process.ask(move |p, _| {
            let (writer, content_type) = p.stream.as_ref().expect("a subscription");
            writer.write(recordio::encode(&content_type.encode(&event)))
        });
        assert_eq!(written.await, Ok(true));
    }

    pub(crate) async fn launch(&self, task: TaskInfo) {
        let launch = Some(event::Launch { task });
        self.event(event::Type::Launch, Event { launch, ..Default::default() }).await;
    }

    pub(crate) async fn kill(&self, task: &str, grace: Option<Duration>) {
        let nanoseconds = grace.map(|grace| grace.as_nanos() as i64);
        let grace_period = nanoseconds.map(|nanoseconds| mesos_api::v1::DurationInfo { nanoseconds });
        let kill_policy = Some(mesos_api::v1::KillPolicy { grace_period });
        let kill = Some(event::Kill { task_id: task.into(), kill_policy });
        self.event(event::Type::Kill, Event { kill, ..Default::default() }).await;
    }

    pub(crate) async fn shut_down(&self) {
        self.event(event::Type::Shutdown, Event::default()).await;
    }

    pub(crate) async fn acknowledge(&self, status: &TaskStatus) {
        let (task_id, uuid) = (status.task_id.clone(), status.uuid().to_vec());
        let acknowledged = Some(event::Acknowledged { task_id, uuid });
        self.event(event::Type::Acknowledged, Event { acknowledged, ..Default::default() }).await;
    }

    /// The next update, which must be of this state.
    pub(crate) async fn update(&mut self, state: TaskState) -> TaskStatus {
        let call = self.next_call().await;
        let status = call.update.unwrap_or_else(|| panic!("an update, not {:?}", call.r#type)).status;
        assert_eq!(status.state(), state, "{status:?}");
        assert_eq!(status.uuid().len(), 16);
        status
    }

    /// The next update, which must be of this state, acknowledged.
    pub(crate) async fn expect(&mut self, state: TaskState) -> TaskStatus {
        let status = self.update(state).await;
        self.acknowledge(&status).await;
        status
    }

    /// Breaks the stream of events.
    pub(crate) async fn disconnect(&self) {
        self.process.ask(|p, _| p.stream.take().map(|(writer, _)| writer.fail("gone"))).await.unwrap();
    }
}

/// Waits for an executor to end.
pub(crate) async fn ended(running: JoinHandle<Result<(), RunError>>) -> Result<(), RunError> {
    tokio::time::timeout(PATIENCE, running).await.expect("the executor ends").unwrap()
}
