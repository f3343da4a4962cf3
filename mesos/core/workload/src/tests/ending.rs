//! What becomes of tasks whose executor ends, and of updates nobody expects.

use mesos_api::internal::ReconcileTasksMessage;
use mesos_api::v1::{Resource, TaskState, TaskState::*, TaskStatus, task_status::Reason};
use mesos_updates::Uuid;

use super::world::{
    World, aware, command_task, executor_id, executor_update, framework, framework_id, registered, resources,
    task, task_id,
};
use crate::{Effect, Input, LaunchError, Link, Phase, Subscription, Termination};

fn ended(status: i32) -> Result<Option<Termination>, String> {
    Ok(Some(Termination { status: Some(status), ..Termination::default() }))
}

/// How a task ends whose executor ends so.
fn check(termination: Result<Option<Termination>, String>, state: TaskState, reason: Reason, message: &str) {
    let mut world = World::running(framework(false), task("t", "e"));
    let run = world.run_key("e");
    world.apply(Input::Terminated { run, termination });
    assert_eq!(world.updates(), [("t".into(), state, Some(reason), message.into())]);
}

#[test]
fn tasks_end_as_their_container_does() {
    check(ended(7 << 8), TaskFailed, Reason::ExecutorTerminated, "Executor terminated");
    check(
        Ok(Some(Termination {
            state: Some(TaskFailed),
            reason: Some(Reason::ContainerLimitationMemory),
            message: Some("too much memory".into()),
            ..Termination::default()
        })),
        TaskFailed,
        Reason::ContainerLimitationMemory,
        "too much memory",
    );
    check(
        Ok(None),
        TaskFailed,
        Reason::ExecutorTerminated,
        "Abnormal executor termination: unknown container",
    );
    check(Err("lost".into()), TaskFailed, Reason::ExecutorTerminated, "Abnormal executor termination: lost");
}

#[test]
fn the_resources_that_ran_out_are_told() {
    let mut world = World::running(framework(false), task("t", "e"));
    let run = world.run_key("e");
    let limited: Vec<Resource> = resources("mem:64");
    let termination = Termination {
        reason: Some(Reason::ContainerLimitationMemory),
        limited_resources: limited.clone(),
        ..Termination::default()
    };
    world.apply(Input::Terminated { run, termination: Ok(Some(termination)) });
    let Some(update) = world.effects.iter().find_map(|effect| match effect {
        Effect::Update { update, .. } => Some(update),
        _ => None,
    }) else {
        panic!("no update")
    };
    assert_eq!(update.status.limitation.as_ref().unwrap().resources, limited);
}

#[test]
fn an_executor_is_kept_until_its_last_update_is_acknowledged() {
    let mut world = World::running(framework(true), task("t", "e"));
    let run = world.run_key("e");
    world.apply(Input::Terminated { run, termination: ended(7 << 8) });
    assert_eq!(world.words(), ["keep t TASK_FAILED", "exited e 1792"]);
    world.acknowledge("t", true);
    assert_eq!(world.words(), ["seal", "close", "collect 4", "close streams", "collect 2"]);
    assert!(world.workload.frameworks().is_empty());
}

#[test]
fn the_master_does_not_count_executors_of_commands() {
    let mut world = registered();
    world.run(framework(false), command_task("t"));
    let run = world.run_key("t");
    world.apply(Input::Terminated { run, termination: ended(0) });
    assert_eq!(world.words(), ["update t TASK_FAILED"], "nothing about an exited executor");
}

#[test]
fn tasks_of_a_container_that_does_not_start_fail_with_the_reason() {
    let mut world = registered();
    world.run(framework(false), task("t", "e"));
    let run = world.run_key("e");
    world.apply(Input::Launched {
        run: run.clone(),
        outcome: Err(LaunchError::Container("no such user".into())),
    });
    assert_eq!(world.words(), ["destroy"]);
    world.apply(Input::Terminated { run, termination: Ok(None) });
    let message = "Failed to launch container: no such user";
    let expected = ("t".into(), TaskFailed, Some(Reason::ContainerLaunchFailed), message.into());
    assert_eq!(world.updates(), [expected]);
}

#[test]
fn what_cannot_be_remembered_is_not_started_and_that_is_told_although_the_disk_is_full() {
    let mut world = registered();
    world.run(framework(true), task("t", "e"));
    let run = world.run_key("e");
    let outcome = Err(LaunchError::Checkpoint("the disk is full".into()));
    world.apply(Input::Launched { run: run.clone(), outcome });
    world.apply(Input::Terminated { run, termination: Ok(None) });
    assert_eq!(world.words()[0], "update t TASK_FAILED");
    assert_eq!(world.updates()[0].3, "Failed to launch container: failed to checkpoint: the disk is full");
}

#[test]
fn an_executor_that_never_calls_is_given_up() {
    let mut world = registered();
    world.run(framework(false), task("t", "e"));
    let run = world.run_key("e");
    world.apply(Input::RegistrationTimeout(run.clone()));
    assert_eq!(world.words(), ["destroy"]);
    world.apply(Input::Terminated { run: run.clone(), termination: ended(9) });
    let message = "Executor did not register within 1mins";
    let expected = ("t".into(), TaskFailed, Some(Reason::ExecutorRegistrationTimeout), message.into());
    assert_eq!(world.updates(), [expected]);

    let mut world = World::running(framework(false), task("t", "e"));
    let run = world.run_key("e");
    world.apply(Input::RegistrationTimeout(run));
    assert_eq!(world.words(), [""; 0], "it has called");
}

#[test]
fn a_launch_that_fails_because_it_was_given_up_is_no_other_reason() {
    let mut world = registered();
    world.run(framework(false), task("t", "e"));
    let run = world.run_key("e");
    world.apply(Input::RegistrationTimeout(run.clone()));
    world.apply(Input::Launched {
        run: run.clone(),
        outcome: Err(LaunchError::Container("destroyed".into())),
    });
    world.apply(Input::Terminated { run, termination: Ok(None) });
    assert_eq!(world.updates()[0].2, Some(Reason::ExecutorRegistrationTimeout));
}

#[test]
fn updates_of_queued_tasks_that_their_executor_cannot_know_are_refused() {
    let mut world = registered();
    world.run(framework(false), task("t", "e"));
    world.subscribe("e");
    world.tell("e", "t", TaskRunning);
    // It is acknowledged, so that it does not come again.
    assert_eq!(world.words(), ["send ACKNOWLEDGED"]);
}

#[test]
fn an_update_is_acknowledged_to_its_executor_once_it_is_safe() {
    let mut world = World::running(framework(true), task("t", "e"));
    world.tell("e", "t", TaskRunning);
    let uuid = Uuid([1; 16]);
    let accepted = || Input::Accepted { framework: framework_id(), task: task_id("t"), uuid };
    world.apply(accepted());
    assert_eq!(world.words(), ["send ACKNOWLEDGED"]);
    world.apply(accepted());
    assert_eq!(world.words(), [""; 0]);
}

#[test]
fn what_comes_after_the_end_of_a_task_is_acknowledged_and_forgotten() {
    let mut world = World::running(framework(false), task("t", "e"));
    world.tell("e", "t", TaskFinished);
    world.tell("e", "t", TaskRunning);
    assert_eq!(world.words(), ["send ACKNOWLEDGED"]);
}

#[test]
fn updates_that_cannot_be_right_are_ignored() {
    let mut world = World::running(framework(false), task("t", "e"));
    let mut check = |change: fn(&mut mesos_api::internal::StatusUpdate)| {
        let mut update = executor_update("t", TaskRunning, 3);
        change(&mut update);
        world.apply(Input::Update { update: Box::new(update), executor: executor_id("e") });
        assert_eq!(world.words(), [""; 0]);
    };
    check(|update| update.uuid = None);
    check(|update| update.uuid = Some(vec![1; 3]));
    check(|update| update.slave_id = None);
    check(|update| update.status.agent_id = None);
    check(|update| update.framework_id.value = "G".into());
}

#[test]
fn an_executor_that_says_staging_is_ended() {
    let mut world = World::running(framework(false), task("t", "e"));
    let update = Box::new(executor_update("t", TaskStaging, 3));
    world.apply(Input::Update { update, executor: executor_id("e") });
    assert_eq!(world.words(), ["send SHUTDOWN", "after 5"]);
}

#[test]
fn an_update_of_a_task_nobody_knows_goes_to_the_master() {
    let mut world = World::running(framework(true), task("t", "e"));
    world.tell("e", "x", TaskRunning);
    assert_eq!(world.words(), ["update x TASK_RUNNING"], "it is not kept");
}

#[test]
fn the_last_of_equal_states_is_kept() {
    let mut world = World::running(framework(false), task("t", "e"));
    for _ in 0..3 {
        world.tell("e", "t", TaskRunning);
    }
    let executor = world.workload.executor(&framework_id(), &executor_id("e")).unwrap();
    assert_eq!(executor.launched["t"].statuses.len(), 1);
}

#[test]
fn the_master_is_told_of_tasks_that_are_not_here() {
    for (framework, state) in [(framework(false), TaskLost), (aware(framework(false)), TaskDropped)] {
        let mut world = World::running(framework.clone(), task("t", "e"));
        let status = |id: &str| TaskStatus { task_id: task_id(id), ..TaskStatus::default() };
        world.apply(Input::Reconcile(vec![ReconcileTasksMessage {
            framework_id: framework_id(),
            statuses: vec![status("t"), status("x")],
            framework: Some(framework),
        }]));
        let message = "Reconciliation: task unknown to the agent";
        assert_eq!(world.updates(), [("x".into(), state, Some(Reason::Reconciliation), message.into())]);
    }
}

#[test]
fn messages_reach_only_who_is_there() {
    let mut world = World::running(framework(false), task("t", "e"));
    let message = |executor: &str| Input::FrameworkMessage {
        framework: framework_id(),
        executor: executor_id(executor),
        data: b"hello".to_vec(),
    };
    world.apply(message("e"));
    assert_eq!(world.words(), ["send MESSAGE"]);
    world.apply(message("x"));
    assert_eq!(world.words(), [""; 0]);
    let (framework, executor) = (framework_id(), executor_id("e"));
    world.apply(Input::ExecutorMessage { framework, executor, data: Vec::new() });
    assert_eq!(world.words(), ["to framework"]);
}

#[test]
fn tasks_on_their_way_when_the_agent_restarted_are_lost() {
    let mut world = World::running(framework(true), task("t", "e"));
    let kind = Subscription::Reregister { tasks: Vec::new(), updates: Vec::new() };
    let executor = world.workload.executor_mut(&framework_id(), "e").unwrap();
    executor.state = crate::ExecutorState::Registering;
    let (framework, executor) = (framework_id(), executor_id("e"));
    world.apply(Input::Subscribe {
        framework,
        executor,
        link: Link::Pid("executor(1)@10.0.0.1:1".into()),
        kind,
    });
    let updates = world.updates();
    let message = "Task launched during agent restart";
    assert_eq!(updates, [("t".into(), TaskLost, Some(Reason::AgentRestarted), message.into())]);
    assert_eq!(world.words()[..2], ["close".to_owned(), "reregistered".into()]);
}

#[test]
fn a_framework_that_moved_gets_what_is_in_flight() {
    let mut world = World::running(framework(true), task("t", "e"));
    let pid = Some("scheduler-1@10.0.0.2:1".to_owned());
    let mut info = framework(false);
    info.hostname = Some("elsewhere".into());
    world.apply(Input::UpdateFramework { framework: framework_id(), info: Some(Box::new(info)), pid });
    assert_eq!(world.words(), ["checkpoint framework", "resume"]);
    let framework = world.workload.framework(&framework_id()).unwrap();
    assert!(framework.checkpoint(), "whether it survives restarts does not change");
    assert_eq!(framework.info.hostname(), "elsewhere");
}

#[test]
fn an_agent_that_is_given_another_id_cannot_go_on() {
    let mut world = registered();
    world.apply(Input::Registered(mesos_api::v1::AgentId { value: "S1".into() }));
    assert_eq!(world.words(), ["fatal"]);
    world.apply(Input::Disconnected);
    assert_eq!(world.workload.phase(), Phase::Disconnected);
}
