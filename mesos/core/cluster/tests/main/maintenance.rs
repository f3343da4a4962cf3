//! Machines that go away and come back.

use mesos_api::v1::machine_info::Mode;
use mesos_api::v1::maintenance::{Schedule, Window};
use mesos_api::v1::{MachineId, TaskState, Unavailability};
use mesos_cluster::{ConnectionId, OperatorAction, OperatorError, SchedulerEvent};

use crate::harness::*;

fn machine(link: ConnectionId) -> MachineId {
    // Host names are compared without regard to case.
    MachineId { hostname: Some(format!("HOST{}", link.0)), ip: Some(peer(link).ip) }
}

fn schedule(machines: &[ConnectionId]) -> OperatorAction {
    let windows = machines
        .iter()
        .map(|link| Window { machine_ids: vec![machine(*link)], unavailability: Unavailability::default() })
        .collect();
    OperatorAction::UpdateMaintenanceSchedule(Schedule { windows })
}

fn done(world: &mut World, action: OperatorAction) {
    let request = world.operate(action);
    assert_eq!(world.reply(request), Some(Ok(())));
}

fn refused(world: &mut World, action: OperatorAction) -> String {
    let request = world.operate(action);
    match world.reply(request) {
        Some(Err(OperatorError::Invalid(text))) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn scheduled_machine_drains_and_its_offers_say_so() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    done(&mut world, schedule(&[link]));
    assert!(world.events(connection).contains(&SchedulerEvent::Rescind(offer.id)));
    assert!(world.allocator.calls.contains(&format!("unavailability {agent} true")));
    assert_eq!(world.one_offer(&id).unavailability, Some(Unavailability::default()));
    let machines: Vec<_> = world.cluster.state().machines.values().map(|it| it.mode()).collect();
    assert_eq!(machines, [Mode::Draining]);
    assert_eq!(world.registry.to_proto().schedules.len(), 1);

    done(&mut world, schedule(&[]));
    assert!(world.allocator.calls.contains(&format!("unavailability {agent} false")));
    assert_eq!(world.one_offer(&id).unavailability, None);
    world.check();
}

#[test]
fn machine_goes_down_and_comes_up() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(partition_aware());
    world.launch(connection, &id, &["t"]);
    let message = world.memory_of(&agent);
    let start = || OperatorAction::StartMaintenance(vec![machine(link)]);
    let stop = || OperatorAction::StopMaintenance(vec![machine(link)]);
    assert!(refused(&mut world, start()).contains("is not in DRAINING mode"));
    done(&mut world, schedule(&[link]));
    assert!(refused(&mut world, stop()).contains("is not in DOWN mode"));
    done(&mut world, start());

    assert_eq!(world.shutdown_text(link).as_deref(), Some("Operator initiated 'Machine DOWN'"));
    assert_eq!(world.states(connection, "t"), [TaskState::TaskLost]);
    assert!(world.cluster.state().agents.is_empty());
    assert_eq!(world.observations().last(), Some(&"agent removed"));
    world.check();

    // Nobody may run there now.
    world.register(peer(link), register_message(link, "cpus:4"));
    assert_eq!(world.shutdown_text(link).as_deref(), Some("Machine is `DOWN`"));
    world.said.clear();
    world.reregister(peer(link), message);
    assert_eq!(world.shutdown_text(link).as_deref(), Some("Machine is `DOWN`"));
    assert!(refused(&mut world, schedule(&[])).contains("cannot be removed from the schedule"));

    done(&mut world, stop());
    assert!(world.cluster.state().machines.is_empty());
    assert!(world.cluster.state().schedules.is_empty());
    world.said.clear();
    world.register(peer(link), register_message(link, "cpus:4"));
    assert_eq!(world.cluster.state().agents.len(), 1);
    world.check();
}

#[test]
fn unknown_machine_cannot_go_down() {
    let mut world = World::new();
    let link = world.connection();
    let text = refused(&mut world, OperatorAction::StartMaintenance(vec![machine(link)]));
    assert!(text.contains("is not part of a maintenance schedule"), "{text}");
    refused(&mut world, OperatorAction::StartMaintenance(vec![]));
}

#[test]
fn maintenance_survives_a_failover() {
    let mut world = World::new();
    let (_, link) = world.agent("cpus:4;mem:1024");
    done(&mut world, schedule(&[link]));
    done(&mut world, OperatorAction::StartMaintenance(vec![machine(link)]));
    world.fail_over();
    world.register(peer(link), register_message(link, "cpus:4"));
    assert_eq!(world.shutdown_text(link).as_deref(), Some("Machine is `DOWN`"));
}
