use std::time::Duration;

use libprocess::http::Response;
use mesos_api::ContentType;
use mesos_api::v1::executor::{Event, event};
use mesos_api::v1::{KillPolicy, TaskId, TaskInfo, TaskState};
use tokio::sync::mpsc;

use super::*;
use crate::testing::{FakeAgent, ended};

/// Says what happens to it.
struct Recorder {
    seen: mpsc::UnboundedSender<String>,
    stops: bool,
}

impl Recorder {
    fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (seen, receiver) = mpsc::unbounded_channel();
        (Self { seen, stops: true }, receiver)
    }

    fn see(&self, what: impl std::fmt::Display) {
        let _ = self.seen.send(what.to_string());
    }
}

impl Executor for Recorder {
    fn subscribed(&mut self, _: &Driver<Self>, subscribed: &event::Subscribed) {
        self.see(format_args!("subscribed at {}", subscribed.agent_info.hostname));
    }

    fn disconnected(&mut self, _: &Driver<Self>) {
        self.see("disconnected");
    }

    fn launch(&mut self, driver: &Driver<Self>, task: TaskInfo) {
        self.see(format_args!("launch {}", task.task_id));
        driver.update(TaskStatus {
            task_id: task.task_id,
            state: TaskState::TaskRunning as i32,
            ..Default::default()
        });
    }

    fn kill(&mut self, driver: &Driver<Self>, task_id: TaskId, _: Option<KillPolicy>) {
        self.see(format_args!("kill {task_id}"));
        driver.after(Duration::from_millis(1), |executor, _| executor.see("later"));
    }

    fn acknowledged(&mut self, _: &Driver<Self>, task_id: &TaskId, _: &[u8]) {
        self.see(format_args!("acknowledged {task_id}"));
    }

    fn message(&mut self, driver: &Driver<Self>, data: Vec<u8>) {
        driver.message(data);
    }

    fn error(&mut self, _: &Driver<Self>, message: &str) {
        self.see(format_args!("error {message}"));
    }

    fn shutdown(&mut self, driver: &Driver<Self>) {
        self.see("shutdown");
        if self.stops {
            driver.stop();
        }
    }
}

fn task(id: &str) -> TaskInfo {
    TaskInfo { task_id: id.into(), name: id.into(), agent_id: "a".into(), ..Default::default() }
}

#[tokio::test]
async fn events_reach_the_executor_and_calls_the_agent() {
    for content_type in [ContentType::Json, ContentType::Protobuf] {
        let mut agent = FakeAgent::start().await;
        agent.options.content_type = content_type;
        let (executor, mut seen) = Recorder::new();
        let running = agent.run(executor);
        assert_eq!(agent.subscribe().await.unacknowledged_tasks, []);
        agent.launch(task("t")).await;
        let status = agent.expect(TaskState::TaskRunning).await;
        assert_eq!((status.task_id.value.as_str(), status.source()), ("t", Source::Executor));
        assert!(status.timestamp() > 1e9);
        agent.kill("t", None).await;
        let message = Some(event::Message { data: b"ping".to_vec() });
        agent.event(event::Type::Message, Event { message, ..Default::default() }).await;
        assert_eq!(agent.next_call().await.message.unwrap().data, b"ping");
        for expected in ["subscribed at host", "launch t", "acknowledged t", "kill t", "later"] {
            assert_eq!(seen.recv().await.unwrap(), expected);
        }
        agent.shut_down().await;
        assert_eq!(ended(running).await, Ok(()));
        assert_eq!(seen.recv().await.unwrap(), "shutdown");
    }
}

#[tokio::test]
async fn what_was_not_acknowledged_is_told_at_the_next_subscription() {
    let mut agent = FakeAgent::start().await;
    let (executor, mut seen) = Recorder::new();
    let running = agent.run(executor);
    agent.subscribe().await;
    agent.launch(task("known")).await;
    agent.expect(TaskState::TaskRunning).await;
    agent.launch(task("lost")).await;
    let status = agent.update(TaskState::TaskRunning).await;
    agent.disconnect().await;
    let subscribe = agent.subscribe().await;
    assert_eq!(subscribe.unacknowledged_tasks, [task("lost")]);
    assert_eq!(subscribe.unacknowledged_updates.len(), 1);
    assert_eq!(subscribe.unacknowledged_updates[0].status, status);
    agent.acknowledge(&status).await;
    let mut all = Vec::new();
    // A stream that fails takes along what was not read from it.
    while all.last().is_none_or(|last| last != "acknowledged lost") {
        all.push(seen.recv().await.unwrap());
    }
    agent.disconnect().await;
    assert_eq!(agent.subscribe().await.unacknowledged_updates, []);
    agent.shut_down().await;
    assert_eq!(ended(running).await, Ok(()));
    seen.close();
    while let Some(what) = seen.recv().await {
        all.push(what);
    }
    assert_eq!(all.iter().filter(|what| *what == "disconnected").count(), 2, "{all:?}");
    assert_eq!(all.iter().filter(|what| *what == "subscribed at host").count(), 3, "{all:?}");
}

#[tokio::test]
async fn agent_that_is_not_ready_is_asked_again() {
    let refusals = vec![Response::service_unavailable("recovering"), Response::not_found()];
    let mut agent = FakeAgent::refusing(refusals).await;
    let (executor, mut seen) = Recorder::new();
    let running = agent.run(executor);
    agent.next_call().await;
    agent.next_call().await;
    agent.subscribe().await;
    assert_eq!(seen.recv().await.unwrap(), "subscribed at host");
    agent.shut_down().await;
    assert_eq!(ended(running).await, Ok(()));
}

#[tokio::test]
async fn refused_executor_shuts_down() {
    let agent = FakeAgent::refusing(vec![Response::bad_request("Executor cannot be found")]).await;
    let (executor, mut seen) = Recorder::new();
    let error = ended(agent.run(executor)).await.unwrap_err();
    let text = "failed to subscribe: the agent answered 400: Executor cannot be found";
    assert_eq!(error.to_string(), text);
    assert_eq!(seen.recv().await.unwrap(), format!("error {text}"));
    assert_eq!(seen.recv().await.unwrap(), "shutdown");
}

#[tokio::test]
async fn broken_stream_without_checkpointing_shuts_down() {
    let mut agent = FakeAgent::start().await;
    agent.options.checkpoint = false;
    let (executor, mut seen) = Recorder::new();
    let running = agent.run(executor);
    agent.subscribe().await;
    assert_eq!(seen.recv().await.unwrap(), "subscribed at host");
    agent.disconnect().await;
    assert_eq!(ended(running).await, Ok(()));
    for expected in ["disconnected", "shutdown"] {
        assert_eq!(seen.recv().await.unwrap(), expected);
    }
}

#[tokio::test]
async fn agent_that_stays_away_is_given_up() {
    let mut agent = FakeAgent::start().await;
    agent.options.recovery_timeout = Duration::from_millis(100);
    let (executor, mut seen) = Recorder::new();
    let running = agent.run(executor);
    agent.subscribe().await;
    agent.node.shutdown().await;
    let error = ended(running).await.unwrap_err();
    assert!(matches!(error, RunError::GaveUp { .. }), "{error}");
    assert!(error.to_string().starts_with("failed to subscribe within 100ms: "), "{error}");
    seen.recv().await.unwrap();
    assert_eq!(seen.recv().await.unwrap(), "disconnected");
}

#[tokio::test]
async fn executor_that_does_not_shut_down_is_overdue() {
    let mut agent = FakeAgent::start().await;
    agent.options.shutdown_grace_period = Duration::from_millis(50);
    let (mut executor, _seen) = Recorder::new();
    executor.stops = false;
    let running = agent.run(executor);
    agent.subscribe().await;
    agent.shut_down().await;
    let after = Duration::from_millis(50);
    assert_eq!(ended(running).await, Err(RunError::Overdue { after }));
}

#[tokio::test]
async fn updates_before_a_stop_are_still_sent() {
    struct Quick;
    impl Executor for Quick {
        fn launch(&mut self, driver: &Driver<Self>, task: TaskInfo) {
            for state in [TaskState::TaskRunning, TaskState::TaskFinished] {
                let task_id = task.task_id.clone();
                driver.update(TaskStatus { task_id, state: state as i32, ..Default::default() });
            }
            driver.stop();
        }
        fn kill(&mut self, _: &Driver<Self>, _: TaskId, _: Option<KillPolicy>) {}
        fn shutdown(&mut self, driver: &Driver<Self>) {
            driver.stop();
        }
    }
    let mut agent = FakeAgent::start().await;
    let running = agent.run(Quick);
    agent.subscribe().await;
    agent.launch(task("t")).await;
    assert_eq!(ended(running).await, Ok(()));
    agent.update(TaskState::TaskRunning).await;
    agent.update(TaskState::TaskFinished).await;
}
