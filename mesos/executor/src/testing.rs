//! An agent of which a test decides what it says.

mod fixture;

use std::time::Duration;

use libprocess::http::{Reply, Request, Response, Writer, pipe};
use libprocess::{Context, Node, Pid, Process, Promise};
use mesos_api::v1::executor::{Call, Event, call, event};
use mesos_api::v1::framework_info::{Capability, capability};
use mesos_api::v1::{ContainerId, TaskGroupInfo, TaskInfo, TaskState, TaskStatus, agent};
use mesos_api::{ContentType, json, recordio};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(crate) use fixture::{Fixture, health_check, shell, task};

use crate::{Executor, Options, RunError, run};

/// Longer than any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(30);

struct FakeAgentProcess {
    calls: mpsc::UnboundedSender<Call>,
    stream: Option<(Writer, ContentType)>,
    /// What is answered to subscriptions instead, first to last.
    refusals: Vec<Response>,
    nested: Vec<Nested>,
}

/// A nested container that does what a test says.
struct Nested {
    id: ContainerId,
    command: String,
    signals: Vec<i32>,
    exit_status: Option<i32>,
    waiting: Vec<Promise<Response>>,
    removed: bool,
}

impl Nested {
    fn answer(&self, exit_status: i32) -> Response {
        let ended =
            agent::response::WaitNestedContainer { exit_status: Some(exit_status), ..Default::default() };
        let response = agent::Response { wait_nested_container: Some(ended), ..agent::Response::default() };
        Response::json(json::to_vec(&response))
    }

    fn end(&mut self, exit_status: i32) {
        self.exit_status = Some(exit_status);
        let answers: Vec<Response> = self.waiting.iter().map(|_| self.answer(exit_status)).collect();
        self.waiting.drain(..).zip(answers).for_each(|(promise, answer)| promise.set(answer));
    }
}

impl Process for FakeAgentProcess {
    const ID_PREFIX: &'static str = "slave";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.route("/api/v1/executor", "the executor API", |p, _, request| p.call(&request));
        cx.route("/api/v1", "the operator API", |p, _, request| p.operate(&request));
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

    /// Runs containers by their command: a number is the wait status they end with at once, `refuse`
    /// is not launched, `stubborn` ends by SIGKILL only, and all others by any signal.
    fn operate(&mut self, request: &Request) -> Reply {
        let call: agent::Call = json::from_slice(&request.body).unwrap();
        if let Some(launch) = call.launch_nested_container {
            let command = launch.command.unwrap().value.unwrap();
            if command == "refuse" {
                return Response::bad_request("no such thing").into();
            }
            let exit_status = command.parse().ok();
            let (signals, waiting) = (Vec::new(), Vec::new());
            let id = launch.container_id;
            self.nested.push(Nested { id, command, signals, exit_status, waiting, removed: false });
            return Response::ok().into();
        }
        let of = |id: &ContainerId| self.nested.iter().position(|nested| nested.id == *id);
        if let Some(wait) = call.wait_nested_container {
            let Some(index) = of(&wait.container_id) else { return Response::not_found().into() };
            let nested = &mut self.nested[index];
            if let Some(exit_status) = nested.exit_status {
                return nested.answer(exit_status).into();
            }
            let promise = Promise::new();
            let answer = promise.future();
            nested.waiting.push(promise);
            return Reply::later(async move { answer.await.unwrap_or_else(|_| Response::not_found()) });
        }
        if let Some(kill) = call.kill_nested_container {
            let Some(index) = of(&kill.container_id) else { return Response::not_found().into() };
            let nested = &mut self.nested[index];
            nested.signals.push(kill.signal());
            if nested.command != "stubborn" || kill.signal() == 9 {
                nested.end(kill.signal());
            }
            return Response::ok().into();
        }
        let remove = call.remove_nested_container.unwrap();
        let index = of(&remove.container_id).unwrap();
        self.nested[index].removed = true;
        Response::ok().into()
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
        let process = node
            .spawn_as(
                "slave(1)",
                FakeAgentProcess { calls: sender, stream: None, refusals, nested: Vec::new() },
            )
            .unwrap();
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

    pub(crate) async fn launch_group(&self, tasks: Vec<TaskInfo>) {
        let launch_group = Some(event::LaunchGroup { task_group: TaskGroupInfo { tasks } });
        self.event(event::Type::LaunchGroup, Event { launch_group, ..Default::default() }).await;
    }

    /// The signals that containers with this command got, and whether they were removed.
    pub(crate) async fn nested(&self, command: &'static str) -> Vec<(Vec<i32>, bool)> {
        let found = self.process.ask(move |p, _| {
            let mine = p.nested.iter().filter(|nested| nested.command == command);
            mine.map(|nested| (nested.signals.clone(), nested.removed)).collect()
        });
        found.await.unwrap()
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
