//! Tasks from the master to their executor and back.

use std::time::Duration;

use mesos_api::internal::{KillTaskMessage, ShutdownExecutorMessage, ShutdownFrameworkMessage};
use mesos_api::v1::{
    ExecutorId, FrameworkId, TaskId, TaskState,
    executor::event::Type,
    task_status::{Reason, Source},
};

use crate::fixture::{
    Executor, Fixture, agent_pid, framework, paused, run, run_task, task, tell, tests, until,
};
use crate::master::Heard;

tests![
    task_runs_and_ends,
    unacknowledged_update_is_sent_again,
    executor_that_ends_takes_its_tasks_with_it,
    executor_that_never_calls_is_given_up,
    update_is_on_disk_before_it_is_acknowledged,
    task_is_killed_through_its_executor,
    executor_that_does_not_end_in_time_is_destroyed,
    sandbox_of_a_running_executor_can_be_read,
    messages_go_both_ways,
    full_disk_holds_an_update_back_until_it_is_written,
    task_that_cannot_be_remembered_is_not_started,
    volume_is_shown_while_a_task_has_it,
];

fn id(value: &str) -> TaskId {
    TaskId { value: value.into() }
}

fn framework_id() -> FrameworkId {
    FrameworkId { value: "F".into() }
}

/// An agent with a task that its executor has.
async fn started(fixture: &mut Fixture, checkpoint: bool) -> (mesos_agent::Agent, Executor) {
    let agent = fixture.registered().await;
    fixture.master.say(&agent_pid(&agent), run_task(framework(checkpoint), task("t", "e")));
    let mut executor = Executor::subscribe(fixture, "e").await;
    assert_eq!(executor.kind().await, Some(Type::Subscribed));
    assert_eq!(executor.kind().await, Some(Type::Launch));
    (agent, executor)
}

async fn exited(fixture: &mut Fixture) -> i32 {
    loop {
        if let (_, Heard::Exited(exited)) = fixture.master.next().await {
            return exited.status;
        }
    }
}

fn task_runs_and_ends() {
    run(|mut fixture| async move {
        let (agent, mut executor) = started(&mut fixture, false).await;
        let pid = agent_pid(&agent);
        tell(&fixture, "e", "t", "TASK_RUNNING", 1).await;
        assert_eq!(executor.kind().await, Some(Type::Acknowledged));
        let update = fixture.master.update().await;
        assert_eq!(update.status.state(), TaskState::TaskRunning);
        assert_eq!((update.status.source(), &update.status.executor_id), (Source::Executor, &None));
        assert_eq!(update.latest_state, Some(TaskState::TaskRunning as i32));
        let status = update.status.container_status.clone().unwrap();
        assert!(status.executor_pid.is_some() && status.container_id.is_some(), "{status:?}");
        assert_eq!(status.network_infos[0].ip_addresses[0].ip_address.as_deref(), Some("127.0.0.1"));
        tell(&fixture, "e", "t", "TASK_FINISHED", 2).await;
        fixture.master.acknowledge(&pid, &update);
        let update = fixture.master.update().await;
        assert_eq!(update.status.state(), TaskState::TaskFinished);
        fixture.master.acknowledge(&pid, &update);
        fixture.master.say(
            &pid,
            ShutdownExecutorMessage {
                framework_id: Some(framework_id()),
                executor_id: Some(ExecutorId { value: "e".into() }),
            },
        );
        while executor.kind().await != Some(Type::Shutdown) {}
        agent.leave().await;
        assert_eq!(exited(&mut fixture).await, 9, "it was destroyed");
    });
}

fn unacknowledged_update_is_sent_again() {
    paused(|mut fixture| async move {
        fixture.clock.resume();
        let (agent, _executor) = started(&mut fixture, false).await;
        tell(&fixture, "e", "t", "TASK_RUNNING", 1).await;
        let first = fixture.master.update().await;
        fixture.clock.pause();
        for wait in [10, 20] {
            fixture.clock.advance(Duration::from_secs(wait)).await;
            assert_eq!(fixture.master.update().await.uuid, first.uuid);
        }
        fixture.clock.resume();
        agent.stop().await;
    });
}

fn executor_that_ends_takes_its_tasks_with_it() {
    run(|mut fixture| async move {
        let agent = fixture.registered().await;
        let mut task = task("t", "e");
        task.executor.as_mut().unwrap().command.as_mut().unwrap().value = Some("exit 7".into());
        fixture.master.say(&agent_pid(&agent), run_task(framework(false), task));
        let update = fixture.master.update().await;
        assert_eq!(
            (update.status.state(), update.status.reason()),
            (TaskState::TaskFailed, Reason::ExecutorTerminated)
        );
        assert_eq!((update.status.source(), update.status.message()), (Source::Agent, "Executor terminated"));
        fixture.master.acknowledge(&agent_pid(&agent), &update);
        agent.stop().await;
    });
}

fn executor_that_never_calls_is_given_up() {
    paused(|mut fixture| async move {
        fixture.clock.resume();
        let agent = fixture.registered().await;
        fixture.master.say(&agent_pid(&agent), run_task(framework(false), task("t", "e")));
        loop {
            let state = fixture.get("/state").await;
            if state["frameworks"][0]["executors"][0]["id"] == "e" {
                break;
            }
        }
        fixture.clock.pause();
        fixture.clock.advance(Duration::from_secs(60)).await;
        fixture.clock.resume();
        let update = fixture.master.update().await;
        assert_eq!(update.status.reason(), Reason::ExecutorRegistrationTimeout);
        assert_eq!(update.status.message(), "Executor did not register within 1mins");
        agent.stop().await;
    });
}

fn update_is_on_disk_before_it_is_acknowledged() {
    run(|mut fixture| async move {
        let (agent, mut executor) = started(&mut fixture, true).await;
        let run = fixture.run_meta("e");
        assert!(run.join("tasks/t/task.info").exists() && run.join("pids/forked.pid").exists());
        assert!(run.join("http.marker").exists());
        tell(&fixture, "e", "t", "TASK_FINISHED", 1).await;
        assert_eq!(executor.kind().await, Some(Type::Acknowledged));
        let written = std::fs::read(run.join("tasks/t/task.updates")).unwrap();
        let (records, _) = mesos_updates::record::decode_updates(&written).unwrap();
        assert_eq!(records.len(), 1);
        let update = fixture.master.update().await;
        fixture.master.acknowledge(&agent_pid(&agent), &update);
        until(|| {
            let written = std::fs::read(run.join("tasks/t/task.updates")).unwrap();
            mesos_updates::record::decode_updates(&written).unwrap().0.len() == 2
        })
        .await;
        agent.leave().await;
    });
}

fn task_is_killed_through_its_executor() {
    run(|mut fixture| async move {
        let (agent, mut executor) = started(&mut fixture, false).await;
        let kill = KillTaskMessage { framework_id: framework_id(), task_id: id("t"), kill_policy: None };
        fixture.master.say(&agent_pid(&agent), kill);
        let event = executor.event().await.unwrap();
        assert_eq!(event.kill.unwrap().task_id, id("t"));
        agent.stop().await;
    });
}

fn executor_that_does_not_end_in_time_is_destroyed() {
    paused(|mut fixture| async move {
        fixture.clock.resume();
        let (agent, mut executor) = started(&mut fixture, false).await;
        fixture.master.say(&agent_pid(&agent), ShutdownFrameworkMessage { framework_id: framework_id() });
        assert_eq!(executor.kind().await, Some(Type::Shutdown));
        fixture.clock.pause();
        fixture.clock.advance(Duration::from_secs(5)).await;
        fixture.clock.resume();
        assert_eq!(exited(&mut fixture).await, 9);
        assert_eq!(executor.kind().await, None, "its stream is closed");
        agent.stop().await;
    });
}

fn sandbox_of_a_running_executor_can_be_read() {
    run(|mut fixture| async move {
        let agent = fixture.registered().await;
        let mut task = task("t", "e");
        task.executor.as_mut().unwrap().command.as_mut().unwrap().value =
            Some("echo hello; sleep 1000".into());
        fixture.master.say(&agent_pid(&agent), run_task(framework(false), task));
        let path = "/frameworks/F/executors/e/runs/latest/stdout";
        let call = format!(r#"{{"type":"READ_FILE","read_file":{{"path":"{path}","offset":0}}}}"#);
        loop {
            let response = fixture.post("/api/v1", &call).await;
            if response.status == 200 {
                let body: serde_json::Value =
                    serde_json::from_slice(&response.bytes(1000).await.unwrap()).unwrap();
                if body["read_file"]["size"] == 6 {
                    assert_eq!(body["read_file"]["data"], "aGVsbG8K");
                    break;
                }
            }
        }
        agent.stop().await;
    });
}

fn messages_go_both_ways() {
    run(|mut fixture| async move {
        let (agent, mut executor) = started(&mut fixture, false).await;
        fixture.master.say(
            &agent_pid(&agent),
            mesos_api::internal::FrameworkToExecutorMessage {
                slave_id: mesos_api::v1::AgentId { value: "S0".into() },
                framework_id: framework_id(),
                executor_id: ExecutorId { value: "e".into() },
                data: b"ping".to_vec(),
            },
        );
        assert_eq!(executor.event().await.unwrap().message.unwrap().data, b"ping");
        let body = r#"{"type":"MESSAGE","framework_id":{"value":"F"},"executor_id":{"value":"e"},"message":{"data":"cG9uZw=="}}"#;
        assert_eq!(fixture.post("/api/v1/executor", body).await.status, 202);
        let message = loop {
            if let (_, Heard::Message(message)) = fixture.master.next().await {
                break message;
            }
        };
        assert_eq!(message.data, b"pong");
        agent.stop().await;
    });
}

fn full_disk_holds_an_update_back_until_it_is_written() {
    paused(|mut fixture| async move {
        fixture.clock.resume();
        let (agent, mut executor) = started(&mut fixture, true).await;
        // A directory in the place of the file cannot be written to, whoever tries.
        let file = fixture.run_meta("e").join("tasks/t/task.updates");
        std::fs::create_dir(&file).unwrap();
        fixture.clock.pause();
        tell(&fixture, "e", "t", "TASK_RUNNING", 1).await;
        for _ in 0..3 {
            fixture.clock.advance(Duration::from_secs(1)).await;
        }
        assert!(fixture.master.heard.is_empty(), "it was sent before it was written");
        std::fs::remove_dir(&file).unwrap();
        fixture.clock.advance(Duration::from_secs(1)).await;
        fixture.clock.resume();
        assert_eq!(executor.kind().await, Some(Type::Acknowledged));
        assert_eq!(fixture.master.update().await.status.state(), TaskState::TaskRunning);
        agent.leave().await;
    });
}

fn task_that_cannot_be_remembered_is_not_started() {
    run(|mut fixture| async move {
        let agent = fixture.registered().await;
        let directory = fixture.work_dir().join("meta/slaves/S0");
        until(|| directory.is_dir()).await;
        std::fs::write(directory.join("frameworks"), "in the way").unwrap();
        fixture.master.say(&agent_pid(&agent), run_task(framework(true), task("t", "e")));
        let update = fixture.master.update().await;
        assert_eq!(update.status.reason(), Reason::ContainerLaunchFailed);
        assert!(update.status.message().contains("failed to checkpoint"), "{}", update.status.message());
        agent.stop().await;
    });
}

/// The sandbox of the running executor has no link left to what may be destroyed now.
fn volume_is_shown_while_a_task_has_it() {
    run(|mut fixture| async move {
        let (agent, mut executor) = started(&mut fixture, false).await;
        let volume = r#"{"name":"disk","type":"SCALAR","scalar":{"value":10},
            "reservations":[{"type":"DYNAMIC","role":"web"}],
            "disk":{"persistence":{"id":"v"},"volume":{"container_path":"data","mode":"RW"}}}"#;
        let mut volume: mesos_api::v1::Resource = mesos_api::json::from_slice(volume.as_bytes()).unwrap();
        let resources = vec![volume.clone()];
        let message = mesos_api::internal::CheckpointResourcesMessage { resources };
        fixture.master.say(&agent_pid(&agent), message);
        let directory = fixture.work_dir().join("volumes/roles/web/v");
        until(|| directory.is_dir()).await;
        let mut second = task("second", "e");
        volume.allocation_info.get_or_insert_default().role = Some("web".into());
        second.resources.push(volume);
        fixture.master.say(&agent_pid(&agent), run_task(framework(false), second));
        assert_eq!(executor.kind().await, Some(Type::Launch));
        let runs = fixture.work_dir().join("slaves/S0/frameworks/F/executors/e/runs");
        let link = runs.join("latest/data");
        assert_eq!(std::fs::read_link(&link).unwrap(), directory.canonicalize().unwrap());
        tell(&fixture, "e", "second", "TASK_FINISHED", 1).await;
        assert_eq!(fixture.master.update().await.status.state(), TaskState::TaskFinished);
        assert!(link.symlink_metadata().is_err() && link.parent().unwrap().is_dir());
        agent.stop().await;
    });
}
