//! LAUNCH: tasks that run, and tasks that may not.

use mesos_access::Action;
use mesos_api::v1::offer::{Operation, operation};
use mesos_api::v1::task_status::{Reason, Source};
use mesos_api::v1::{Resource, TaskId, TaskState};
use mesos_cluster::{Input, ToAgent};

use crate::harness::*;

#[test]
fn accepted_task_goes_to_its_agent_and_the_rest_back() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    let messages = world.messages(link);
    let Some(ToAgent::RunTask(message)) = messages.last() else { panic!("{messages:?}") };
    assert_eq!(message.task.task_id, "t".into());
    assert_eq!(message.framework.id.as_ref(), Some(&id));
    assert_eq!(message.pid.as_deref(), Some("@0.0.0.0:0"), "the scheduler has no PID");
    assert!(message.task.resources.iter().all(|it| it.allocation_info.as_ref().unwrap().role() == "*"));

    let task = world.cluster.state().framework(&id).unwrap().task(&"t".into()).unwrap().clone();
    assert_eq!(task.state(), TaskState::TaskStaging);
    assert!(world.statuses(connection).is_empty(), "staging is not sent");
    assert_eq!(world.allocator.free(&agent), resources("cpus:3;mem:992"));
    assert_eq!(world.cluster.state().tasks_by_state.get(TaskState::TaskStaging), 1);
    assert_eq!(world.observations().last(), Some(&"task added"));
    assert_eq!(world.cluster.counters().messages_launch_tasks, 1);
    world.check();
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn driver_s_pid_is_told_to_the_agent() {
    let mut world = World::new();
    let (_, link) = world.agent("cpus:4;mem:1024");
    let connection = world.connection();
    world.subscribe_as(driver(connection), plain(), false);
    let id = world.subscribed(connection).unwrap();
    world.launch(connection, &id, &["t"]);
    let messages = world.messages(link);
    let Some(ToAgent::RunTask(message)) = messages.last() else { panic!("{messages:?}") };
    assert_eq!(message.pid.as_deref(), driver(connection).pid());
}

#[test]
fn accept_without_operations_declines() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    world.accept(connection, &id, &[offer.id], vec![]);
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"));
    let offer = world.one_offer(&id);
    world.accept(connection, &id, &[offer.id], vec![launch(vec![])]);
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"));
    assert_eq!(world.cluster.counters().messages_decline_offers, 1);
}

#[test]
fn several_offers_of_one_agent_are_used_together() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:1;mem:16");
    let (id, connection) = world.framework(plain());
    let first = world.one_offer(&id);
    let message = world.memory_of(&agent);
    let mut larger = message.clone();
    larger.slave.resources = resources("cpus:1;mem:32").to_protos();
    world.reregister(peer(link), larger);
    let second = world.one_offer(&id);
    world.accept(connection, &id, &[first.id, second.id], vec![launch(vec![task("t", &agent)])]);
    assert!(world.statuses(connection).is_empty());
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn stale_offer_loses_the_task() {
    for (info, state) in [(plain(), TaskState::TaskLost), (partition_aware(), TaskState::TaskDropped)] {
        let mut world = World::new();
        let (agent, _) = world.agent("cpus:4;mem:1024");
        let (id, connection) = world.framework(info);
        let offer = world.one_offer(&id);
        world.accept(connection, &id, std::slice::from_ref(&offer.id), vec![]);
        world.accept(connection, &id, &[offer.id], vec![launch(vec![task("t", &agent)])]);
        let status = world.last_status(connection);
        assert_eq!(status.state(), state);
        assert_eq!((status.reason(), status.source()), (Reason::InvalidOffers, Source::Master));
        assert_eq!(status.message(), "Task launched with invalid offers: Offer m-O0 is no longer valid");
        assert_eq!(status.uuid, None, "no acknowledgement is expected");
        assert_eq!(status.agent_id, Some(agent));
    }
}

#[test]
fn offers_that_do_not_go_together_go_back() {
    let mut world = World::new();
    let (a, _) = world.agent("cpus:4;mem:1024");
    let (b, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offers: Vec<_> = world.offer(&id, "*").into_iter().map(|offer| offer.id).collect();
    world.accept(connection, &id, &offers, vec![launch(vec![task("t", &a)])]);
    assert_eq!(world.last_status(connection).reason(), Reason::InvalidOffers);
    for agent in [a, b] {
        assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"));
    }
    world.accept(connection, &id, &[], vec![]);
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn one_wrong_task_does_not_stop_the_others() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    let mut large = task("large", &agent);
    large.resources = resources("cpus:8").to_protos();
    let tasks = vec![task("a", &agent), large, task("x/y", &agent), task("b", &agent)];
    world.accept(connection, &id, &[offer.id], vec![launch(tasks)]);
    let wrong: Vec<_> = world
        .statuses(connection)
        .into_iter()
        .map(|status| (status.task_id.value.clone(), status.state(), status.reason()))
        .collect();
    let error = |id: &str| (id.to_owned(), TaskState::TaskError, Reason::TaskInvalid);
    assert_eq!(wrong, [error("large"), error("x/y")]);
    let run = world.messages(link).iter().filter(|it| matches!(it, ToAgent::RunTask(_))).count();
    assert_eq!(run, 2);
    assert_eq!(world.cluster.counters().tasks_error, 2);
    let (end, count) = world.cluster.counters().task_ends.first_key_value().unwrap();
    assert_eq!((end.path().as_str(), *count), ("master/task_error/source_master/reason_task_invalid", 2));
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn second_task_of_an_id_is_an_error() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    world.launch(connection, &id, &["t"]);
    assert_eq!(world.last_status(connection).message(), "Task has duplicate ID: t");
    let offer = world.one_offer(&id);
    let twice = vec![task("u", &agent), task("u", &agent)];
    world.accept(connection, &id, &[offer.id], vec![launch(twice)]);
    assert_eq!(world.states(connection, "u"), [TaskState::TaskError]);
    assert!(world.cluster.state().framework(&id).unwrap().task(&"u".into()).is_some());
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn executor_is_counted_once() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    let tasks = vec![executor_task("a", &agent, "e"), executor_task("b", &agent, "e")];
    world.accept(connection, &id, &[offer.id], vec![launch(tasks)]);
    assert!(world.statuses(connection).is_empty());
    assert_eq!(world.allocator.free(&agent), resources("cpus:1.9;mem:928"));
    let messages = world.messages(link);
    let Some(ToAgent::RunTask(message)) = messages.last() else { panic!("{messages:?}") };
    let executor = message.task.executor.as_ref().unwrap();
    assert_eq!(executor.framework_id.as_ref(), Some(&id), "it is filled in");
    world.check();
}

#[test]
fn invalid_resources_and_operation_ids_fail_every_task() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    let mut broken = task("a", &agent);
    broken.resources = vec![Resource::default()];
    let operation = launch(vec![broken, task("b", &agent)]);
    let named = Operation { id: Some("op".into()), ..launch(vec![task("c", &agent)]) };
    world.accept(connection, &id, &[offer.id], vec![operation, named]);
    let found: Vec<_> = world
        .statuses(connection)
        .into_iter()
        .map(|it| (it.task_id.value.clone(), it.state(), it.reason()))
        .collect();
    let expected = ["a", "b", "c"].map(|id| (id.to_owned(), TaskState::TaskError, Reason::TaskInvalid));
    assert_eq!(found, expected);
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn task_whose_user_is_not_allowed_is_an_error() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.authorizer = Authorizer::Rules(|_, action, object| {
        action != Action::RunTask || object.task_info.as_ref().unwrap().task_id.value != "bad"
    });
    let offer = world.one_offer(&id);
    let tasks = vec![task("bad", &agent), task("good", &agent)];
    world.accept(connection, &id, &[offer.id], vec![launch(tasks)]);
    let status = world.last_status(connection);
    assert_eq!((status.state(), status.reason()), (TaskState::TaskError, Reason::TaskUnauthorized));
    assert_eq!(status.message(), "Not authorized to launch as user 'nobody'");
    assert!(world.cluster.state().framework(&id).unwrap().task(&"good".into()).is_some());
}

#[test]
fn tasks_are_pending_while_the_authorizer_thinks() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.authorizer = Authorizer::Waiting;
    world.launch(connection, &id, &["t"]);
    let framework = world.cluster.state().framework(&id).unwrap();
    assert!(framework.pending_tasks.contains_key(&TaskId::from("t")));
    assert_eq!(framework.pending().next().unwrap().state(), TaskState::TaskStaging);
    assert!(world.allocator.free(&agent).is_empty(), "nothing is free meanwhile");
    world.answer_authorizer(true);
    let framework = world.cluster.state().framework(&id).unwrap();
    assert!(framework.pending_tasks.is_empty() && framework.task(&"t".into()).is_some());
    world.check();
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn pending_task_of_an_agent_that_goes_is_lost() {
    for (info, state) in [(plain(), TaskState::TaskLost), (partition_aware(), TaskState::TaskDropped)] {
        for (removed, reason, message) in [
            (false, Reason::AgentDisconnected, "Agent disconnected"),
            (true, Reason::AgentRemoved, "Agent removed"),
        ] {
            let mut world = World::new();
            let (agent, link) = world.agent("cpus:4;mem:1024");
            let (id, connection) = world.framework(info.clone());
            world.authorizer = Authorizer::Waiting;
            world.launch(connection, &id, &["t"]);
            match removed {
                true => world.input(Input::PingsTimedOut(agent)),
                false => world.input(Input::AgentDisconnected(link)),
            }
            world.answer_authorizer(true);
            let statuses = world.statuses(connection);
            assert_eq!(statuses.len(), 1, "{statuses:?}");
            assert_eq!((statuses[0].state(), statuses[0].reason()), (state, reason));
            assert_eq!(statuses[0].message(), message);
            assert!(world.cluster.state().framework(&id).unwrap().pending_tasks.is_empty());
            world.check();
            check_allocated(&world.cluster, &world.allocator);
        }
    }
}

#[test]
fn agent_that_returns_while_the_authorizer_thinks_is_not_given_old_tasks() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.authorizer = Authorizer::Waiting;
    world.launch(connection, &id, &["t"]);
    let message = world.memory_of(&agent);
    world.input(Input::PingsTimedOut(agent.clone()));
    world.reregister(peer(link), message);
    world.answer_authorizer(true);
    assert!(world.cluster.state().agent(&agent).is_some());
    assert_eq!(world.states(connection, "t"), [TaskState::TaskLost]);
    assert!(!world.messages(link).iter().any(|it| matches!(it, ToAgent::RunTask(_))));
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn framework_that_ends_while_the_authorizer_thinks_leaves_nothing() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.authorizer = Authorizer::Waiting;
    world.launch(connection, &id, &["t"]);
    world.call(connection, &id, typed(mesos_api::v1::scheduler::call::Type::Teardown));
    world.answer_authorizer(true);
    assert!(!world.messages(link).iter().any(|it| matches!(it, ToAgent::RunTask(_))));
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"));
    assert!(world.cluster.state().agent(&agent).unwrap().pending_tasks.is_empty());
}

#[test]
fn operations_of_storage_are_dropped() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024;disk:100");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    let operation = Operation {
        r#type: Some(operation::Type::CreateVolume as i32),
        create_volume: Some(operation::CreateVolume {
            source: resources("disk:10").to_protos().remove(0),
            ..Default::default()
        }),
        ..Operation::default()
    };
    world.accept(connection, &id, &[offer.id], vec![operation]);
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024;disk:100"));
    let dropped = "dropping CREATE_VOLUME operation of framework m-0000: Not supported on agent m-S0";
    assert!(
        world
            .said
            .iter()
            .any(|it| matches!(it, mesos_cluster::Effect::Log(_, text) if text.starts_with(dropped)))
    );
}

/// MESOS-7197: so little of a resource that nothing is left of it.
#[test]
fn mesos_7197() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    for amount in [0.00001, 0.0, -1.0, f64::NAN, f64::INFINITY] {
        let offer = world.one_offer(&id);
        let mut tiny = task("t", &agent);
        tiny.resources.truncate(1);
        tiny.resources[0].scalar = Some(mesos_api::v1::value::Scalar { value: amount });
        world.accept(connection, &id, &[offer.id], vec![launch(vec![tiny])]);
        let status = world.last_status(connection);
        assert_eq!(
            (status.state(), status.reason()),
            (TaskState::TaskError, Reason::TaskInvalid),
            "{amount}"
        );
        check_allocated(&world.cluster, &world.allocator);
    }
}

/// MESOS-7735: the state is looked at while a task waits for its authorization.
#[test]
fn mesos_7735() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.authorizer = Authorizer::Waiting;
    world.launch(connection, &id, &["t"]);
    let snapshot = world.cluster.snapshot();
    let framework = snapshot.framework(&id).unwrap();
    let pending: Vec<_> = framework.pending().collect();
    assert_eq!(pending[0].framework_id, id);
    assert!(framework.to_response().offers.is_empty());
    let agent = snapshot.agents.values().next().unwrap();
    assert!(agent.to_response().offered_resources.is_empty());
}

#[test]
fn agent_without_refinement_gets_the_old_form_of_reservations() {
    let mut world = World::new();
    let link = world.connection();
    let mut message = register_message(link, "cpus(web):4;mem(web):1024");
    message.agent_capabilities.truncate(1);
    world.register(peer(link), message);
    let agent = world.cluster.state().agents.keys().next().unwrap().clone();
    let info = mesos_api::v1::FrameworkInfo { role: Some("web".into()), ..plain() };
    let (id, connection) = world.framework(info);
    let offer = world.offer(&id, "web").pop().unwrap();
    assert_eq!(offer.resources[0].role.as_deref(), Some("web"), "the framework knows the old form only");
    let mut task = task("t", &agent);
    task.resources = resources("cpus(web):1").to_protos();
    world.accept(connection, &id, &[offer.id], vec![launch(vec![task])]);
    let messages = world.messages(link);
    let Some(ToAgent::RunTask(message)) = messages.last() else { panic!("{messages:?}") };
    let resource = &message.task.resources[0];
    assert_eq!((resource.role.as_deref(), resource.reservations.len()), (Some("web"), 0));
}
