//! Ending tasks, executors and frameworks.

use mesos_api::v1::{DurationInfo, FrameworkId, KillPolicy, TaskState::*, task_status::Reason};

use super::world::{World, aware, executor_id, framework, framework_id, registered, task, task_id};
use crate::{Effect, ExecutorState, Input};

fn kill(world: &mut World, task: &str) {
    world.apply(Input::KillTask { framework: framework_id(), task: task_id(task), kill_policy: None });
}

const KILLED: Option<Reason> = Some(Reason::TaskKilledDuringLaunch);

/// A task that waits to be authorized is killed at once, and its framework told.
#[test]
fn mesos_7863() {
    let mut world = registered();
    world.start(framework(false), task("t", "e"));
    kill(&mut world, "t");
    let message = "Killed before delivery to the executor";
    assert_eq!(world.updates(), [("t".into(), TaskKilled, KILLED, message.into())]);
    assert!(world.workload.frameworks().is_empty());
    world.allow(1);
    assert_eq!(world.words(), [""; 0], "the answer comes too late");
}

#[test]
fn a_group_is_killed_as_one() {
    let message = "A task within the task group was killed before delivery to the executor";
    let expected = ["a", "b"].map(|id| (id.to_owned(), TaskKilled, KILLED, message.to_owned()));
    let mut world = registered();
    world.start_group(&["a", "b"]);
    kill(&mut world, "b");
    assert_eq!(world.updates(), expected, "while it waits to be authorized");
    world.start_group(&["a", "b"]);
    world.allow(2);
    kill(&mut world, "a");
    assert_eq!(world.updates(), expected, "while it waits for its executor");
}

#[test]
fn tasks_behind_a_killed_one_go_on() {
    let mut world = registered();
    world.start(framework(false), task("a", "e"));
    world.start(framework(false), task("b", "e"));
    world.allow(2);
    kill(&mut world, "a");
    assert_eq!(world.words(), ["update a TASK_KILLED", "launch e", "after 60"]);
}

#[test]
fn an_executor_whose_tasks_were_all_killed_is_not_kept() {
    let mut world = registered();
    world.run(framework(false), task("t", "e"));
    kill(&mut world, "t");
    assert_eq!(world.words(), ["update t TASK_KILLED"]);
    world.subscribe("e");
    assert_eq!(world.words(), ["send SHUTDOWN", "after 5"]);
}

/// An executor that lost its only task before it got it ends.
#[test]
fn mesos_8411() {
    let mut world = registered();
    world.run(framework(false), task("t", "e"));
    world.subscribe("e");
    kill(&mut world, "t");
    assert_eq!(world.words(), ["update t TASK_KILLED", "send SHUTDOWN", "after 5"]);
}

#[test]
fn a_running_task_is_killed_by_its_executor() {
    let mut world = World::running(framework(false), task("t", "e"));
    let policy = KillPolicy { grace_period: Some(DurationInfo { nanoseconds: 5 }) };
    world.apply(Input::KillTask { framework: framework_id(), task: task_id("t"), kill_policy: Some(policy) });
    let [Effect::Send { event, .. }] = &world.effects[..] else { panic!("{:?}", world.effects) };
    assert_eq!(event.kill.as_ref().unwrap().kill_policy, Some(policy));
}

#[test]
fn a_task_that_nobody_knows_is_lost() {
    for (framework, state) in [(framework(false), TaskLost), (aware(framework(false)), TaskDropped)] {
        let mut world = World::running(framework, task("t", "e"));
        kill(&mut world, "x");
        let expected = ("x".into(), state, Some(Reason::ExecutorTerminated), "Cannot find executor".into());
        assert_eq!(world.updates(), [expected]);
    }
    let mut world = registered();
    kill(&mut world, "x");
    assert_eq!(world.words(), [""; 0], "nobody would acknowledge for a framework that is not here");
}

#[test]
fn an_executor_that_does_not_end_in_time_is_destroyed() {
    let mut world = World::running(framework(false), task("t", "e"));
    let run = world.run_key("e");
    let shutdown = || Input::ShutdownExecutor { framework: framework_id(), executor: executor_id("e") };
    world.apply(shutdown());
    assert_eq!(world.words(), ["send SHUTDOWN", "after 5"]);
    world.apply(shutdown());
    assert_eq!(world.words(), [""; 0], "it was told");
    world.apply(Input::ShutdownTimeout(run.clone()));
    assert_eq!(world.words(), ["destroy"]);
    world.apply(Input::Terminated { run: run.clone(), termination: Ok(Some(Default::default())) });
    world.apply(Input::ShutdownTimeout(run));
    assert_eq!(world.words(), [""; 0]);
}

#[test]
fn an_executor_may_ask_for_more_time() {
    let mut world = registered();
    let mut task = task("t", "e");
    task.executor.as_mut().unwrap().shutdown_grace_period = Some(DurationInfo { nanoseconds: 9_000_000_000 });
    world.run(framework(false), task);
    world.apply(Input::ShutdownExecutor { framework: framework_id(), executor: executor_id("e") });
    assert_eq!(world.words(), ["send SHUTDOWN", "after 9"]);
}

#[test]
fn a_framework_that_ends_takes_all_with_it_and_is_told_nothing() {
    let mut world = World::running(framework(false), task("a", "e"));
    world.start(framework(false), task("b", "f"));
    let run = world.run_key("e");
    world.apply(Input::ShutdownFramework(framework_id()));
    assert_eq!(world.words(), ["send SHUTDOWN", "after 5"]);
    world.start(framework(false), task("c", "e"));
    assert_eq!(world.words(), [""; 0]);
    world.apply(Input::Terminated { run, termination: Ok(Some(Default::default())) });
    assert_eq!(world.words(), ["exited e -1", "close", "collect 2", "close streams", "collect 1"]);
    assert_eq!(world.workload.completed_frameworks().len(), 1);
    let unknown = FrameworkId { value: "G".into() };
    world.apply(Input::ShutdownFramework(unknown));
    assert_eq!(world.words(), [""; 0]);
}

#[test]
fn an_agent_that_ends_waits_for_its_executors() {
    let mut world = World::running(framework(false), task("a", "e"));
    let run = world.run_key("e");
    world.apply(Input::Shutdown);
    assert_eq!(world.words(), ["send SHUTDOWN", "after 5"]);
    world.apply(Input::Terminated { run, termination: Ok(None) });
    assert_eq!(world.words().last().map(String::as_str), Some("finished"));
}

#[test]
fn an_executor_that_was_told_to_end_while_it_was_launched_is_destroyed() {
    let mut world = registered();
    world.run(framework(false), task("t", "e"));
    let run = world.run_key("e");
    world.apply(Input::ShutdownExecutor { framework: framework_id(), executor: executor_id("e") });
    let executor = world.workload.executor(&framework_id(), &executor_id("e")).unwrap();
    assert_eq!(executor.state, ExecutorState::Terminating);
    world.apply(Input::Launched { run, outcome: Ok(()) });
    assert_eq!(world.words(), ["destroy"]);
}
