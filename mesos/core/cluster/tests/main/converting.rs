//! RESERVE, UNRESERVE, CREATE and DESTROY out of offers.

use mesos_access::Action;
use mesos_api::internal::UpdateOperationStatusMessage;
use mesos_api::v1::offer::operation::{Create, Destroy, Reserve, Type, Unreserve};
use mesos_api::v1::offer::{Operation, operation};
use mesos_api::v1::resource::DiskInfo;
use mesos_api::v1::resource::disk_info::Persistence;
use mesos_api::v1::volume::Mode;
use mesos_api::v1::{FrameworkInfo, OperationState, OperationStatus, Resource, Uuid, Volume, agent_info};
use mesos_cluster::{Effect, FromAgent, Input, SchedulerEvent, ToAgent};
use mesos_resources::Resources;

use crate::harness::*;

fn web() -> FrameworkInfo {
    FrameworkInfo { role: Some("web".into()), ..plain() }
}

fn of(r#type: Type) -> Operation {
    Operation { r#type: Some(r#type as i32), ..Operation::default() }
}

fn reserved(text: &str) -> Resources {
    resources(text).push_reservation(&dynamic("web"))
}

fn reserve(resources: Vec<Resource>) -> Operation {
    Operation { reserve: Some(Reserve { resources }), ..of(Type::Reserve) }
}

fn unreserve(resources: Vec<Resource>) -> Operation {
    Operation { unreserve: Some(Unreserve { resources }), ..of(Type::Unreserve) }
}

fn create(volumes: Vec<Resource>) -> Operation {
    Operation { create: Some(Create { volumes }), ..of(Type::Create) }
}

fn destroy(volumes: Vec<Resource>) -> Operation {
    Operation { destroy: Some(Destroy { volumes }), ..of(Type::Destroy) }
}

fn volume(id: &str) -> Resource {
    let mut proto = reserved("disk:50").to_protos().remove(0);
    proto.disk = Some(DiskInfo {
        persistence: Some(Persistence { id: id.into(), principal: None }),
        volume: Some(Volume { mode: Mode::Rw as i32, container_path: "v".into(), ..Volume::default() }),
        source: None,
    });
    proto
}

const AGENT: &str = "cpus:4;mem:1024;disk:100";

#[test]
fn reserve_create_and_launch_go_in_one_call() {
    let mut world = World::new();
    let (agent, link) = world.agent(AGENT);
    let (id, connection) = world.framework(web());
    let offer = world.offer(&id, "web").pop().unwrap();
    let mut with_volume = task("t", &agent);
    with_volume.resources.push(volume("v"));
    let operations =
        vec![reserve(reserved("disk:50").to_protos()), create(vec![volume("v")]), launch(vec![with_volume])];
    world.accept(connection, &id, &[offer.id], operations);
    assert!(world.statuses(connection).is_empty());
    let entry = world.cluster.state().agent(&agent).unwrap();
    assert_eq!(entry.checkpointed.persistent_volumes().disk(), Some(50.0));
    let checkpoints: Vec<_> = world
        .messages(link)
        .into_iter()
        .filter_map(|message| match message {
            ToAgent::CheckpointResources(message) => Some(message.resources.len()),
            _ => None,
        })
        .collect();
    assert_eq!(checkpoints, [1, 1]);
    assert!(matches!(world.messages(link).last(), Some(ToAgent::RunTask(_))));
    world.check();
    check_allocated(&world.cluster, &world.allocator);

    // While the task uses the volume, it is not destroyed.
    let offer = world.offer(&id, "web").pop().unwrap();
    world.accept(connection, &id, &[offer.id], vec![destroy(vec![volume("v")])]);
    assert!(!world.cluster.state().agent(&agent).unwrap().checkpointed.is_empty());
    let uuid = world.update(link, &id, &agent, "t", mesos_api::v1::TaskState::TaskFinished);
    world.acknowledge(connection, &id, &agent, "t", &uuid);

    // A volume is destroyed before its reservation goes.
    let offer = world.offer(&id, "web").pop().unwrap();
    world.accept(connection, &id, &[offer.id], vec![unreserve(vec![volume("v")])]);
    assert!(!world.cluster.state().agent(&agent).unwrap().checkpointed.is_empty());
    let offer = world.offer(&id, "web").pop().unwrap();
    let operations = vec![destroy(vec![volume("v")]), unreserve(reserved("disk:50").to_protos())];
    world.accept(connection, &id, &[offer.id], operations);
    let entry = world.cluster.state().agent(&agent).unwrap();
    assert!(entry.checkpointed.is_empty());
    assert_eq!(entry.total, resources(AGENT));
    world.check();
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn reserved_resources_are_not_counted_as_declined() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(web());
    let offer = world.offer(&id, "web").pop().unwrap();
    world.allocator.recovered.clear();
    let call = mesos_api::v1::scheduler::call::Accept {
        offer_ids: vec![offer.id],
        operations: vec![reserve(reserved("cpus:1").to_protos())],
        filters: Some(mesos_api::v1::Filters { refuse_seconds: Some(99.0) }),
    };
    let call = mesos_api::v1::scheduler::Call {
        accept: Some(call),
        ..typed(mesos_api::v1::scheduler::call::Type::Accept)
    };
    world.call(connection, &id, call);
    let recovered: Vec<_> =
        world.allocator.recovered.iter().map(|(_, resources, filter)| (resources.cpus(), *filter)).collect();
    assert_eq!(recovered, [(Some(1.0), None), (Some(3.0), Some(99.0))]);
}

#[test]
fn wrong_operations_are_dropped_and_the_rest_goes_on() {
    let mut world = World::new();
    let (agent, _) = world.agent(AGENT);
    let (id, connection) = world.framework(web());
    let offer = world.offer(&id, "web").pop().unwrap();
    let operations = vec![
        reserve(resources("cpus:1").to_protos()),
        reserve(reserved("cpus:9").to_protos()),
        reserve(resources("cpus:1").push_reservation(&dynamic("ops")).to_protos()),
        unreserve(reserved("cpus:1").to_protos()),
        create(vec![volume("v")]),
        destroy(vec![volume("v")]),
        of(operation::Type::Reserve),
        of(operation::Type::Unknown),
        reserve(reserved("cpus:1").to_protos()),
    ];
    world.accept(connection, &id, &[offer.id], operations);
    assert_eq!(world.cluster.state().agent(&agent).unwrap().checkpointed, reserved("cpus:1"));
    let dropped = world
        .said
        .iter()
        .filter(|it| matches!(it, Effect::Log(_, text) if text.starts_with("dropping")))
        .count();
    assert_eq!(dropped, 8);
    world.check();
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn operations_need_authorization() {
    let mut world = World::new();
    let (agent, _) = world.agent(AGENT);
    world.authorizer = Authorizer::Rules(|_, action, object| match action {
        Action::ReserveResources => object.value.as_deref() != Some("web"),
        _ => true,
    });
    let (id, connection) = world.framework(web());
    let offer = world.offer(&id, "web").pop().unwrap();
    world.accept(connection, &id, &[offer.id], vec![reserve(reserved("cpus:1").to_protos())]);
    assert!(world.cluster.state().agent(&agent).unwrap().checkpointed.is_empty());
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn offers_of_a_shared_volume_are_rescinded_when_it_is_destroyed() {
    let mut world = World::new();
    let (agent, _) = world.agent(AGENT);
    let info = FrameworkInfo {
        role: Some("web".into()),
        ..capable(&[mesos_api::v1::framework_info::capability::Type::SharedResources])
    };
    let (id, connection) = world.framework(info.clone());
    let (other, other_connection) = world.framework(info);
    let shared = Resource { shared: Some(Default::default()), ..volume("v") };
    let offer = world.offer(&id, "web").pop().unwrap();
    let operations = vec![reserve(reserved("disk:50").to_protos()), create(vec![shared.clone()])];
    world.accept(connection, &id, &[offer.id], operations);
    // The allocator gives one copy to each.
    let mut copy = Resources::from_protos([shared.clone()]).unwrap();
    copy.allocate("web");
    let give = |world: &mut World, framework: &mesos_api::v1::FrameworkId| {
        world.allocator.allocate(framework, &agent, &copy);
        let agents = std::collections::BTreeMap::from([(agent.clone(), copy.clone())]);
        let offers = std::collections::BTreeMap::from([("web".to_owned(), agents)]);
        let framework = framework.clone();
        world.input(Input::Allocation(mesos_allocation::Output::Offers { framework, offers }));
        world.cluster.state().offers.get_max().unwrap().0.clone()
    };
    let mine = give(&mut world, &id);
    let theirs = give(&mut world, &other);
    world.accept(connection, &id, &[mine], vec![destroy(vec![shared])]);
    assert!(world.events(other_connection).contains(&SchedulerEvent::Rescind(theirs)));
    assert!(world.cluster.state().agent(&agent).unwrap().checkpointed.persistent_volumes().is_empty());
}

#[test]
fn tasks_may_share_a_volume() {
    let mut world = World::new();
    let (agent, _) = world.agent(AGENT);
    let info = FrameworkInfo {
        role: Some("web".into()),
        ..capable(&[mesos_api::v1::framework_info::capability::Type::SharedResources])
    };
    let (id, connection) = world.framework(info);
    let shared = Resource { shared: Some(Default::default()), ..volume("v") };
    let offer = world.offer(&id, "web").pop().unwrap();
    let with_volume = |name: &str| {
        let mut task = task(name, &agent);
        task.resources.push(shared.clone());
        task
    };
    let operations = vec![
        reserve(reserved("disk:50").to_protos()),
        create(vec![shared.clone()]),
        launch(vec![with_volume("a"), with_volume("b")]),
    ];
    world.accept(connection, &id, &[offer.id], operations);
    assert!(world.statuses(connection).is_empty(), "{:?}", world.statuses(connection));
    assert_eq!(world.cluster.state().framework(&id).unwrap().tasks.len(), 2);
    check_allocated(&world.cluster, &world.allocator);
}

/// An agent that applies operations itself.
fn provider_agent(world: &mut World) -> (mesos_api::v1::AgentId, mesos_cluster::ConnectionId) {
    let link = world.connection();
    let mut message = register_message(link, AGENT);
    let capability = agent_info::capability::Type::ResourceProvider as i32;
    message.agent_capabilities.push(agent_info::Capability { r#type: Some(capability) });
    message.resource_version_uuid = Some(Uuid { value: vec![9; 16] });
    world.register(peer(link), message);
    let id = world.cluster.state().agents.get_max().unwrap().0.clone();
    (id, link)
}

#[test]
fn capable_agent_applies_operations_itself_and_reports() {
    let mut world = World::new();
    let (agent, link) = provider_agent(&mut world);
    let (id, connection) = world.framework(web());
    let offer = world.offer(&id, "web").pop().unwrap();
    world.accept(connection, &id, &[offer.id], vec![reserve(reserved("cpus:1").to_protos())]);
    let messages = world.messages(link);
    let Some(ToAgent::ApplyOperation(message)) = messages.last() else { panic!("{messages:?}") };
    assert_eq!(message.framework_id.as_ref(), Some(&id));
    assert_eq!(message.resource_version_uuid.uuid.value, [9; 16]);
    assert_eq!(message.operation_uuid.value.len(), 16);
    assert_eq!(world.cluster.state().agent(&agent).unwrap().operations.len(), 1);
    assert_eq!(world.cluster.state().agent(&agent).unwrap().checkpointed, reserved("cpus:1"));
    world.check();

    let report = UpdateOperationStatusMessage {
        framework_id: Some(id.clone()),
        slave_id: Some(agent.clone()),
        status: OperationStatus {
            state: OperationState::OperationFinished as i32,
            uuid: Some(Uuid { value: vec![3; 16] }),
            ..OperationStatus::default()
        },
        latest_status: None,
        operation_uuid: message.operation_uuid.clone(),
    };
    let stranger = world.connection();
    world.agent_says(stranger, FromAgent::OperationUpdate(report.clone()));
    assert_eq!(world.cluster.state().agent(&agent).unwrap().operations.len(), 1);
    world.agent_says(link, FromAgent::OperationUpdate(report));
    assert!(matches!(world.messages(link).last(), Some(ToAgent::AcknowledgeOperation(_))));
    assert!(world.cluster.state().agent(&agent).unwrap().operations.is_empty());
    assert!(world.cluster.state().framework(&id).unwrap().operations.is_empty());
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn agent_is_asked_about_operations_that_it_does_not_know() {
    let mut world = World::new();
    let (agent, link) = provider_agent(&mut world);
    let (id, connection) = world.framework(web());
    let offer = world.offer(&id, "web").pop().unwrap();
    world.accept(connection, &id, &[offer.id], vec![reserve(reserved("cpus:1").to_protos())]);
    let update = mesos_api::internal::UpdateSlaveMessage {
        slave_id: agent,
        update_oversubscribed_resources: Some(false),
        ..Default::default()
    };
    world.agent_says(link, FromAgent::Update(update));
    let messages = world.messages(link);
    let Some(ToAgent::ReconcileOperations(message)) = messages.last() else { panic!("{messages:?}") };
    assert_eq!(message.operations.len(), 1);
}
