use mesos_api::v1::framework_info::capability;

use super::*;
use crate::testing::{Fixture, ended, health_check, task};

const STATES: (TaskState, TaskState, TaskState) =
    (TaskState::TaskFinished, TaskState::TaskFailed, TaskState::TaskKilled);

#[tokio::test]
async fn group_that_finishes_ends_the_executor() {
    let (finished, _, _) = STATES;
    let mut f = Fixture::start(DefaultExecutor::new).await;
    f.agent.launch_group(vec![task("a", "0"), task("b", "0")]).await;
    let starting = f.expect_all(&[("a", TaskState::TaskStarting), ("b", TaskState::TaskStarting)]).await;
    let rest =
        [("a", TaskState::TaskRunning), ("b", TaskState::TaskRunning), ("a", finished), ("b", finished)];
    let statuses = f.expect_all(&rest).await;
    let id = |status: &TaskStatus| status.container_status.clone().unwrap().container_id.unwrap();
    assert_eq!(id(&starting[0]).parent, Some(Box::new(ContainerId::from("root"))));
    assert!(statuses.iter().all(|status| starting.iter().any(|first| id(first) == id(status))));
    let link = std::fs::read_link(f.sandbox.path().join("tasks/a")).unwrap();
    let a = starting.iter().find(|status| status.task_id.value == "a").unwrap();
    assert_eq!(link, f.sandbox.path().join("containers").join(id(a).value));
    assert_eq!(ended(f.running).await, Ok(()));
}

#[tokio::test]
async fn failure_kills_its_group_and_no_other() {
    let (_, failed, killed) = STATES;
    let mut f = Fixture::start(DefaultExecutor::new).await;
    f.launch_group(&[("other", "other group")]).await;
    f.agent.launch_group(vec![task("bad", "256"), task("good", "same group")]).await;
    f.expect_all(&[("bad", TaskState::TaskStarting), ("good", TaskState::TaskStarting)]).await;
    f.expect_all(&[("bad", TaskState::TaskRunning), ("good", TaskState::TaskRunning)]).await;
    let statuses = f.expect_all(&[("bad", failed), ("good", killed)]).await;
    assert_eq!(statuses[0].message(), "Command exited with status 1");
    assert_eq!(statuses[0].reason(), Reason::CommandExecutorFailed);
    assert_eq!(f.agent.nested("same group").await, [(vec![15], false)]);
    assert_eq!(f.agent.nested("other group").await, [(vec![], false)]);
    f.agent.kill("other", None).await;
    f.expect_all(&[("other", killed)]).await;
    assert_eq!(ended(f.running).await, Ok(()));
}

/// Mesos 1.5.0 ends the whole executor.
#[tokio::test]
async fn mesos_8468_failed_launch_fails_its_group_only() {
    let (_, failed, killed) = STATES;
    let mut f = Fixture::start(DefaultExecutor::new).await;
    f.launch_group(&[("other", "other group")]).await;
    f.agent.launch_group(vec![task("bad", "refuse"), task("good", "same group")]).await;
    f.expect_all(&[("bad", TaskState::TaskStarting), ("good", TaskState::TaskStarting)]).await;
    let statuses = f.expect_all(&[("good", TaskState::TaskRunning), ("bad", failed), ("good", killed)]).await;
    let bad = statuses.iter().find(|status| status.task_id.value == "bad").unwrap();
    assert_eq!((bad.message(), bad.reason()), ("no such thing", Reason::ContainerLaunchFailed));
    assert_eq!(f.agent.nested("other group").await, [(vec![], false)]);
    f.agent.kill("other", None).await;
    f.expect_all(&[("other", killed)]).await;
    assert_eq!(ended(f.running).await, Ok(()));
}

#[tokio::test]
async fn stubborn_task_is_killed_by_force_and_a_second_kill_is_ignored() {
    let mut f = Fixture::with(DefaultExecutor::new, |agent| {
        agent.capabilities = vec![capability::Type::TaskKillingState]
    })
    .await;
    f.launch_group(&[("t", "stubborn")]).await;
    f.agent.kill("t", Some(Duration::from_millis(50))).await;
    f.agent.kill("t", Some(Duration::ZERO)).await;
    f.expect_all(&[("t", TaskState::TaskKilling), ("t", TaskState::TaskKilled)]).await;
    assert_eq!(f.agent.nested("stubborn").await, [(vec![15, 9], false)]);
    assert_eq!(ended(f.running).await, Ok(()));
}

#[tokio::test]
async fn shutdown_kills_all_tasks() {
    let mut f = Fixture::start(DefaultExecutor::new).await;
    f.launch_group(&[("a", "one"), ("b", "two")]).await;
    f.agent.shut_down().await;
    f.expect_all(&[("a", TaskState::TaskKilled), ("b", TaskState::TaskKilled)]).await;
    assert_eq!(ended(f.running).await, Ok(()));
}

#[tokio::test]
async fn health_check_command_runs_in_the_tasks_container_and_is_removed() {
    let mut f = Fixture::start(DefaultExecutor::new).await;
    let health_check = Some(health_check("512", 1));
    let unhealthy = TaskInfo { health_check, ..task("t", "task") };
    f.agent.launch_group(vec![unhealthy]).await;
    f.expect_all(&[("t", TaskState::TaskStarting), ("t", TaskState::TaskRunning)]).await;
    let status = f.expect_all(&[("t", TaskState::TaskRunning)]).await.remove(0);
    assert_eq!((status.healthy, status.reason()), (Some(false), Reason::TaskHealthCheckStatusUpdated));
    assert!(status.message().contains("exited with status 2"), "{}", status.message());
    let status = f.expect_all(&[("t", TaskState::TaskKilled)]).await.remove(0);
    assert_eq!(status.healthy, Some(false));
    assert_eq!(f.agent.nested("512").await, [(vec![], true)]);
    assert_eq!(ended(f.running).await, Ok(()));
}
