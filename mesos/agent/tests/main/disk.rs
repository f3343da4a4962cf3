//! A disk that is full for a while. These tests take root, and say so where they are not.

use mesos_agent::Agent;
use mesos_api::internal::StatusUpdate;
use mesos_api::v1::{TaskState, executor::event::Type, task_status::Reason};
use mesos_testing::SmallDisk;

use crate::fixture::{Executor, Fixture, agent_pid, framework, run, run_task, status, task, tell, tests};
use crate::restarting::reregistered;

tests![end_of_a_task_waits_until_there_is_room_as_root, agent_killed_on_a_full_disk_is_recovered_as_root];

/// More than fits into what is left of a page.
fn long_status() -> String {
    let message = format!(r#"{{"message":"{}","#, "x".repeat(16 << 10));
    status("t", "TASK_FINISHED", 2).replacen('{', &message, 1)
}

/// A task that has been written down and runs, and then the disk is full: neither its end nor another
/// task can be written down.
async fn full(fixture: &mut Fixture) -> Option<(SmallDisk, Agent, Executor)> {
    let disk = SmallDisk::mount(&fixture.work_dir(), 2)?;
    let agent = fixture.registered().await;
    fixture.master.say(&agent_pid(&agent), run_task(framework(true), task("t", "e")));
    let mut executor = Executor::subscribe(fixture, "e").await;
    assert_eq!(executor.kind().await, Some(Type::Subscribed));
    assert_eq!(executor.kind().await, Some(Type::Launch));
    tell(fixture, "e", "t", "TASK_RUNNING", 1).await;
    assert_eq!(executor.kind().await, Some(Type::Acknowledged));
    let running = update_of(fixture, &agent, "t").await;
    assert_eq!(running.status.state(), TaskState::TaskRunning);
    disk.fill();
    let call = format!(
        r#"{{"type":"UPDATE","framework_id":{{"value":"F"}},"executor_id":{{"value":"e"}},"update":{{"status":{}}}}}"#,
        long_status()
    );
    assert_eq!(fixture.post("/slave(1)/api/v1/executor", &call).await.status, 202);
    fixture.master.say(&agent_pid(&agent), run_task(framework(true), task("unlucky", "f")));
    let refused = update_of(fixture, &agent, "unlucky").await;
    assert_eq!(
        (refused.status.state(), refused.status.reason()),
        (TaskState::TaskFailed, Reason::ContainerLaunchFailed)
    );
    assert!(refused.status.message().contains("No space left"), "{}", refused.status.message());
    Some((disk, agent, executor))
}

/// The next update of a task, acknowledged.
async fn update_of(fixture: &mut Fixture, agent: &Agent, task: &str) -> StatusUpdate {
    loop {
        let update = fixture.master.update().await;
        fixture.master.acknowledge(&agent_pid(agent), &update);
        if update.status.task_id.value == task {
            return update;
        }
    }
}

fn end_of_a_task_waits_until_there_is_room_as_root() {
    run(|mut fixture| async move {
        let Some((disk, agent, mut executor)) = full(&mut fixture).await else { return };
        disk.free();
        let finished = update_of(&mut fixture, &agent, "t").await;
        assert_eq!((finished.status.state(), finished.uuid), (TaskState::TaskFinished, Some(vec![2; 16])));
        assert_eq!(executor.kind().await, Some(Type::Acknowledged));
        // What was made meanwhile can be taken up by the next agent.
        fixture.crash().await;
        let agent = fixture.agent(fixture.flags()).await;
        let message = reregistered(&mut fixture).await;
        assert!(message.tasks.iter().all(|task| task.task_id.value == "t"), "{:?}", message.tasks);
        agent.stop().await;
    });
}

fn agent_killed_on_a_full_disk_is_recovered_as_root() {
    run(|mut fixture| async move {
        let Some((disk, _, executor)) = full(&mut fixture).await else { return };
        fixture.crash().await;
        drop(executor);
        disk.free();
        let agent = fixture.agent(fixture.flags()).await;
        let unacknowledged = format!(r#"{{"unacknowledged_updates":[{{"status":{}}}]}}"#, long_status());
        let mut executor = Executor::subscribe_with(&fixture, "e", &unacknowledged).await;
        assert_eq!(executor.kind().await, Some(Type::Subscribed));
        assert_eq!(executor.kind().await, Some(Type::Acknowledged));
        let message = reregistered(&mut fixture).await;
        assert_eq!(message.tasks.len(), 1, "{:?}", message.tasks);
        assert_eq!(message.tasks[0].state(), TaskState::TaskFinished);
        let finished = update_of(&mut fixture, &agent, "t").await;
        assert_eq!((finished.status.state(), finished.uuid), (TaskState::TaskFinished, Some(vec![2; 16])));
        agent.stop().await;
    });
}
