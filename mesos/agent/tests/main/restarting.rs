//! What an agent takes up after a crash.

use std::time::Duration;

use mesos_agent::{AgentFlags, StartError};
use mesos_api::v1::{TaskState, executor::event::Type, task_status::Reason};

use crate::fixture::{
    Executor, Fixture, agent_pid, framework, paused, processes_with, run, run_task, status, task, tell,
    tests, until,
};
use crate::master::Heard;

tests![
    executor_lives_through_a_crash_and_no_update_is_lost,
    executor_that_does_not_come_back_is_destroyed,
    framework_without_checkpoint_loses_its_executors,
    executor_that_died_meanwhile_is_noticed,
    changed_agent_does_not_start,
    added_resources_are_taken_with_the_additive_policy,
    clean_up_ends_executors_and_then_the_agent,
    damaged_agent_info_ends_a_strict_start,
    reservations_and_volumes_are_kept,
];

/// An agent that crashed while a task ran.
async fn crashed(fixture: &mut Fixture, checkpoint: bool) -> Executor {
    let agent = fixture.registered().await;
    fixture.master.say(&agent_pid(&agent), run_task(framework(checkpoint), task("t", "e")));
    let mut executor = Executor::subscribe(fixture, "e").await;
    assert_eq!(executor.kind().await, Some(Type::Subscribed));
    assert_eq!(executor.kind().await, Some(Type::Launch));
    tell(fixture, "e", "t", "TASK_RUNNING", 1).await;
    assert_eq!(executor.kind().await, Some(Type::Acknowledged));
    fixture.crash().await;
    executor
}

pub(crate) async fn reregistered(fixture: &mut Fixture) -> mesos_api::internal::ReregisterSlaveMessage {
    loop {
        if let (_, Heard::Reregister(message)) = fixture.master.register().await {
            return message;
        }
    }
}

fn executor_lives_through_a_crash_and_no_update_is_lost() {
    run(|mut fixture| async move {
        crashed(&mut fixture, true).await;
        let agent = fixture.agent(fixture.flags()).await;
        let unacknowledged =
            format!(r#"{{"unacknowledged_updates":[{{"status":{}}}]}}"#, status("t", "TASK_FINISHED", 2));
        let mut executor = Executor::subscribe_with(&fixture, "e", &unacknowledged).await;
        assert_eq!(executor.kind().await, Some(Type::Subscribed));
        assert_eq!(executor.kind().await, Some(Type::Acknowledged));
        while let Ok(before) = fixture.master.heard.try_recv() {
            drop(before);
        }
        let message = reregistered(&mut fixture).await;
        assert_eq!(message.slave.id.unwrap().value, "S0");
        assert_eq!(message.tasks[0].state(), TaskState::TaskFinished);
        for (number, state) in [(1, TaskState::TaskRunning), (2, TaskState::TaskFinished)] {
            let update = fixture.master.update().await;
            assert_eq!((update.uuid.clone(), update.status.state()), (Some(vec![number; 16]), state));
            fixture.master.acknowledge(&agent_pid(&agent), &update);
        }
        agent.leave().await;
    });
}

fn executor_that_does_not_come_back_is_destroyed() {
    run(|mut fixture| async move {
        crashed(&mut fixture, true).await;
        let flags =
            AgentFlags { executor_reregistration_timeout: Duration::from_millis(300), ..fixture.flags() };
        let agent = fixture.agent(flags).await;
        reregistered(&mut fixture).await;
        let running = fixture.master.update().await;
        fixture.master.acknowledge(&agent_pid(&agent), &running);
        let update = fixture.master.update().await;
        assert_eq!(update.status.state(), TaskState::TaskLost);
        assert_eq!(update.status.reason(), Reason::ExecutorReregistrationTimeout);
        agent.stop().await;
    });
}

fn framework_without_checkpoint_loses_its_executors() {
    run(|mut fixture| async move {
        crashed(&mut fixture, false).await;
        let agent = fixture.agent(fixture.flags()).await;
        let message = reregistered(&mut fixture).await;
        assert!(message.tasks.is_empty() && message.frameworks.is_empty());
        let directory = fixture.directory.path().display().to_string();
        until(|| processes_with(&directory).is_empty()).await;
        agent.stop().await;
    });
}

fn executor_that_died_meanwhile_is_noticed() {
    run(|mut fixture| async move {
        crashed(&mut fixture, true).await;
        let pid = std::fs::read_to_string(fixture.run_meta("e").join("pids/forked.pid")).unwrap();
        let pid = nix::unistd::Pid::from_raw(pid.trim().parse().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        let agent = fixture.agent(fixture.flags()).await;
        reregistered(&mut fixture).await;
        let running = fixture.master.update().await;
        assert_eq!(running.latest_state, Some(TaskState::TaskFailed as i32));
        fixture.master.acknowledge(&agent_pid(&agent), &running);
        let update = fixture.master.update().await;
        assert_eq!(
            (update.status.state(), update.status.reason()),
            (TaskState::TaskFailed, Reason::ExecutorTerminated)
        );
        agent.stop().await;
    });
}

fn changed_agent_does_not_start() {
    run(|mut fixture| async move {
        fixture.registered().await;
        until(|| fixture.work_dir().join("meta/slaves/latest").exists()).await;
        fixture.crash().await;
        let flags =
            AgentFlags { resources: Some("cpus:3;mem:1024;disk:1024;ports:[]".into()), ..fixture.flags() };
        let error = fixture.try_agent(flags).await.unwrap_err();
        assert!(matches!(error, StartError::Recovery { .. }));
        let text = error.to_string();
        for part in
            ["Failed to perform recovery", "Incompatible agent info detected", "--reconfiguration_policy"]
        {
            assert!(text.contains(part), "{text}");
        }
    });
}

fn added_resources_are_taken_with_the_additive_policy() {
    run(|mut fixture| async move {
        fixture.registered().await;
        until(|| fixture.work_dir().join("meta/slaves/latest").exists()).await;
        fixture.crash().await;
        let flags = AgentFlags {
            resources: Some("cpus:3;mem:1024;disk:1024;ports:[31000-32000]".into()),
            reconfiguration_policy: "additive".into(),
            ..fixture.flags()
        };
        let agent = fixture.agent(flags).await;
        let message = reregistered(&mut fixture).await;
        assert_eq!(message.slave.id.unwrap().value, "S0");
        assert_eq!(message.slave.resources[0].scalar.unwrap().value, 3.0);
        agent.stop().await;
    });
}

fn clean_up_ends_executors_and_then_the_agent() {
    paused(|mut fixture| async move {
        fixture.clock.resume();
        crashed(&mut fixture, true).await;
        let agent = fixture.agent(AgentFlags { recover: "cleanup".into(), ..fixture.flags() }).await;
        fixture.clock.settle().await;
        fixture.clock.pause();
        fixture.clock.advance(Duration::from_secs(5)).await;
        fixture.clock.resume();
        agent.finished().await.unwrap();
        while let Ok((_, heard)) = fixture.master.heard.try_recv() {
            assert!(!matches!(heard, Heard::Reregister(_)), "it registered");
        }
    });
}

fn damaged_agent_info_ends_a_strict_start() {
    run(|mut fixture| async move {
        fixture.registered().await;
        let info = fixture.work_dir().join("meta/slaves/S0/slave.info");
        until(|| fixture.work_dir().join("meta/slaves/latest").exists()).await;
        fixture.crash().await;
        std::fs::write(&info, b"\x01\x02").unwrap();
        let error = fixture.try_agent(fixture.flags()).await.unwrap_err().to_string();
        assert!(error.contains("slave.info"), "{error}");
        fixture.crash().await;
        let agent = fixture.agent(AgentFlags { strict: false, ..fixture.flags() }).await;
        fixture.master.register().await;
        let metrics = fixture.ask(r#"{"type":"GET_METRICS","get_metrics":{}}"#).await;
        let all = metrics["get_metrics"]["metrics"].as_array().unwrap().clone();
        let errors = all.iter().find(|metric| metric["name"] == "slave/recovery_errors").unwrap();
        assert_eq!(errors["value"], 1.0);
        agent.stop().await;
    });
}

fn reservations_and_volumes_are_kept() {
    run(|mut fixture| async move {
        let agent = fixture.registered().await;
        let volume = r#"{"name":"disk","type":"SCALAR","scalar":{"value":10},
            "reservations":[{"type":"DYNAMIC","role":"web"}],
            "disk":{"persistence":{"id":"v"},"volume":{"container_path":"d","mode":"RW"}}}"#;
        let resources = vec![mesos_api::json::from_slice(volume.as_bytes()).unwrap()];
        let message = mesos_api::internal::CheckpointResourcesMessage { resources: resources.clone() };
        fixture.master.say(&agent_pid(&agent), message);
        let meta = fixture.work_dir().join("meta/resources");
        until(|| meta.join("resources.info").exists()).await;
        assert!(fixture.work_dir().join("volumes/roles/web/v").is_dir());
        assert!(!meta.join("resources.target").exists());
        until(|| fixture.work_dir().join("meta/slaves/latest").exists()).await;
        fixture.crash().await;
        let agent = fixture.agent(fixture.flags()).await;
        let message = reregistered(&mut fixture).await;
        assert_eq!(message.checkpointed_resources, resources);
        agent.stop().await;
    });
}
