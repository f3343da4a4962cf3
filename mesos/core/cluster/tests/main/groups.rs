//! LAUNCH_GROUP: all or nothing.

use mesos_access::Action;
use mesos_api::v1::TaskState;
use mesos_api::v1::scheduler::{Call, call};
use mesos_api::v1::task_status::Reason;
use mesos_cluster::ToAgent;

use crate::harness::*;

const AGENT: &str = "cpus:4;mem:1024;disk:1024";

#[test]
fn group_is_launched_as_one() {
    let mut world = World::new();
    let (agent, link) = world.agent(AGENT);
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    let group = launch_group(&id, "x", vec![task("a", &agent), task("b", &agent)]);
    world.accept(connection, &id, &[offer.id], vec![group]);
    let messages = world.messages(link);
    let Some(ToAgent::RunTaskGroup(message)) = messages.last() else { panic!("{messages:?}") };
    assert_eq!(message.task_group.tasks.len(), 2);
    assert!(message.task_group.tasks.iter().all(|task| task.executor.as_ref() == Some(&message.executor)));
    assert_eq!(world.allocator.free(&agent), resources("cpus:1.9;mem:928;disk:992"));
    let framework = world.cluster.state().framework(&id).unwrap();
    assert!(framework.has_executor(&agent, &"x".into()));
    assert_eq!(framework.task(&"a".into()).unwrap().info.executor_id, Some("x".into()));
    world.check();

    // A second group on the same executor.
    let offer = world.one_offer(&id);
    let group = launch_group(&id, "x", vec![task("c", &agent)]);
    world.accept(connection, &id, &[offer.id], vec![group]);
    assert_eq!(world.allocator.free(&agent), resources("cpus:0.9;mem:896;disk:992"));
    world.check();
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn one_wrong_task_fails_the_group() {
    let mut world = World::new();
    let (agent, link) = world.agent(AGENT);
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    let mut wrong = task("b", &agent);
    wrong.resources = resources("cpus:8").to_protos();
    let group = launch_group(&id, "x", vec![task("a", &agent), wrong]);
    world.accept(connection, &id, &[offer.id], vec![group]);
    for task in ["a", "b"] {
        assert_eq!(world.states(connection, task), [TaskState::TaskError]);
    }
    assert_eq!(world.last_status(connection).reason(), Reason::TaskGroupInvalid);
    assert!(!world.messages(link).iter().any(|it| matches!(it, ToAgent::RunTaskGroup(_))));
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn executor_without_disk_fails_the_group() {
    let mut world = World::new();
    let (agent, _) = world.agent(AGENT);
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    let mut group = launch_group(&id, "x", vec![task("a", &agent)]);
    group.launch_group.as_mut().unwrap().executor.resources = resources("cpus:0.1;mem:32").to_protos();
    world.accept(connection, &id, &[offer.id], vec![group]);
    let status = world.last_status(connection);
    assert_eq!((status.state(), status.reason()), (TaskState::TaskError, Reason::TaskGroupInvalid));
    assert_eq!(status.message(), "Executor 'x' uses no disk");
}

#[test]
fn one_unauthorized_task_fails_the_group() {
    let mut world = World::new();
    let (agent, _) = world.agent(AGENT);
    let (id, connection) = world.framework(plain());
    world.authorizer = Authorizer::Rules(|_, action, object| {
        action != Action::RunTask || object.task_info.as_ref().unwrap().task_id.value != "b"
    });
    let offer = world.one_offer(&id);
    let group = launch_group(&id, "x", vec![task("a", &agent), task("b", &agent)]);
    world.accept(connection, &id, &[offer.id], vec![group]);
    let statuses = world.statuses(connection);
    assert_eq!(statuses.len(), 2);
    for status in statuses {
        assert_eq!(status.reason(), Reason::TaskGroupUnauthorized);
        assert_eq!(status.message(), "Task 'b' is not authorized to launch as user 'nobody'");
    }
}

#[test]
fn one_task_killed_while_pending_kills_the_group() {
    let mut world = World::new();
    let (agent, link) = world.agent(AGENT);
    let (id, connection) = world.framework(plain());
    world.authorizer = Authorizer::Waiting;
    let offer = world.one_offer(&id);
    let group = launch_group(&id, "x", vec![task("a", &agent), task("b", &agent)]);
    world.accept(connection, &id, &[offer.id], vec![group]);
    let kill = call::Kill { task_id: "a".into(), agent_id: None, kill_policy: None };
    world.call(connection, &id, Call { kill: Some(kill), ..typed(call::Type::Kill) });
    world.answer_authorizer(true);
    for task in ["a", "b"] {
        assert_eq!(world.states(connection, task), [TaskState::TaskKilled], "{task}");
    }
    assert_eq!(world.last_status(connection).reason(), Reason::TaskKilledDuringLaunch);
    assert!(!world.messages(link).iter().any(|it| matches!(it, ToAgent::RunTaskGroup(_))));
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn empty_group_starts_nothing() {
    let mut world = World::new();
    let (agent, link) = world.agent(AGENT);
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    world.accept(connection, &id, &[offer.id], vec![launch_group(&id, "x", vec![])]);
    assert!(!world.messages(link).iter().any(|it| matches!(it, ToAgent::RunTaskGroup(_))));
    assert_eq!(world.allocator.free(&agent), resources(AGENT));
}

/// MESOS-9619: tasks of one group that want the same port.
#[test]
fn mesos_9619() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024;disk:1024;ports:[31000-32000]");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    let tasks = ["a", "b"].map(|name| {
        let mut task = task(name, &agent);
        task.resources = resources("cpus:1;ports:[31000-31000]").to_protos();
        task
    });
    world.accept(connection, &id, &[offer.id], vec![launch_group(&id, "x", tasks.to_vec())]);
    assert_eq!(world.states(connection, "a"), [TaskState::TaskError]);
    assert!(world.last_status(connection).message().contains("overlapping resources"));
    check_allocated(&world.cluster, &world.allocator);
}
