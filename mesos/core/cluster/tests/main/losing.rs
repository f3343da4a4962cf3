//! Agents that are lost: unreachable, gone.

use std::time::Duration;

use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{AgentId, TaskState};
use mesos_cluster::{ConnectionId, Effect, Input, OperatorAction, RemovalRate, SchedulerEvent};

use crate::harness::*;

#[test]
fn tasks_of_an_unreachable_agent_are_unreachable_or_lost() {
    for (info, state) in [(plain(), TaskState::TaskLost), (partition_aware(), TaskState::TaskUnreachable)] {
        let mut world = World::new();
        let (agent, link) = world.agent("cpus:4;mem:1024");
        let (id, connection) = world.framework(info);
        let offer = world.one_offer(&id);
        world.accept(connection, &id, &[offer.id], vec![launch(vec![executor_task("t", &agent, "e")])]);
        let offer = world.one_offer(&id);
        world.input(Input::PingsTimedOut(agent.clone()));

        let status = world.last_status(connection);
        assert_eq!((status.state(), status.reason()), (state, Reason::AgentRemoved));
        assert_eq!(status.unreachable_time.unwrap().nanoseconds, world.now.as_nanos());
        assert_eq!(status.executor_id, Some("e".into()));
        assert!(world.events(connection).contains(&SchedulerEvent::Rescind(offer.id)));
        assert!(world.events(connection).contains(&SchedulerEvent::AgentLost(agent.clone())));
        assert!(is_forgotten(&world, &agent, link));
        assert!(!world.observations().contains(&"agent removed"));
        let framework = world.cluster.state().framework(&id).unwrap();
        assert_eq!(framework.unreachable_tasks.get(&"t".into()).unwrap().state(), state);
        assert!(world.allocator.allocated.is_empty());
        let counters = world.cluster.counters();
        assert_eq!((counters.slave_unreachable_scheduled, counters.slave_unreachable_completed), (1, 1));
        assert_eq!(counters.slave_removals_reason_unhealthy, 1);
        world.check();
    }
}

/// Whether the shell was told to forget an agent.
fn is_forgotten(world: &World, id: &AgentId, link: ConnectionId) -> bool {
    world.said.iter().any(|effect| {
        matches!(effect, Effect::ForgetAgent { agent, connection } if agent == id && *connection == link)
    })
}

#[test]
fn registry_is_written_before_anybody_is_told() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    world.registrar_works = false;
    world.input(Input::PingsTimedOut(agent.clone()));
    world.input(Input::PingsTimedOut(agent.clone()));
    assert!(world.statuses(connection).is_empty());
    assert!(world.cluster.state().agent(&agent).is_some());
    world.answer_registrar();
    assert_eq!(world.states(connection, "t"), [TaskState::TaskLost]);
}

#[test]
fn scheduler_that_has_seen_the_end_of_a_task_is_not_told_another_one() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    world.update(link, &id, &agent, "t", TaskState::TaskFinished);
    world.input(Input::PingsTimedOut(agent));
    assert_eq!(world.states(connection, "t"), [TaskState::TaskFinished]);
}

#[test]
fn limit_lets_agents_go_one_by_one_and_those_that_answer_stay() {
    let mut world = World::with(|options| {
        options.agent_removal_rate = Some(RemovalRate { permits: 1, per: Duration::from_secs(20) });
    });
    let agents: Vec<_> = (0..3).map(|_| world.agent("cpus:4;mem:1024").0).collect();
    for agent in &agents {
        world.input(Input::PingsTimedOut(agent.clone()));
    }
    let left = |world: &World| world.cluster.state().agents.keys().cloned().collect::<Vec<_>>();
    assert_eq!(left(&world), agents[1..]);
    world.advance(Duration::from_secs(19));
    assert_eq!(left(&world), agents[1..]);
    world.input(Input::PongReceived(agents[1].clone()));
    world.advance(Duration::from_secs(1));
    assert_eq!(left(&world), agents[1..2]);
    world.advance(Duration::from_secs(100));
    assert_eq!(left(&world), agents[1..2]);
    let counters = world.cluster.counters();
    assert_eq!(counters.slave_unreachable_scheduled, 3);
    assert_eq!(counters.slave_unreachable_completed, 2);
    assert_eq!(counters.slave_unreachable_canceled, 1);
}

#[test]
fn tasks_of_a_gone_agent_are_over() {
    for (info, state, reason) in [
        (plain(), TaskState::TaskLost, Reason::AgentRemoved),
        (partition_aware(), TaskState::TaskGoneByOperator, Reason::AgentRemovedByOperator),
    ] {
        let mut world = World::new();
        let (agent, link) = world.agent("cpus:4;mem:1024");
        let (id, connection) = world.framework(info);
        world.launch(connection, &id, &["t"]);
        let request = world.operate(OperatorAction::MarkAgentGone(agent.clone()));
        assert_eq!(world.reply(request), Some(Ok(())));
        let status = world.last_status(connection);
        assert_eq!((status.state(), status.reason()), (state, reason));
        assert_eq!(status.unreachable_time, None);
        assert_eq!(world.shutdown_text(link).as_deref(), Some("Agent has been marked gone"));
        assert!(world.registry.is_gone(&agent));
        assert_eq!(world.completed(&id)[&"t".into()], state);
        assert!(!world.observations().contains(&"agent removed"));
        world.check();
    }
}

#[test]
fn only_so_many_unreachable_tasks_are_kept() {
    let mut world = World::with(|options| options.max_unreachable_tasks_per_framework = 2);
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["a", "b", "c"]);
    world.input(Input::PingsTimedOut(agent));
    let framework = world.cluster.state().framework(&id).unwrap();
    let kept: Vec<_> = framework.unreachable_tasks.iter().map(|(id, _)| id.value.clone()).collect();
    assert_eq!(kept, ["b", "c"]);
}

#[test]
fn unreachable_tasks_of_a_framework_that_ends_are_killed() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(partition_aware());
    world.launch(connection, &id, &["t"]);
    world.input(Input::PingsTimedOut(agent));
    world.call(connection, &id, typed(mesos_api::v1::scheduler::call::Type::Teardown));
    assert_eq!(world.completed(&id)[&"t".into()], TaskState::TaskKilled);
    assert!(world.cluster.state().completed_frameworks.get(&id).unwrap().unreachable_tasks.is_empty());
}

#[test]
fn registry_forgets_old_agents_and_their_tasks() {
    let mut world = World::with(|options| {
        options.registry_gc_interval = Duration::from_secs(2);
        options.registry_max_agent_age = Duration::from_secs(1);
    });
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    world.input(Input::PingsTimedOut(agent.clone()));
    world.advance(Duration::from_secs(4));
    assert!(world.cluster.state().unreachable_agents.is_empty());
    assert!(!world.registry.is_unreachable(&agent));
    assert!(world.cluster.state().framework(&id).unwrap().unreachable_tasks.is_empty());
}
