//! Status updates, acknowledgements and the ends of tasks and executors.

use std::time::Duration;

use mesos_api::internal::{ExitedExecutorMessage, StatusUpdate, StatusUpdateMessage};
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{FrameworkInfo, TaskState};
use mesos_cluster::{ConnectionId, FromAgent, Input, SchedulerEvent, ToAgent};

use crate::harness::*;

#[test]
fn update_goes_to_the_scheduler_and_its_acknowledgement_to_the_agent() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    let uuid = world.update(link, &id, &agent, "t", TaskState::TaskRunning);
    let status = world.last_status(connection);
    assert_eq!((status.state(), status.uuid.as_ref()), (TaskState::TaskRunning, Some(&uuid)));
    let events = world.events(connection);
    let Some(SchedulerEvent::Update { agent_pid, .. }) = events.last() else { panic!("{events:?}") };
    assert_eq!(agent_pid.as_deref(), Some(peer(link).pid.as_str()));
    world.acknowledge(connection, &id, &agent, "t", &uuid);
    let messages = world.messages(link);
    let Some(ToAgent::Acknowledge(message)) = messages.last() else { panic!("{messages:?}") };
    assert_eq!((&message.task_id, &message.uuid), (&"t".into(), &uuid));
    let counters = world.cluster.counters();
    assert_eq!((counters.valid_status_updates, counters.valid_status_update_acknowledgements), (1, 1));
    assert_eq!(world.cluster.state().tasks_by_state.get(TaskState::TaskRunning), 1);
    assert_eq!(world.observations().last(), Some(&"task updated"));
    world.check();
}

#[test]
fn terminal_task_frees_its_resources_at_once_and_goes_when_acknowledged() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    let uuid = world.update(link, &id, &agent, "t", TaskState::TaskFinished);
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"));
    assert!(world.cluster.state().framework(&id).unwrap().task(&"t".into()).is_some());
    assert_eq!(world.cluster.counters().tasks_finished, 1);
    world.check();
    // Sent again, it is not counted again.
    world.update(link, &id, &agent, "t", TaskState::TaskFinished);
    assert_eq!(world.cluster.counters().tasks_finished, 1);

    world.acknowledge(connection, &id, &agent, "t", &uuid);
    assert!(world.cluster.state().framework(&id).unwrap().task(&"t".into()).is_some(), "an old uuid");
    let uuid = world.update(link, &id, &agent, "t", TaskState::TaskFinished);
    world.acknowledge(connection, &id, &agent, "t", &uuid);
    assert!(world.cluster.state().framework(&id).unwrap().task(&"t".into()).is_none());
    assert_eq!(world.completed(&id)[&"t".into()], TaskState::TaskFinished);
    world.check();
    check_allocated(&world.cluster, &world.allocator);
}

/// The agent knows more than the scheduler has acknowledged.
#[test]
fn resources_are_free_when_the_latest_state_is_terminal() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    let uuid = world.uuid();
    let latest = Some(TaskState::TaskFailed);
    let update = status_update(&id, &agent, "t", TaskState::TaskRunning, latest, &uuid);
    world.agent_says(link, FromAgent::StatusUpdate(StatusUpdateMessage { update, pid: None }));
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"));
    let task = world.cluster.state().framework(&id).unwrap().task(&"t".into()).unwrap().clone();
    assert_eq!((task.state(), task.reported_state()), (TaskState::TaskFailed, TaskState::TaskRunning));
    // Acknowledging the update of the running task does not end it.
    world.acknowledge(connection, &id, &agent, "t", &uuid);
    assert!(world.cluster.state().framework(&id).unwrap().task(&"t".into()).is_some());
    world.check();
}

#[test]
fn a_task_that_has_ended_stays_ended() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    world.update(link, &id, &agent, "t", TaskState::TaskFailed);
    world.update(link, &id, &agent, "t", TaskState::TaskRunning);
    let task = world.cluster.state().framework(&id).unwrap().task(&"t".into()).unwrap().clone();
    assert_eq!(task.state(), TaskState::TaskFailed);
    world.check();
}

#[test]
fn wrong_acknowledgements_have_no_effect() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (other, other_link) = world.agent("cpus:0.1;mem:1");
    let (id, connection) = world.framework(plain());
    let offer = world.offer(&id, "*").into_iter().find(|offer| offer.agent_id == agent).unwrap();
    world.accept(connection, &id, &[offer.id], vec![launch(vec![task("t", &agent)])]);
    // Before this master has sent an update: meant for another one.
    let acknowledged = |world: &World, link| {
        world.messages(link).iter().filter(|it| matches!(it, ToAgent::Acknowledge(_))).count()
    };
    world.acknowledge(connection, &id, &agent, "t", &[7; 16]);
    assert_eq!(acknowledged(&world, link), 0);
    let uuid = world.update(link, &id, &agent, "t", TaskState::TaskFinished);
    world.acknowledge(connection, &id, &other, "t", &uuid);
    assert_eq!(acknowledged(&world, other_link), 1, "the other agent may know better");
    world.acknowledge(connection, &id, &agent, "t", &[7; 15]);
    world.acknowledge(connection, &id, &"nobody".into(), "t", &uuid);
    assert!(world.cluster.state().framework(&id).unwrap().task(&"t".into()).is_some());
    assert_eq!(world.cluster.counters().invalid_status_update_acknowledgements, 3);
}

#[test]
fn updates_that_no_agent_may_send_are_ignored() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (_, stranger) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offer = world.offer(&id, "*").into_iter().find(|offer| offer.agent_id == agent).unwrap();
    world.accept(connection, &id, &[offer.id], vec![launch(vec![task("t", &agent)])]);
    world.update(stranger, &id, &agent, "t", TaskState::TaskRunning);
    world.update(link, &id, &agent, "t", TaskState::TaskUnreachable);
    world.update(link, &id, &agent, "t", TaskState::TaskUnknown);
    let update = status_update(&id, &agent, "t", TaskState::TaskRunning, None, b"short");
    world.agent_says(link, FromAgent::StatusUpdate(StatusUpdateMessage { update, pid: None }));
    assert!(world.statuses(connection).is_empty());
    assert_eq!(world.cluster.counters().invalid_status_updates, 4);
    world.check();
}

#[test]
fn update_of_a_task_that_nobody_knows_is_passed_on() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let uuid = world.update(link, &id, &agent, "ghost", TaskState::TaskLost);
    assert_eq!(world.last_status(connection).task_id, "ghost".into());
    world.acknowledge(connection, &id, &agent, "ghost", &uuid);
    assert!(matches!(world.messages(link).last(), Some(ToAgent::Acknowledge(_))));
}

#[test]
fn update_for_a_framework_that_is_away_counts_for_resources_only() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(FrameworkInfo { failover_timeout: Some(60.0), ..plain() });
    world.launch(connection, &id, &["t"]);
    world.input(Input::SchedulerDisconnected(connection));
    world.update(link, &id, &agent, "t", TaskState::TaskFinished);
    assert!(world.statuses(connection).is_empty());
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"));
    let task = world.cluster.state().framework(&id).unwrap().task(&"t".into()).unwrap().clone();
    assert_eq!(task.info.status_update_state, None, "the scheduler has seen nothing");
    world.check();
}

#[test]
fn history_of_statuses_keeps_the_newest_of_each_run() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    for state in [TaskState::TaskStarting, TaskState::TaskRunning, TaskState::TaskRunning] {
        world.update(link, &id, &agent, "t", state);
    }
    let task = world.cluster.state().framework(&id).unwrap().task(&"t".into()).unwrap().clone();
    let states: Vec<_> = task.info.statuses.iter().map(|status| status.state()).collect();
    assert_eq!(states, [TaskState::TaskStarting, TaskState::TaskRunning]);
}

#[test]
fn operators_see_states_and_check_results() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    world.update(link, &id, &agent, "t", TaskState::TaskRunning);
    world.said.clear();
    world.update(link, &id, &agent, "t", TaskState::TaskRunning);
    assert!(world.observations().is_empty(), "nothing new");
    let uuid = world.uuid();
    let mut update = status_update(&id, &agent, "t", TaskState::TaskRunning, None, &uuid);
    update.status.reason = Some(Reason::TaskHealthCheckStatusUpdated as i32);
    update.status.healthy = Some(true);
    world.agent_says(link, FromAgent::StatusUpdate(StatusUpdateMessage { update, pid: None }));
    assert_eq!(world.observations(), ["task updated"]);
}

#[test]
fn end_of_an_executor_frees_it_and_is_told() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    world.accept(connection, &id, &[offer.id], vec![launch(vec![executor_task("t", &agent, "e")])]);
    world.update(link, &id, &agent, "t", TaskState::TaskFailed);
    let exited = ExitedExecutorMessage {
        slave_id: agent.clone(),
        framework_id: id.clone(),
        executor_id: "e".into(),
        status: 7 << 8,
    };
    world.agent_says(link, FromAgent::ExecutorExited(exited.clone()));
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"));
    let events = world.events(connection);
    let failure = events.last().unwrap().to_event().failure.unwrap();
    assert_eq!((failure.executor_id, failure.status), (Some("e".into()), Some(7 << 8)));
    // It ends only once.
    world.agent_says(link, FromAgent::ExecutorExited(exited));
    assert_eq!(world.events(connection).len(), events.len());
    world.check();
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn snapshot_stays_as_it_was() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    let before = world.cluster.snapshot();
    world.update(link, &id, &agent, "t", TaskState::TaskRunning);
    world.call(connection, &id, typed(mesos_api::v1::scheduler::call::Type::Teardown));
    let task = before.framework(&id).unwrap().task(&"t".into()).unwrap();
    assert_eq!(task.state(), TaskState::TaskStaging);
    assert!(world.cluster.snapshot().framework(&id).is_none());
}

/// How often the scheduler was told of a uuid, and the agent that it is acknowledged.
fn told(world: &World, scheduler: ConnectionId, agent: ConnectionId, uuid: &[u8]) -> (usize, usize) {
    let statuses = world.statuses(scheduler).into_iter();
    let messages = world.messages(agent).into_iter();
    let acknowledged = |message: &ToAgent| matches!(message, ToAgent::Acknowledge(it) if it.uuid == uuid);
    (statuses.filter(|status| status.uuid() == uuid).count(), messages.filter(acknowledged).count())
}

fn send(world: &mut World, link: ConnectionId, update: &StatusUpdate) {
    let message = StatusUpdateMessage { update: update.clone(), pid: Some(peer(link).pid) };
    world.agent_says(link, FromAgent::StatusUpdate(message));
}

/// The agent was killed between the update and the acknowledgement: it sends again what the scheduler has dealt
/// with.
#[test]
fn acknowledged_update_that_comes_again_is_acknowledged_by_the_master() {
    for state in [TaskState::TaskRunning, TaskState::TaskFinished] {
        let mut world = World::new();
        let (agent, link) = world.agent("cpus:4;mem:1024");
        let (id, connection) = world.framework(FrameworkInfo { checkpoint: Some(true), ..plain() });
        world.launch(connection, &id, &["t"]);
        let uuid = world.uuid();
        let update = status_update(&id, &agent, "t", state, Some(state), &uuid);
        send(&mut world, link, &update);
        world.input(Input::AgentDisconnected(link));
        world.acknowledge(connection, &id, &agent, "t", &uuid);
        assert_eq!(told(&world, connection, link, &uuid), (1, 0), "nobody is there to be told");
        let message = world.memory_of(&agent);
        world.reregister(peer(link), message);
        send(&mut world, link, &update);
        assert_eq!(told(&world, connection, link, &uuid), (1, 1));
        let known = world.cluster.state().framework(&id).unwrap().task(&"t".into()).is_some();
        assert_eq!(known, state == TaskState::TaskRunning, "its end was acknowledged");
        // Also when it is a completed one.
        send(&mut world, link, &update);
        assert_eq!(told(&world, connection, link, &uuid), (1, 2));
        world.check();
        check_allocated(&world.cluster, &world.allocator);
    }
}

/// Agents send what is in flight when they come back, and again when they hear of the framework.
#[test]
fn update_that_comes_again_at_once_is_passed_on_only_as_a_retry_or_to_another_connection() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(FrameworkInfo { failover_timeout: Some(1e6), ..plain() });
    world.launch(connection, &id, &["t"]);
    world.advance(Duration::from_secs(1));
    let uuid = world.uuid();
    let state = TaskState::TaskRunning;
    let mut update = status_update(&id, &agent, "t", state, Some(state), &uuid);
    send(&mut world, link, &update);
    world.advance(Duration::from_secs(2));
    update.latest_state = Some(TaskState::TaskFinished as i32);
    send(&mut world, link, &update);
    assert_eq!(told(&world, connection, link, &uuid), (1, 0));
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"), "the latest state counts");
    world.advance(Duration::from_secs(8));
    send(&mut world, link, &update);
    assert_eq!(told(&world, connection, link, &uuid), (2, 0), "a retry");

    let again = FrameworkInfo { id: Some(id.clone()), failover_timeout: Some(1e6), ..plain() };
    world.advance(Duration::from_secs(1));
    let (_, second) = world.framework(again);
    send(&mut world, link, &update);
    assert_eq!(told(&world, second, link, &uuid), (1, 0), "another scheduler has not seen it");
    world.check();
}
