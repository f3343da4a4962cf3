//! KILL, SHUTDOWN and MESSAGE.

use mesos_api::v1::scheduler::{Call, call};
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{DurationInfo, KillPolicy, TaskState};
use mesos_cluster::{Input, ToAgent};

use crate::harness::*;

fn kill(task: &str, agent: Option<&mesos_api::v1::AgentId>) -> Call {
    let kill = call::Kill { task_id: task.into(), agent_id: agent.cloned(), kill_policy: None };
    Call { kill: Some(kill), ..typed(call::Type::Kill) }
}

#[test]
fn kill_goes_to_the_agent_with_its_policy() {
    let mut world = World::new();
    let (_, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    let policy = KillPolicy { grace_period: Some(DurationInfo { nanoseconds: 7 }) };
    let mut call = kill("t", None);
    call.kill.as_mut().unwrap().kill_policy = Some(policy);
    world.call(connection, &id, call);
    let messages = world.messages(link);
    let Some(ToAgent::KillTask(message)) = messages.last() else { panic!("{messages:?}") };
    assert_eq!((&message.framework_id, &message.task_id), (&id, &"t".into()));
    assert_eq!(message.kill_policy, Some(policy));
}

#[test]
fn pending_task_is_killed_at_once_and_never_launched() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.authorizer = Authorizer::Waiting;
    world.launch(connection, &id, &["a", "b"]);
    world.call(connection, &id, kill("a", None));
    let status = world.last_status(connection);
    assert_eq!((status.state(), status.reason()), (TaskState::TaskKilled, Reason::TaskKilledDuringLaunch));
    assert_eq!(status.message(), "Killed before delivery to the agent");
    assert_eq!(status.agent_id, Some(agent.clone()));
    // Even if it turns out that it was not allowed at all: it has had its end.
    world.answer_authorizer(false);
    assert_eq!(world.states(connection, "a"), [TaskState::TaskKilled]);
    assert_eq!(world.states(connection, "b"), [TaskState::TaskError]);
    assert!(!world.messages(link).iter().any(|it| matches!(it, ToAgent::RunTask(_))));
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"));
    world.check();
}

#[test]
fn killing_an_unknown_task_reconciles_it() {
    for (info, state) in [(plain(), TaskState::TaskLost), (partition_aware(), TaskState::TaskUnknown)] {
        let mut world = World::new();
        let (id, connection) = world.framework(info);
        world.call(connection, &id, kill("t", None));
        let status = world.last_status(connection);
        assert_eq!((status.state(), status.reason()), (state, Reason::Reconciliation));
    }
}

#[test]
fn kill_that_names_another_agent_is_ignored() {
    let mut world = World::new();
    let (_, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    world.call(connection, &id, kill("t", Some(&"other".into())));
    assert!(!world.messages(link).iter().any(|it| matches!(it, ToAgent::KillTask(_))));
    assert!(world.statuses(connection).is_empty());
}

#[test]
fn kill_for_an_agent_that_is_away_is_sent_when_it_returns() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let info = mesos_api::v1::FrameworkInfo { checkpoint: Some(true), ..plain() };
    let (id, connection) = world.framework(info);
    world.launch(connection, &id, &["t", "u"]);
    world.input(Input::AgentDisconnected(link));
    world.call(connection, &id, kill("t", None));
    assert!(!world.messages(link).iter().any(|it| matches!(it, ToAgent::KillTask(_))));
    let message = world.memory_of(&agent);
    world.reregister(peer(link), message);
    let killed: Vec<_> = world
        .messages(link)
        .into_iter()
        .filter_map(|message| match message {
            ToAgent::KillTask(message) => Some(message.task_id),
            _ => None,
        })
        .collect();
    assert_eq!(killed, ["t".into()]);
}

#[test]
fn shutdown_goes_to_the_agent() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let shutdown = |agent| {
        let shutdown = call::Shutdown { executor_id: "e".into(), agent_id: agent };
        Call { shutdown: Some(shutdown), ..typed(call::Type::Shutdown) }
    };
    world.call(connection, &id, shutdown(agent));
    assert!(matches!(world.messages(link).last(), Some(ToAgent::ShutdownExecutor(_))));
    world.call(connection, &id, shutdown("other".into()));
}

#[test]
fn messages_go_both_ways_or_are_dropped() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let message = call::Message { agent_id: agent, executor_id: "e".into(), data: b"hi".to_vec() };
    let call = Call { message: Some(message), ..typed(call::Type::Message) };
    world.call(connection, &id, call.clone());
    let messages = world.messages(link);
    let Some(ToAgent::ExecutorMessage(message)) = messages.last() else { panic!("{messages:?}") };
    assert_eq!(message.data, b"hi");
    world.input(Input::AgentDisconnected(link));
    world.call(connection, &id, call);
    let counters = world.cluster.counters();
    assert_eq!(counters.valid_framework_to_executor_messages, 1);
    assert_eq!(counters.invalid_framework_to_executor_messages, 1);
}
