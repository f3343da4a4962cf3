use mesos_api::v1::framework_info::capability;
use mesos_api::v1::{CheckInfo, CheckStatusInfo, CommandInfo, check_info};

use super::*;
use crate::testing::{self, Fixture, ended, health_check, shell};

fn task(script: &str) -> TaskInfo {
    testing::task("t", script)
}

#[tokio::test]
async fn exit_decides_the_state_and_the_message() {
    for (script, state, message) in [
        ("echo x > file", TaskState::TaskFinished, "Command exited with status 0"),
        ("exit 3", TaskState::TaskFailed, "Command exited with status 3"),
        ("kill -9 $$", TaskState::TaskFailed, "Command terminated with signal Killed"),
    ] {
        let mut f = Fixture::start(CommandExecutor::new).await;
        f.launch(task(script)).await;
        let status = f.agent.expect(state).await;
        assert_eq!(status.message(), message);
        assert_eq!((status.reason, status.healthy), (None, None));
        assert_eq!(status.executor_id, Some(ExecutorId::from("executor")));
        assert_eq!(ended(f.running).await, Ok(()));
    }
}

#[tokio::test]
async fn command_that_cannot_be_executed_fails_with_the_cause() {
    let mut f = Fixture::start(CommandExecutor::new).await;
    let command = CommandInfo { shell: Some(false), ..shell("./nope") };
    f.agent.launch(TaskInfo { command: Some(command), ..task("") }).await;
    f.agent.expect(TaskState::TaskStarting).await;
    let status = f.agent.expect(TaskState::TaskFailed).await;
    assert_eq!(status.message(), "Failed to exec './nope': No such file or directory");
    assert_eq!(ended(f.running).await, Ok(()));
}

#[tokio::test]
async fn second_task_fails_and_the_first_goes_on() {
    let mut f = Fixture::start(CommandExecutor::new).await;
    f.launch(task("while ! [ -e go ]; do sleep 0.01; done")).await;
    f.agent.launch(TaskInfo { task_id: "other".into(), ..task("true") }).await;
    let status = f.agent.expect(TaskState::TaskFailed).await;
    assert_eq!(status.task_id.value, "other");
    std::fs::write(f.sandbox.path().join("go"), "").unwrap();
    assert_eq!(f.agent.expect(TaskState::TaskFinished).await.task_id.value, "t");
    assert_eq!(ended(f.running).await, Ok(()));
}

#[tokio::test]
async fn killed_task_is_killed_whatever_its_exit_code() {
    let mut f = Fixture::start(CommandExecutor::new).await;
    f.launch(task("trap 'exit 0' TERM; echo up > up; while :; do sleep 0.01; done")).await;
    f.written("up").await;
    f.agent.kill("other", None).await;
    f.agent.kill("t", Some(Duration::from_secs(600))).await;
    let status = f.agent.expect(TaskState::TaskKilled).await;
    assert_eq!(status.message(), "Command exited with status 0");
    assert_eq!(ended(f.running).await, Ok(()));
}

#[tokio::test]
async fn task_that_ignores_sigterm_is_killed_after_the_grace_period() {
    let mut f = Fixture::with(CommandExecutor::new, |agent| {
        agent.capabilities = vec![capability::Type::TaskKillingState]
    })
    .await;
    f.launch(task("trap '' TERM; echo up > up; while :; do sleep 0.01; done")).await;
    f.written("up").await;
    f.agent.kill("t", Some(Duration::from_secs(600))).await;
    f.agent.expect(TaskState::TaskKilling).await;
    // A second kill makes it faster, a third does not slow it down.
    f.agent.kill("t", Some(Duration::from_millis(20))).await;
    f.agent.kill("t", Some(Duration::from_secs(600))).await;
    let status = f.agent.expect(TaskState::TaskKilled).await;
    assert_eq!(status.message(), "Command terminated with signal Killed");
    assert_eq!(ended(f.running).await, Ok(()));
}

#[tokio::test]
async fn shutdown_kills_the_task_and_does_not_wait_for_acknowledgements() {
    let mut f = Fixture::with(CommandExecutor::new, |agent| {
        agent.options.shutdown_grace_period = Duration::from_millis(2100)
    })
    .await;
    f.launch(task("trap '' TERM; echo up > up; while :; do sleep 0.01; done")).await;
    f.written("up").await;
    f.agent.shut_down().await;
    f.agent.update(TaskState::TaskKilled).await;
    assert_eq!(ended(f.running).await, Ok(()));
}

#[tokio::test]
async fn shutdown_without_a_task_ends_at_once() {
    let f = Fixture::start(CommandExecutor::new).await;
    f.agent.shut_down().await;
    assert_eq!(ended(f.running).await, Ok(()));
}

/// The last update that was not acknowledged. Whether a stream that is cut off still brought the acknowledgements
/// of those before is open.
fn last_of(subscribe: &mesos_api::v1::executor::call::Subscribe) -> TaskStatus {
    subscribe.unacknowledged_updates.last().expect("an update is not acknowledged").status.clone()
}

#[tokio::test]
async fn last_update_is_told_again_by_an_executor_that_still_waits() {
    let mut f = Fixture::start(CommandExecutor::new).await;
    f.launch(task("exit 0")).await;
    let status = f.agent.update(TaskState::TaskFinished).await;
    f.agent.disconnect().await;
    let subscribe = f.agent.subscribe().await;
    assert_eq!(last_of(&subscribe), status);
    f.agent.acknowledge(&status).await;
    assert_eq!(ended(f.running).await, Ok(()));
}

#[tokio::test]
async fn end_of_the_task_is_told_however_long_the_agent_is_away() {
    let impatient = |options: &Options| CommandExecutor {
        acknowledgement_wait_max: Duration::ZERO,
        ..CommandExecutor::new(options)
    };
    let mut f = Fixture::start(impatient).await;
    f.launch(task("while ! [ -e go ]; do sleep 0.01; done")).await;
    f.agent.disconnect().await;
    // It calls again, and nobody answers yet.
    f.agent.next_call().await;
    std::fs::write(f.sandbox.path().join("go"), "").unwrap();
    let status = f.agent.update(TaskState::TaskFinished).await;
    for _ in 0..3 {
        f.agent.disconnect().await;
        let subscribe = f.agent.next_call().await.subscribe.unwrap();
        assert_eq!(last_of(&subscribe), status);
    }
    f.agent.disconnect().await;
    f.agent.subscribe().await;
    assert_eq!(ended(f.running).await, Ok(()));
}

#[tokio::test]
async fn unhealthy_task_is_killed() {
    let mut f = Fixture::start(CommandExecutor::new).await;
    let health_check = Some(health_check("test \"$HEALTH\" = good", 2));
    f.launch(TaskInfo { health_check, ..task("exec sleep 600") }).await;
    for _ in 0..2 {
        let status = f.agent.expect(TaskState::TaskRunning).await;
        assert_eq!(status.healthy, Some(false));
        assert_eq!(status.reason(), Reason::TaskHealthCheckStatusUpdated);
        assert!(status.message().contains("exited with status 1"));
    }
    let status = f.agent.expect(TaskState::TaskKilled).await;
    assert_eq!((status.healthy, status.reason), (Some(false), None));
    assert_eq!(ended(f.running).await, Ok(()));
}

#[tokio::test]
async fn check_results_are_told_when_they_change() {
    let mut f = Fixture::start(CommandExecutor::new).await;
    let check = CheckInfo {
        r#type: Some(check_info::Type::Command as i32),
        command: Some(check_info::Command { command: shell("test -e ready") }),
        delay_seconds: Some(0.0),
        interval_seconds: Some(0.01),
        ..Default::default()
    };
    let first = f.launch(TaskInfo { check: Some(check), ..task("exec sleep 600") }).await;
    let code = |status: &TaskStatus| {
        let CheckStatusInfo { r#type, command, .. } = status.check_status.unwrap();
        assert_eq!(r#type, Some(check_info::Type::Command as i32));
        command.unwrap().exit_code
    };
    assert_eq!(code(&first), None);
    let status = f.agent.expect(TaskState::TaskRunning).await;
    assert_eq!((code(&status), status.reason()), (Some(1), Reason::TaskCheckStatusUpdated));
    std::fs::write(f.sandbox.path().join("ready"), "").unwrap();
    assert_eq!(code(&f.agent.expect(TaskState::TaskRunning).await), Some(0));
    f.agent.kill("t", None).await;
    assert_eq!(code(&f.agent.expect(TaskState::TaskKilled).await), Some(0));
    assert_eq!(ended(f.running).await, Ok(()));
}
