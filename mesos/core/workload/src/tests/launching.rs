//! From the master's word to a task that its executor has.

use mesos_api::v1::{AgentId, TaskState::*, task_status::Reason};

use super::world::{World, aware, command_task, executor_id, framework, framework_id, registered, task};
use crate::{Effect, ExecutorState, Input, Launch, Link, Phase, PrepareError, Subscription};

fn launch_of(world: &World) -> &Launch {
    let launch = world.effects.iter().find_map(|effect| match effect {
        Effect::Launch(launch) => Some(launch),
        _ => None,
    });
    launch.expect("something is launched")
}

#[test]
fn a_task_goes_from_the_master_to_its_executor_and_its_states_back() {
    let mut world = registered();
    world.start(framework(false), task("t", "e"));
    assert_eq!(world.words(), ["authorize 1"]);
    world.allow(1);
    assert_eq!(world.words(), ["launch e", "after 60"]);
    world.subscribe("e");
    assert_eq!(world.words(), ["send SUBSCRIBED", "prepare t"]);
    world.prepared();
    assert_eq!(world.words(), ["send LAUNCH t"]);
    world.tell("e", "t", TaskRunning);
    assert_eq!(world.words(), ["update t TASK_RUNNING"]);
    world.tell("e", "t", TaskFinished);
    assert_eq!(world.words(), ["update t TASK_FINISHED"]);
    let Some(Effect::Update { shrink: Some((_, left)), .. }) = world.effects.last() else {
        panic!("{:?}", world.effects)
    };
    assert_eq!(left.len(), 2, "only what the executor itself uses is left");
    world.acknowledge("t", true);
    let executor = world.workload.executor(&framework_id(), &executor_id("e")).unwrap();
    assert_eq!((executor.completed.len(), executor.has_incomplete_tasks()), (1, false));
}

#[test]
fn what_survives_a_restart_is_written_before_the_container_starts() {
    let mut world = registered();
    world.run(framework(true), task("t", "e"));
    let launch = launch_of(&world);
    let meta = "/w/meta/slaves/S0/frameworks/F";
    let run = format!("{meta}/executors/e/runs/{}", launch.run.container.value);
    let paths: Vec<String> = launch.files.iter().map(|file| file.path.display().to_string()).collect();
    assert_eq!(
        paths,
        [
            format!("{meta}/framework.info"),
            format!("{meta}/framework.pid"),
            format!("{meta}/executors/e/executor.info"),
            format!("{meta}/executors/e/executor_generated_for_command_task"),
            format!("{run}/tasks/t/task.info"),
        ]
    );
    assert_eq!(launch.pid_file.as_ref().unwrap().display().to_string(), format!("{run}/pids/forked.pid"));
    assert_eq!(launch.links.len(), 2);
    assert_eq!(launch.environment["MESOS_CHECKPOINT"], "1");
    world.subscribe("e");
    world.prepared();
    world.tell("e", "t", TaskRunning);
    assert_eq!(world.words(), ["keep t TASK_RUNNING"]);
}

#[test]
fn without_checkpoint_nothing_is_written() {
    let mut world = registered();
    world.run(framework(false), task("t", "e"));
    let launch = launch_of(&world);
    assert!(launch.files.is_empty() && launch.pid_file.is_none());
    assert_eq!(launch.links.len(), 1);
}

#[test]
fn a_command_gets_an_executor_of_its_own() {
    let mut world = registered();
    world.run(framework(false), command_task("t"));
    let launch = launch_of(&world);
    assert_eq!(launch.run.executor.value, "t");
    let executor = world.workload.executor(&framework_id(), &executor_id("t")).unwrap();
    assert!(executor.for_command_task);
    assert_eq!(executor.allocated().cpus(), Some(1.1), "the executor takes a little for itself");
}

#[test]
fn tasks_of_an_executor_start_in_order_whatever_is_authorized_first() {
    let mut world = registered();
    for id in ["a", "b", "c"] {
        world.start(framework(false), task(id, "e"));
    }
    world.allow(3);
    world.allow(2);
    assert_eq!(world.words(), [""; 0], "the first one is not there");
    world.allow(1);
    assert_eq!(world.words(), ["launch e", "after 60"]);
    world.subscribe("e");
    assert_eq!(world.words(), ["send SUBSCRIBED", "prepare a+b+c"]);
    world.prepared();
    assert_eq!(world.words(), ["send LAUNCH a", "send LAUNCH b", "send LAUNCH c"]);
}

#[test]
fn a_group_goes_to_its_executor_as_one() {
    let mut world = registered();
    world.start_group(&["a", "b"]);
    world.allow(1);
    world.subscribe("e");
    world.prepared();
    assert_eq!(world.words(), ["send LAUNCH_GROUP a+b"]);
}

/// A running executor gets more tasks once its container may use more.
#[test]
fn mesos_998() {
    let mut world = World::running(framework(true), task("a", "e"));
    world.run(framework(true), task("b", "e"));
    assert_eq!(world.words(), ["prepare b"]);
    world.prepared();
    assert_eq!(world.words(), ["send LAUNCH b"]);
}

#[test]
fn tasks_for_an_executor_that_has_not_called_are_written_and_wait() {
    let mut world = registered();
    world.run(framework(true), task("a", "e"));
    world.run(framework(true), task("b", "e"));
    assert_eq!(world.words(), ["checkpoint b"]);
}

#[test]
fn who_may_not_run_it_is_told() {
    let mut world = registered();
    world.start(framework(false), task("t", "e"));
    let outcome = Err("not you".to_owned());
    world.apply(Input::Authorized { framework: framework_id(), launch: 1, outcome });
    assert_eq!(world.updates(), [("t".into(), TaskError, Some(Reason::TaskUnauthorized), "not you".into())]);
    assert_eq!(world.words(), ["update t TASK_ERROR", "close streams", "collect 1"]);
    world.start_group(&["a", "b"]);
    let outcome = Err("not you".to_owned());
    world.apply(Input::Authorized { framework: framework_id(), launch: 2, outcome });
    let reasons: Vec<_> = world.updates().into_iter().map(|update| update.2).collect();
    assert_eq!(reasons, [Some(Reason::TaskGroupUnauthorized); 2]);
}

#[test]
fn what_makes_no_sense_is_ignored() {
    let check = |change: fn(&mut mesos_api::v1::TaskInfo)| {
        let mut world = registered();
        let mut task = task("t", "e");
        change(&mut task);
        world.start(framework(false), task);
        assert_eq!(world.words(), [""; 0]);
        assert!(matches!(world.effects[..], [Effect::Note(_)]));
    };
    check(|task| task.executor = None);
    check(|task| task.command = Some(Default::default()));
    check(|task| task.agent_id = AgentId { value: "S1".into() });
    check(|task| task.task_id.value = "../t".into());
    check(|task| task.executor.as_mut().unwrap().executor_id.value = "..".into());
}

#[test]
fn resources_that_are_not_valid_end_the_task() {
    let mut world = registered();
    let mut task = task("t", "e");
    task.resources[0].scalar = None;
    world.start(framework(false), task);
    let updates = world.updates();
    assert_eq!((updates[0].1, updates[0].2), (TaskError, Some(Reason::TaskInvalid)));
    assert!(world.workload.frameworks().is_empty());
}

#[test]
fn old_masters_leave_the_role_to_the_agent() {
    let mut world = registered();
    let mut task = task("t", "e");
    task.resources.iter_mut().for_each(|resource| resource.allocation_info = None);
    world.start(framework(false), task);
    assert_eq!(world.words(), ["authorize 1"]);
    assert_eq!(world.workload.used().allocations().keys().collect::<Vec<_>>(), ["*"]);
}

#[test]
fn an_executor_that_is_ending_takes_nothing() {
    for (framework, state) in [(framework(false), TaskLost), (aware(framework(false)), TaskDropped)] {
        let mut world = World::running(framework.clone(), task("a", "e"));
        world.apply(Input::ShutdownExecutor { framework: framework_id(), executor: executor_id("e") });
        world.run(framework, task("b", "e"));
        let expected = ("b".into(), state, Some(Reason::ExecutorTerminated), "Executor terminating".into());
        assert_eq!(world.updates(), [expected]);
    }
}

#[test]
fn a_task_that_cannot_be_written_is_given_up_and_its_executor_goes_on() {
    let mut world = World::running(framework(true), task("a", "e"));
    world.run(framework(true), task("b", "e"));
    let (run, tasks) = (world.run_key("e"), vec![super::world::task_id("b")]);
    let outcome = Err(PrepareError::Checkpoint("the disk is full".into()));
    world.apply(Input::Prepared { run, tasks, outcome });
    assert_eq!(world.words(), ["update b TASK_LOST"]);
    assert!(world.updates()[0].3.contains("the disk is full"));
}

#[test]
fn a_container_that_does_not_take_its_resources_is_destroyed() {
    let mut world = World::running(aware(framework(false)), task("a", "e"));
    let run = world.run_key("e");
    let outcome = Err(PrepareError::Update("no more".into()));
    world.apply(Input::Prepared { run: run.clone(), tasks: Vec::new(), outcome });
    assert_eq!(world.words(), ["destroy"]);
    world.apply(Input::Terminated { run, termination: Ok(Some(Default::default())) });
    let message = "Failed to update resources for container: no more";
    let expected = ("a".into(), TaskGone, Some(Reason::ContainerUpdateFailed), message.into());
    assert_eq!(world.updates(), [expected]);
}

#[test]
fn an_agent_that_is_not_running_takes_no_task() {
    let mut world = super::world::fresh();
    world.start(framework(false), task("t", "e"));
    assert_eq!(world.words(), [""; 0]);
    let mut world = registered();
    world.apply(Input::Shutdown);
    assert_eq!(world.words(), ["finished"]);
    world.start(framework(false), task("t", "e"));
    assert_eq!(world.words(), [""; 0]);
    assert_eq!(world.workload.phase(), Phase::Terminating);
}

#[test]
fn a_second_subscription_takes_the_place_of_the_first() {
    let mut world = World::running(framework(false), task("t", "e"));
    let kind = Subscription::Subscribe { tasks: vec![task("t", "e")], updates: Vec::new() };
    let (framework, executor) = (framework_id(), executor_id("e"));
    world.apply(Input::Subscribe { framework, executor, link: Link::Http(2), kind });
    assert_eq!(world.words(), ["close", "send SUBSCRIBED", "prepare "]);
    let (framework, executor) = (framework_id(), executor_id("e"));
    world.apply(Input::Unsubscribed { framework, executor, link: Link::Http(1) });
    let executor = world.workload.executor(&framework_id(), &executor_id("e")).unwrap();
    assert_eq!(executor.link, Link::Http(2), "the old stream is not missed");
}

#[test]
fn tasks_for_an_executor_whose_stream_broke_wait_until_it_calls_again() {
    let mut world = World::running(framework(false), task("a", "e"));
    let (framework_id, executor_id) = (framework_id(), executor_id("e"));
    world.apply(Input::Unsubscribed {
        framework: framework_id.clone(),
        executor: executor_id.clone(),
        link: Link::Http(1),
    });
    world.run(framework(false), task("b", "e"));
    world.prepared();
    assert_eq!(world.words(), [""; 0]);
    let kind = Subscription::Subscribe { tasks: vec![task("a", "e")], updates: Vec::new() };
    world.apply(Input::Subscribe {
        framework: framework_id,
        executor: executor_id,
        link: Link::Http(2),
        kind,
    });
    assert_eq!(world.words(), ["send SUBSCRIBED", "prepare b"]);
    world.prepared();
    assert_eq!(world.words(), ["send LAUNCH b"]);
}

#[test]
fn who_is_not_expected_is_told_to_end() {
    let mut world = World::running(framework(false), task("t", "e"));
    let check = |world: &mut World, framework: &str, executor: &str, kind| {
        world.apply(Input::Subscribe {
            framework: mesos_api::v1::FrameworkId { value: framework.into() },
            executor: executor_id(executor),
            link: Link::Http(9),
            kind,
        });
        assert_eq!(world.words(), ["send SHUTDOWN", "close"]);
    };
    let subscribe = || Subscription::Subscribe { tasks: Vec::new(), updates: Vec::new() };
    check(&mut world, "G", "e", subscribe());
    check(&mut world, "F", "f", subscribe());
    check(&mut world, "F", "e", Subscription::Register);
    world.apply(Input::ShutdownExecutor { framework: framework_id(), executor: executor_id("e") });
    check(&mut world, "F", "e", subscribe());
    let executor = world.workload.executor(&framework_id(), &executor_id("e")).unwrap();
    assert_eq!(executor.state, ExecutorState::Terminating);
}

#[test]
fn a_master_that_counts_on_an_executor_is_told_that_there_will_be_none() {
    let mut world = registered();
    world.apply(Input::RunTask {
        framework: Box::new(framework(false)),
        pid: None,
        task: Box::new(task("t", "e")),
        launch_executor: Some(true),
    });
    let outcome = Err("no".to_owned());
    world.apply(Input::Authorized { framework: framework_id(), launch: 1, outcome });
    assert_eq!(world.words(), ["update t TASK_ERROR", "exited e -1", "close streams", "collect 1"]);
}

#[test]
fn a_master_that_counts_on_no_new_executor_gets_none() {
    let mut world = registered();
    world.apply(Input::RunTask {
        framework: Box::new(framework(false)),
        pid: None,
        task: Box::new(task("t", "e")),
        launch_executor: Some(false),
    });
    world.allow(1);
    assert_eq!(world.updates()[0].3, "No executor is expected to launch and there is none running");
}
