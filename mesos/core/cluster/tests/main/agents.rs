//! Registration of agents and what they say later.

use mesos_access::Action;
use mesos_api::internal::update_slave_message::{Operations, ResourceProvider, ResourceProviders};
use mesos_api::internal::{RegisterSlaveMessage, UnregisterSlaveMessage, UpdateSlaveMessage};
use mesos_api::v1::resource::RevocableInfo;
use mesos_api::v1::{DomainInfo, ResourceProviderInfo, TaskState, Uuid};
use mesos_cluster::{Effect, FromAgent, Input, SchedulerEvent, ToAgent};

use crate::harness::*;

#[test]
fn new_agent_is_admitted_registered_and_watched() {
    let mut world = World::new();
    let (id, link) = world.agent("cpus:4;mem:1024");
    assert_eq!(id.value, "m-S0");
    assert!(world.registry.is_admitted(&id));
    let messages = world.messages(link);
    let [ToAgent::Registered(message)] = &messages[..] else { panic!("{messages:?}") };
    let promise = message.connection.as_ref().unwrap();
    assert_eq!(promise.total_ping_timeout_seconds, Some(75.0));
    assert!(world.said.iter().any(|it| matches!(it, Effect::WatchAgent { agent, .. } if *agent == id)));
    assert_eq!(world.observations(), ["agent added"]);
    assert_eq!(world.cluster.counters().slave_registrations, 1);
    world.check();
}

#[test]
fn agent_that_did_not_hear_our_answer_is_told_again() {
    let mut world = World::new();
    let (id, link) = world.agent("cpus:4;mem:1024");
    world.register(peer(link), register_message(link, "cpus:4;mem:1024"));
    let ids: Vec<_> = world
        .messages(link)
        .into_iter()
        .map(|message| match message {
            ToAgent::Registered(message) => message.slave_id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, [id.clone(), id]);
    assert_eq!(world.cluster.state().agents.len(), 1);
}

#[test]
fn registrations_that_cross_are_one() {
    let mut world = World::new();
    world.registrar_works = false;
    let link = world.connection();
    for _ in 0..2 {
        world.register(peer(link), register_message(link, "cpus:4;mem:1024"));
    }
    world.answer_registrar();
    assert_eq!(world.messages(link).len(), 1);
}

#[test]
fn agent_that_lost_its_id_replaces_itself() {
    let mut world = World::new();
    let (old, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(partition_aware());
    world.launch(connection, &id, &["t"]);
    world.input(Input::AgentDisconnected(link));
    world.register(peer(link), register_message(link, "cpus:4;mem:1024"));
    let state = world.cluster.state();
    assert!(!state.agents.contains_key(&old));
    assert_eq!(state.agents.keys().map(|id| id.value.as_str()).collect::<Vec<_>>(), ["m-S1"]);
    assert_eq!(world.states(connection, "t"), [TaskState::TaskLost]);
    assert_eq!(world.cluster.counters().slave_removals_reason_registered, 1);
    world.check();
}

#[test]
fn agents_that_may_not_join_are_ignored_or_shut_down() {
    fn refused(world: &mut World, change: impl Fn(&mut RegisterSlaveMessage), shutdown: Option<&str>) {
        let link = world.connection();
        let mut message = register_message(link, "cpus:4;mem:1024");
        change(&mut message);
        world.register(peer(link), message);
        assert_eq!(world.shutdown_text(link).as_deref(), shutdown);
        assert!(world.cluster.state().agents.is_empty());
        // The refusal is not remembered.
        world.register(peer(link), register_message(link, "cpus:4;mem:1024"));
        let agents = world.cluster.state().agents.keys().cloned().collect::<Vec<_>>();
        assert_eq!(agents.len(), 1, "{:?}", world.said.last());
        world.agent_says(link, FromAgent::Unregister(UnregisterSlaveMessage { slave_id: agents[0].clone() }));
    }
    let mut world = World::new();
    refused(&mut world, |it| it.version = Some("0.28.0".into()), None);
    refused(&mut world, |it| it.version = Some("x".into()), None);
    refused(&mut world, |it| it.version = None, None);
    refused(&mut world, |it| it.slave.domain = Some(DomainInfo::default()), None);
    refused(&mut world, |it| it.slave.resources[0].name = String::new(), None);
    refused(
        &mut world,
        |it| {
            let mut reserved = resources("cpus:8");
            reserved = reserved.push_reservation(&dynamic("web"));
            it.checkpointed_resources = reserved.to_protos();
        },
        Some("Incompatible agent resources: cpus:4; mem:1024 does not contain cpus:8"),
    );

    let mut world = World::with(|options| options.require_agent_domain = true);
    let link = world.connection();
    world.register(peer(link), register_message(link, "cpus:4"));
    assert!(world.messages(link).is_empty());

    let mut world = World::new();
    world.authorizer = Authorizer::Rules(|_, action, _| action != Action::RegisterAgent);
    let link = world.connection();
    world.register(peer(link), register_message(link, "cpus:4"));
    assert!(world.messages(link).is_empty());
}

#[test]
fn agent_that_unregisters_is_removed() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(partition_aware());
    world.launch(connection, &id, &["t"]);
    let stranger = world.connection();
    let message = || FromAgent::Unregister(UnregisterSlaveMessage { slave_id: agent.clone() });
    world.agent_says(stranger, message());
    assert!(world.cluster.state().agents.contains_key(&agent));
    world.agent_says(link, message());
    let status = world.last_status(connection);
    assert_eq!(status.state(), TaskState::TaskLost, "being partition-aware makes no difference");
    assert_eq!(status.message(), format!("Agent host{} removed: the agent unregistered", link.0));
    assert!(world.events(connection).contains(&SchedulerEvent::AgentLost(agent.clone())));
    assert_eq!(world.observations().last(), Some(&"agent removed"));
    assert!(!world.registry.is_admitted(&agent));
    assert_eq!(world.cluster.counters().slave_removals_reason_unregistered, 1);
    world.check();
}

#[test]
fn new_revocable_resources_rescind_offers_of_old_ones() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let revocable = |cpus: &str| {
        let mut protos = resources(cpus).to_protos();
        protos.iter_mut().for_each(|proto| proto.revocable = Some(RevocableInfo {}));
        protos
    };
    let update = |cpus: &str| {
        FromAgent::Update(UpdateSlaveMessage {
            slave_id: agent.clone(),
            oversubscribed_resources: revocable(cpus),
            update_oversubscribed_resources: Some(true),
            ..Default::default()
        })
    };
    let plain_offer = world.one_offer(&id);
    world.agent_says(link, update("cpus:2"));
    assert!(world.cluster.state().offers.contains_key(&plain_offer.id), "it has nothing revocable");
    let total = &world.cluster.state().agent(&agent).unwrap().total;
    assert_eq!(total.revocable().cpus(), Some(2.0));
    let offer = world.one_offer(&id);
    world.agent_says(link, update("cpus:3"));
    assert!(world.events(connection).contains(&SchedulerEvent::Rescind(offer.id)));
    let count = world.said.len();
    world.agent_says(link, update("cpus:3"));
    assert_eq!(world.said.len(), count, "nothing new");
    world.check();
}

#[test]
fn resource_providers_replace_theirs_and_rescind_all_offers() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    let mut disk = resources("disk:100").to_protos();
    disk[0].provider_id = Some("p".into());
    let provider = ResourceProvider {
        info: Some(ResourceProviderInfo { id: Some("p".into()), ..ResourceProviderInfo::default() }),
        total_resources: disk,
        operations: Operations::default(),
        resource_version_uuid: Uuid { value: vec![1; 16] },
    };
    let update = |providers| {
        FromAgent::Update(UpdateSlaveMessage {
            slave_id: agent.clone(),
            update_oversubscribed_resources: Some(false),
            resource_providers: Some(ResourceProviders { providers }),
            ..Default::default()
        })
    };
    world.agent_says(link, update(vec![provider.clone()]));
    assert!(world.events(connection).contains(&SchedulerEvent::Rescind(offer.id)));
    let entry = world.cluster.state().agent(&agent).unwrap();
    assert_eq!(entry.total.disk(), Some(100.0));
    assert_eq!(entry.to_response().resource_providers.len(), 1);
    world.check();
    // One without UUID changes nothing.
    let wrong = ResourceProvider { resource_version_uuid: Uuid { value: vec![] }, ..provider };
    world.agent_says(link, update(vec![wrong]));
    assert_eq!(world.cluster.state().agent(&agent).unwrap().total.disk(), Some(100.0));
    world.agent_says(link, update(vec![]));
    assert_eq!(world.cluster.state().agent(&agent).unwrap().total.disk(), None);
    world.check();
}

#[test]
fn nothing_happens_before_the_registry_is_read() {
    let mut world = World::before_recovery(|_| {});
    let link = world.connection();
    world.register(peer(link), register_message(link, "cpus:4"));
    world.subscribe(plain());
    assert!(world.said.is_empty());
    assert_eq!(world.cluster.counters().dropped_messages, 2);
}

/// MESOS-7639: an agent has fewer revocable resources than are in use.
#[test]
fn mesos_7639() {
    use mesos_api::v1::framework_info::capability::Type as Capable;
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let revocable = |text: &str| {
        let mut protos = resources(text).to_protos();
        protos.iter_mut().for_each(|proto| proto.revocable = Some(RevocableInfo {}));
        protos
    };
    let report = |world: &mut World, text: &str| {
        let update = UpdateSlaveMessage {
            slave_id: agent.clone(),
            oversubscribed_resources: revocable(text),
            update_oversubscribed_resources: Some(true),
            ..Default::default()
        };
        world.agent_says(link, FromAgent::Update(update));
    };
    report(&mut world, "cpus:2");
    let (id, connection) = world.framework(capable(&[Capable::RevocableResources]));
    let offer = world.one_offer(&id);
    let mut task = task("t", &agent);
    task.resources = revocable("cpus:2");
    world.accept(connection, &id, &[offer.id], vec![launch(vec![task])]);
    assert!(world.statuses(connection).is_empty());
    report(&mut world, "cpus:1");
    let uuid = world.update(link, &id, &agent, "t", TaskState::TaskFinished);
    world.acknowledge(connection, &id, &agent, "t", &uuid);
    assert_eq!(world.cluster.state().agent(&agent).unwrap().total.revocable().cpus(), Some(1.0));
    world.check();
}
