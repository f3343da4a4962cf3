//! Executors of the old protocol.

use std::time::Duration;

use libprocess::{Context, Node, Pid, Process, Upid, WireMessage};
use mesos_agent::AgentFlags;
use mesos_api::internal::{
    ExecutorRegisteredMessage, ExecutorReregisteredMessage, KillTaskMessage, ReconnectExecutorMessage,
    RegisterExecutorMessage, ReregisterExecutorMessage, RunTaskMessage, ShutdownExecutorMessage,
    StatusUpdate, StatusUpdateAcknowledgementMessage, StatusUpdateMessage,
};
use mesos_api::v1::{AgentId, ExecutorId, FrameworkId, TaskId, TaskState, TaskStatus};
use tokio::sync::mpsc;

use crate::fixture::{Fixture, agent_pid, framework, run, run_task, task, tests};
use crate::master::Heard;

tests![old_executor_runs_a_task, old_executor_comes_back_after_a_crash];

#[derive(Debug, PartialEq, Clone)]
enum Told {
    Registered,
    Reregistered,
    Reconnect(Upid),
    Run(String),
    Kill(String),
    Acknowledged(Vec<u8>),
    Shutdown,
}

struct OldExecutor {
    tell: mpsc::UnboundedSender<Told>,
}

impl Process for OldExecutor {
    const ID_PREFIX: &'static str = "executor";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        fn on<M: WireMessage>(
            cx: &mut Context<OldExecutor>,
            told: impl Fn(&Upid, M) -> Told + Send + Sync + 'static,
        ) {
            cx.install(move |executor: &mut OldExecutor, _cx, from, message: M| {
                let _ = executor.tell.send(told(from, message));
            });
        }
        on(cx, |_, _: ExecutorRegisteredMessage| Told::Registered);
        on(cx, |_, _: ExecutorReregisteredMessage| Told::Reregistered);
        on(cx, |from, _: ReconnectExecutorMessage| Told::Reconnect(from.clone()));
        on(cx, |_, message: RunTaskMessage| Told::Run(message.task.task_id.value));
        on(cx, |_, message: KillTaskMessage| Told::Kill(message.task_id.value));
        on(cx, |_, message: StatusUpdateAcknowledgementMessage| Told::Acknowledged(message.uuid));
        on(cx, |_, _: ShutdownExecutorMessage| Told::Shutdown);
    }
}

struct Old {
    pid: Pid<OldExecutor>,
    told: mpsc::UnboundedReceiver<Told>,
}

fn framework_id() -> FrameworkId {
    FrameworkId { value: "F".into() }
}

impl Old {
    fn start(node: &Node) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        Old { pid: node.spawn(OldExecutor { tell }), told }
    }

    fn say<M: WireMessage + Sync>(&self, agent: &Upid, message: M) {
        let agent = agent.clone();
        self.pid.tell(move |_executor, cx| cx.send(&agent, &message));
    }

    async fn next(&mut self) -> Told {
        self.told.recv().await.unwrap()
    }

    fn update(&self, agent: &Upid, state: TaskState, number: u8) {
        let agent_id = AgentId { value: "S0".into() };
        let update = StatusUpdate {
            framework_id: framework_id(),
            executor_id: Some(ExecutorId { value: "e".into() }),
            slave_id: Some(agent_id.clone()),
            status: TaskStatus {
                task_id: TaskId { value: "t".into() },
                state: state as i32,
                agent_id: Some(agent_id),
                ..TaskStatus::default()
            },
            uuid: Some(vec![number; 16]),
            ..StatusUpdate::default()
        };
        self.say(agent, StatusUpdateMessage { update, pid: Some(self.pid.upid().to_string()) });
    }
}

/// An agent with an executor that has called.
async fn started(fixture: &mut Fixture, node: &Node, checkpoint: bool) -> (mesos_agent::Agent, Old) {
    let agent = fixture.registered().await;
    let pid = agent_pid(&agent);
    fixture.master.say(&pid, run_task(framework(checkpoint), task("t", "e")));
    let mut old = Old::start(node);
    loop {
        let executor_id = ExecutorId { value: "e".into() };
        old.say(&pid, RegisterExecutorMessage { framework_id: framework_id(), executor_id });
        // One that the agent does not know yet is told to end.
        if old.next().await == Told::Registered {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(old.next().await, Told::Run("t".into()));
    (agent, old)
}

fn old_executor_runs_a_task() {
    run(|mut fixture| async move {
        let node = Node::builder().start().await.unwrap();
        let (agent, mut old) = started(&mut fixture, &node, false).await;
        let pid = agent_pid(&agent);
        old.update(&pid, TaskState::TaskRunning, 1);
        assert_eq!(old.next().await, Told::Acknowledged(vec![1; 16]));
        let update = fixture.master.update().await;
        assert_eq!(update.status.executor_id.as_ref().unwrap().value, "e");
        fixture.master.acknowledge(&pid, &update);
        let kill = KillTaskMessage {
            framework_id: framework_id(),
            task_id: TaskId { value: "t".into() },
            kill_policy: None,
        };
        fixture.master.say(&pid, kill);
        assert_eq!(old.next().await, Told::Kill("t".into()));
        old.update(&pid, TaskState::TaskKilled, 2);
        assert_eq!(old.next().await, Told::Acknowledged(vec![2; 16]));
        assert_eq!(fixture.master.update().await.status.state(), TaskState::TaskKilled);
        agent.stop().await;
        node.shutdown().await;
    });
}

fn old_executor_comes_back_after_a_crash() {
    run(|mut fixture| async move {
        let node = Node::builder().start().await.unwrap();
        let (agent, mut old) = started(&mut fixture, &node, true).await;
        let pid = agent_pid(&agent);
        old.update(&pid, TaskState::TaskRunning, 1);
        assert_eq!(old.next().await, Told::Acknowledged(vec![1; 16]));
        fixture.crash().await;
        let flags = AgentFlags { executor_reregistration_timeout: Duration::from_secs(1), ..fixture.flags() };
        let agent = fixture.agent(flags).await;
        let Told::Reconnect(pid) = old.next().await else { panic!("it is not asked to come back") };
        let executor_id = ExecutorId { value: "e".into() };
        let (tasks, updates) = (Vec::new(), Vec::new());
        old.say(
            &pid,
            ReregisterExecutorMessage { executor_id, framework_id: framework_id(), tasks, updates },
        );
        assert_eq!(old.next().await, Told::Reregistered);
        while !matches!(fixture.master.register().await, (_, Heard::Reregister(_))) {}
        let update = fixture.master.update().await;
        assert_eq!(update.uuid, Some(vec![1; 16]), "what was not acknowledged comes again");
        agent.stop().await;
        node.shutdown().await;
    });
}
