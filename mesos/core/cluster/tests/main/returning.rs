//! Agents that come back to the same master.

use std::time::Duration;

use mesos_api::internal::archive;
use mesos_api::v1::scheduler::call;
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{FrameworkInfo, Task, TaskId, TaskState};
use mesos_cluster::{AgentPeer, Input, OperatorAction, ToAgent};

use crate::harness::*;

fn checkpointing() -> FrameworkInfo {
    FrameworkInfo { checkpoint: Some(true), failover_timeout: Some(1e6), ..plain() }
}

#[test]
fn checkpointing_framework_keeps_its_tasks_over_a_broken_link() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(checkpointing());
    world.launch(connection, &id, &["t"]);
    let offer = world.one_offer(&id);
    world.input(Input::AgentDisconnected(link));
    assert!(!world.cluster.state().offers.contains_key(&offer.id));
    assert!(world.offer(&id, "*").is_empty(), "nothing of it is offered");
    assert!(world.statuses(connection).is_empty());
    world.check();
    let message = world.memory_of(&agent);
    world.reregister(peer(link), message);
    let reregistered = world.messages(link).into_iter().find_map(|message| match message {
        ToAgent::Reregistered(message) => Some(message),
        _ => None,
    });
    assert!(reregistered.unwrap().reconciliations.is_empty());
    assert_eq!(world.offer(&id, "*").len(), 1);
    // The timer of the broken link is over.
    world.advance(Duration::from_secs(1200));
    assert!(world.cluster.state().agent(&agent).unwrap().is_connected());
    world.check();
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn other_frameworks_lose_theirs_at_once() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(partition_aware());
    let offer = world.one_offer(&id);
    world.accept(connection, &id, &[offer.id], vec![launch(vec![executor_task("t", &agent, "e")])]);
    world.input(Input::AgentDisconnected(link));
    let status = world.last_status(connection);
    assert_eq!((status.state(), status.reason()), (TaskState::TaskLost, Reason::AgentDisconnected));
    assert_eq!(status.message(), format!("Agent host{} disconnected", link.0));
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"));
    assert!(world.cluster.state().framework(&id).unwrap().executors.is_empty());
    world.check();
}

/// MESOS-675: the link of an agent may break twice.
#[test]
fn mesos_675() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    world.input(Input::AgentDisconnected(link));
    world.input(Input::AgentDisconnected(link));
    assert!(!world.cluster.state().agent(&agent).unwrap().is_connected());
    world.check();
}

/// MESOS-6286: an agent that answers pings but never registers again.
#[test]
fn mesos_6286() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(FrameworkInfo { checkpoint: Some(true), ..partition_aware() });
    world.launch(connection, &id, &["t"]);
    world.input(Input::AgentDisconnected(link));
    world.advance(Duration::from_secs(599));
    assert!(world.cluster.state().agent(&agent).is_some());
    world.advance(Duration::from_secs(1));
    assert!(world.cluster.state().unreachable_agents.contains_key(&agent));
    let status = world.last_status(connection);
    assert_eq!(status.state(), TaskState::TaskUnreachable);
    assert_eq!(status.message(), "agent did not re-register within 10mins after disconnecting");
}

#[test]
fn tasks_that_the_agent_does_not_know_are_reconciled_with_it() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(checkpointing());
    world.launch(connection, &id, &["lost", "known"]);
    world.input(Input::AgentDisconnected(link));
    let mut message = world.memory_of(&agent);
    message.tasks.retain(|task| task.task_id.value == "known");
    world.reregister(peer(link), message);
    let reregistered = world.messages(link).into_iter().find_map(|message| match message {
        ToAgent::Reregistered(message) => Some(message),
        _ => None,
    });
    let [reconcile] = &reregistered.unwrap().reconciliations[..] else { panic!() };
    assert_eq!(reconcile.framework_id, id);
    let [status] = &reconcile.statuses[..] else { panic!() };
    assert_eq!((&status.task_id, status.state()), (&TaskId::from("lost"), TaskState::TaskStaging));
    assert_eq!(reconcile.framework.as_ref().and_then(|info| info.id.as_ref()), Some(&id));
    // Until the agent says what became of it, the task stays.
    assert!(world.cluster.state().framework(&id).unwrap().task(&"lost".into()).is_some());
}

#[test]
fn executors_that_the_agent_does_not_know_are_gone() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(checkpointing());
    let offer = world.one_offer(&id);
    world.accept(connection, &id, &[offer.id], vec![launch(vec![executor_task("t", &agent, "e")])]);
    world.input(Input::AgentDisconnected(link));
    let mut message = world.memory_of(&agent);
    message.executor_infos.clear();
    world.reregister(peer(link), message);
    assert_eq!(world.allocator.free(&agent), resources("cpus:3;mem:992"));
    world.check();
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn frameworks_that_ended_meanwhile_end_on_the_agent() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(checkpointing());
    world.launch(connection, &id, &["t"]);
    let message = world.memory_of(&agent);
    world.input(Input::AgentDisconnected(link));
    world.call(connection, &id, typed(call::Type::Teardown));
    assert!(!world.messages(link).iter().any(|it| matches!(it, ToAgent::ShutdownFramework(_))));
    world.reregister(peer(link), message);
    let count = world.messages(link).iter().filter(|it| matches!(it, ToAgent::ShutdownFramework(_))).count();
    assert_eq!(count, 1);
    assert!(world.cluster.state().agent(&agent).unwrap().tasks.is_empty());
    world.check();
}

#[test]
fn changed_agent_is_stored_before_it_is_believed() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let mut message = world.memory_of(&agent);
    message.slave.resources = resources("cpus:6;mem:1024").to_protos();
    message.version = Some("1.5.2".into());
    world.registrar_works = false;
    world.reregister(peer(link), message.clone());
    assert_eq!(world.cluster.state().agent(&agent).unwrap().total.cpus(), Some(4.0));
    // The agent is impatient.
    world.reregister(peer(link), message);
    world.answer_registrar();
    let entry = world.cluster.state().agent(&agent).unwrap();
    assert_eq!((entry.total.cpus(), entry.version.as_str()), (Some(6.0), "1.5.2"));
    assert_eq!(world.allocator.free(&agent).cpus(), Some(6.0));
    let count = world.messages(link).iter().filter(|it| matches!(it, ToAgent::Reregistered(_))).count();
    assert_eq!(count, 1);
    assert_eq!(world.observations(), ["agent added"], "a change is no event");
    world.check();
}

#[test]
fn same_resources_in_another_order_are_no_change() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let mut message = world.memory_of(&agent);
    message.slave.resources.reverse();
    world.registrar_works = false;
    world.reregister(peer(link), message);
    assert!(world.messages(link).iter().any(|it| matches!(it, ToAgent::Reregistered(_))));
}

#[test]
fn agent_does_not_move_to_another_machine() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let message = world.memory_of(&agent);
    let moved = world.connection();
    world.reregister(AgentPeer { ip: "10.9.9.9".into(), ..peer(moved) }, message.clone());
    let text = "Agent attempted to re-register with different IP / hostname";
    assert_eq!(world.shutdown_text(moved).as_deref(), Some(text));
    let mut renamed = message;
    renamed.slave.hostname = "other".into();
    world.reregister(peer(link), renamed);
    assert_eq!(world.shutdown_text(link).as_deref(), Some(text));
    world.check();
}

#[test]
fn agent_may_return_over_another_connection() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let message = world.memory_of(&agent);
    let new = world.connection();
    world.reregister(AgentPeer { ip: peer(link).ip, ..peer(new) }, message);
    assert!(world.messages(new).iter().any(|it| matches!(it, ToAgent::Reregistered(_))));
    // The end of the old one is no news.
    world.input(Input::AgentDisconnected(link));
    assert!(world.cluster.state().agent(&agent).unwrap().is_connected());
    world.check();
}

#[test]
fn agents_without_providers_are_told_what_they_must_remember() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let message = world.memory_of(&agent);
    world.reregister(peer(link), message);
    assert!(matches!(world.messages(link).last(), Some(ToAgent::CheckpointResources(_))));
}

#[test]
fn unreachable_agent_returns_with_its_tasks() {
    for info in [plain(), partition_aware()] {
        let mut world = World::new();
        let (agent, link) = world.agent("cpus:4;mem:1024");
        let (id, connection) = world.framework(info);
        world.launch(connection, &id, &["t"]);
        world.update(link, &id, &agent, "t", TaskState::TaskRunning);
        let message = world.memory_of(&agent);
        world.input(Input::PingsTimedOut(agent.clone()));
        assert!(world.cluster.state().framework(&id).unwrap().unreachable_tasks.contains(&"t".into()));
        assert!(world.registry.is_unreachable(&agent));

        world.reregister(peer(link), message);
        let status = world.last_status(connection);
        assert_eq!((status.state(), status.reason()), (TaskState::TaskRunning, Reason::AgentReregistered));
        assert_eq!(status.message(), "Unreachable agent re-registered");
        let framework = world.cluster.state().framework(&id).unwrap();
        assert!(framework.unreachable_tasks.is_empty() && framework.task(&"t".into()).is_some());
        assert!(!world.messages(link).iter().any(|it| matches!(it, ToAgent::KillTask(_))));
        assert!(world.registry.is_admitted(&agent));
        assert_eq!(world.observations().iter().filter(|it| **it == "agent added").count(), 2);
        world.check();
        check_allocated(&world.cluster, &world.allocator);
    }
}

#[test]
fn agent_that_nobody_remembers_is_admitted_with_its_id() {
    let mut world = World::new();
    let link = world.connection();
    let mut message = mesos_api::internal::ReregisterSlaveMessage {
        slave: register_message(link, "cpus:4;mem:1024").slave,
        version: Some("1.5.0".into()),
        ..Default::default()
    };
    message.slave.id = Some("old-S7".into());
    world.reregister(peer(link), message);
    assert!(world.registry.is_admitted(&"old-S7".into()));
    assert!(world.cluster.state().agent(&"old-S7".into()).is_some());
    world.check();
}

/// MESOS-6785: a task id that was used again elsewhere while its agent was away.
#[test]
fn mesos_6785() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    let message = world.memory_of(&agent);
    world.input(Input::PingsTimedOut(agent.clone()));
    // The master forgets the task, and the scheduler uses its id again.
    world.fail_over();
    let (second, _) = world.agent("cpus:4;mem:1024");
    let connection = world.subscribe(FrameworkInfo { id: Some(id.clone()), ..plain() });
    world.launch(connection, &id, &["t"]);
    world.reregister(peer(link), message);
    let framework = world.cluster.state().framework(&id).unwrap();
    assert_eq!(framework.task(&"t".into()).unwrap().info.agent_id, second);
    world.check();
}

#[test]
fn gone_agent_is_shut_down_whenever_it_returns() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let message = world.memory_of(&agent);
    world.operate(OperatorAction::MarkAgentGone(agent.clone()));
    world.said.clear();
    world.reregister(peer(link), message.clone());
    assert_eq!(world.shutdown_text(link).as_deref(), Some("Agent has been marked gone"));
    world.fail_over();
    world.reregister(peer(link), message);
    assert_eq!(world.shutdown_text(link).as_deref(), Some("Agent has been marked gone"));
    assert!(world.cluster.state().agents.is_empty());
}

#[test]
fn agent_marked_gone_while_it_returns_is_shut_down() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let mut message = world.memory_of(&agent);
    message.slave.resources = resources("cpus:6").to_protos();
    world.registrar_works = false;
    world.reregister(peer(link), message.clone());
    let request = world.operate(OperatorAction::MarkAgentGone(agent.clone()));
    world.reregister(peer(link), message);
    world.answer_registrar();
    assert_eq!(world.reply(request), Some(Ok(())));
    assert!(world.cluster.state().agents.is_empty());
    assert_eq!(world.shutdown_text(link).as_deref(), Some("Agent has been marked gone"));
    world.check();
}

#[test]
fn completed_tasks_that_the_agent_remembers_are_taken_over() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let mut message = world.memory_of(&agent);
    world.fail_over();
    let (id, _) = world.framework(plain());
    let task = Task {
        task_id: "old".into(),
        framework_id: id.clone(),
        agent_id: agent,
        state: TaskState::TaskFinished as i32,
        ..Task::default()
    };
    message.completed_frameworks = vec![archive::Framework {
        framework_info: FrameworkInfo { id: Some(id.clone()), ..plain() },
        pid: None,
        tasks: vec![task],
    }];
    world.reregister(peer(link), message);
    assert_eq!(world.completed(&id)[&"old".into()], TaskState::TaskFinished);
}

#[test]
fn agent_whose_address_another_one_has_is_taken_for_disconnected() {
    let mut world = World::new();
    let (old, link) = world.agent("cpus:4;mem:1024");
    let mut message = world.memory_of(&old);
    message.slave.id = Some("other".into());
    world.reregister(peer(link), message);
    let state = world.cluster.state();
    assert!(state.agent(&"other".into()).unwrap().is_connected());
    assert!(!state.agent(&old).unwrap().is_connected());
    world.check();
    world.advance(Duration::from_secs(600));
    assert!(world.cluster.state().unreachable_agents.contains_key(&old));
    // What breaks now is the link of the other one.
    world.input(Input::AgentDisconnected(link));
    assert!(!world.cluster.state().agent(&"other".into()).unwrap().is_connected());
    world.check();
}
