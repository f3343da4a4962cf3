//! A new master: agents and frameworks come back to it.

use std::time::Duration;

use mesos_api::internal::{Registry, registry};
use mesos_api::v1::{FrameworkInfo, TaskState, WeightInfo};
use mesos_cluster::{Effect, FrameworkState, Input, SchedulerEvent};

use crate::harness::*;

#[test]
fn agents_and_frameworks_return_in_any_order() {
    for agent_first in [true, false] {
        let mut world = World::new();
        let (agent, link) = world.agent("cpus:4;mem:1024");
        let (id, connection) = world.framework(plain());
        let offer = world.one_offer(&id);
        world.accept(connection, &id, &[offer.id], vec![launch(vec![executor_task("t", &agent, "e")])]);
        world.update(link, &id, &agent, "t", TaskState::TaskRunning);
        let message = world.memory_of(&agent);
        let info = FrameworkInfo { id: Some(id.clone()), ..plain() };
        world.fail_over();
        assert!(world.cluster.state().recovered_agents.contains_key(&agent));

        let connection = if agent_first {
            world.reregister(peer(link), message);
            let framework = world.cluster.state().framework(&id).unwrap();
            assert_eq!(framework.state, FrameworkState::Recovered);
            assert!(framework.to_response().recovered);
            assert_eq!(world.allocator.free(&agent), resources("cpus:2.9;mem:960"));
            world.check();
            world.subscribe(info)
        } else {
            let connection = world.subscribe(info);
            world.reregister(peer(link), message);
            connection
        };
        let framework = world.cluster.state().framework(&id).unwrap();
        assert!(framework.is_active());
        assert_eq!(framework.task(&"t".into()).unwrap().state(), TaskState::TaskRunning);
        assert!(framework.has_executor(&agent, &"e".into()));
        assert_eq!(world.subscribed(connection), Some(id.clone()));
        assert!(world.statuses(connection).is_empty(), "its tasks are no news");
        assert!(world.cluster.state().recovered_agents.is_empty());
        world.check();
        check_allocated(&world.cluster, &world.allocator);
    }
}

#[test]
fn recovered_framework_that_never_returns_stays() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    let message = world.memory_of(&agent);
    world.fail_over();
    world.reregister(peer(link), message);
    world.advance(Duration::from_secs(100_000));
    assert!(world.cluster.state().framework(&id).unwrap().is_recovered());
    // Its task may end meanwhile.
    world.update(link, &id, &agent, "t", TaskState::TaskFinished);
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"));
    world.check();
}

#[test]
fn agents_that_do_not_return_become_unreachable() {
    let mut world = World::new();
    let (lost, _) = world.agent("cpus:4;mem:1024");
    let (back, link) = world.agent("cpus:4;mem:1024");
    let message = world.memory_of(&back);
    world.fail_over();
    let (_, connection) = world.framework(plain());
    world.reregister(peer(link), message);
    world.advance(Duration::from_secs(599));
    assert!(world.cluster.state().unreachable_agents.is_empty());
    world.advance(Duration::from_secs(1));
    let state = world.cluster.state();
    assert_eq!(state.unreachable_agents.keys().collect::<Vec<_>>(), [&lost]);
    assert!(state.recovered_agents.is_empty());
    assert!(world.registry.is_unreachable(&lost));
    assert!(world.events(connection).contains(&SchedulerEvent::AgentLost(lost)));
    assert!(world.statuses(connection).is_empty(), "this master knows none of its tasks");
    assert_eq!(world.cluster.counters().recovery_slave_removals, 1);
}

#[test]
fn too_many_missing_agents_end_the_master() {
    let mut world = World::new();
    let (lost, _) = world.agent("cpus:4;mem:1024");
    let contents = world.registry.to_proto();
    let mut world = World::before_recovery(|options| options.recovery_agent_removal_limit = 0.0);
    world.input(Input::Recovered(Box::new(contents)));
    world.advance(Duration::from_secs(600));
    let text = world.said.iter().find_map(|effect| match effect {
        Effect::Exit(text) => Some(text),
        _ => None,
    });
    assert!(text.unwrap().contains(&lost.value));
    assert!(world.cluster.state().unreachable_agents.is_empty());
}

#[test]
fn allocator_is_told_how_many_agents_to_expect_and_the_weights() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    world.agent("cpus:4;mem:1024");
    world.fail_over();
    assert_eq!(world.allocator.calls, ["recover 2", "weights 0"]);

    let weight = |role: &str| WeightInfo { role: Some(role.into()), weight: 2.0 };
    let mut world = World::before_recovery(|options| options.weights = vec![weight("a")]);
    world.input(Input::Recovered(Box::default()));
    assert_eq!(world.allocator.calls, ["recover 0", "weights 1"]);
    assert_eq!(world.registry.to_proto().weights.len(), 1, "the flag's weights are stored");

    let stored = Registry {
        weights: ["a", "b"].map(|role| registry::Weight { info: weight(role) }).to_vec(),
        ..Registry::default()
    };
    let mut world = World::before_recovery(|options| options.weights = vec![weight("a")]);
    world.input(Input::Recovered(Box::new(stored)));
    assert_eq!(world.allocator.calls, ["recover 0", "weights 2"], "the registry's count");
}

#[test]
fn registry_comes_once() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    let contents = world.registry.to_proto();
    world.input(Input::Recovered(Box::new(contents)));
    assert!(world.cluster.state().recovered_agents.is_empty());
}

/// MESOS-9419: a message for a framework that has not come back yet.
#[test]
fn mesos_9419() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    let message = world.memory_of(&agent);
    world.fail_over();
    world.reregister(peer(link), message);
    let message = mesos_api::internal::ExecutorToFrameworkMessage {
        slave_id: agent,
        framework_id: id,
        executor_id: "e".into(),
        data: Vec::new(),
    };
    world.agent_says(link, mesos_cluster::FromAgent::ExecutorMessage(message));
    assert_eq!(world.cluster.counters().invalid_executor_to_framework_messages, 1);
}

/// MESOS-10109: an agent of a machine that is scheduled for maintenance comes back with a framework that
/// nobody knows.
#[test]
fn mesos_10109() {
    use mesos_api::v1::maintenance::{Schedule, Window};
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    let machine =
        mesos_api::v1::MachineId { hostname: Some(format!("host{}", link.0)), ip: Some(peer(link).ip) };
    let window = Window { machine_ids: vec![machine], ..Window::default() };
    let schedule = Schedule { windows: vec![window] };
    world.operate(mesos_cluster::OperatorAction::UpdateMaintenanceSchedule(schedule));
    let message = world.memory_of(&agent);
    world.fail_over();
    world.reregister(peer(link), message);
    assert!(world.cluster.state().framework(&id).unwrap().is_recovered());
    let machine = world.cluster.state().machines.values().next().unwrap();
    assert!(machine.agents.contains(&agent) && machine.info.unavailability.is_some());
    world.check();
}

/// MESOS-7716: agents that do not know several roles do not say to which one resources are allocated.
#[test]
fn mesos_7716() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(FrameworkInfo { role: Some("web".into()), ..plain() });
    let offer = world.offer(&id, "web").pop().unwrap();
    world.accept(connection, &id, &[offer.id], vec![launch(vec![executor_task("t", &agent, "e")])]);
    let mut message = world.memory_of(&agent);
    message.agent_capabilities.clear();
    message.tasks[0].resources.iter_mut().for_each(|it| it.allocation_info = None);
    message.executor_infos[0].resources.iter_mut().for_each(|it| it.allocation_info = None);
    world.fail_over();
    let mut several = message.clone();
    several.frameworks[0].role = None;
    several.frameworks[0].roles = vec!["web".into(), "ops".into()];
    several.frameworks[0].capabilities =
        capable(&[mesos_api::v1::framework_info::capability::Type::MultiRole]).capabilities;
    world.reregister(peer(link), several);
    assert!(world.cluster.state().agents.is_empty(), "nobody can say which role it was");
    world.reregister(peer(link), message);
    let task = world.cluster.state().framework(&id).unwrap().task(&"t".into()).unwrap().clone();
    assert_eq!(task.role(), Some("web"));
    world.check();
}
