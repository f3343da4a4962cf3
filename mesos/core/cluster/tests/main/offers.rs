//! Offers: what they hold and how they end.

use std::time::Duration;

use mesos_allocation::Output;
use mesos_api::v1::Filters;
use mesos_api::v1::framework_info::capability::Type as Capable;
use mesos_api::v1::scheduler::{Call, call};
use mesos_cluster::{Input, SchedulerEvent};

use crate::harness::*;

fn decline(offers: &[mesos_api::v1::OfferId], seconds: Option<f64>) -> Call {
    let filters = seconds.map(|seconds| Filters { refuse_seconds: Some(seconds) });
    let decline = call::Decline { offer_ids: offers.to_vec(), filters };
    Call { decline: Some(decline), ..typed(call::Type::Decline) }
}

#[test]
fn offer_says_whose_resources_it_holds_and_where() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024;ports:[31000-32000]");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    assert_eq!(offer.id.value, "m-O0");
    assert_eq!((&offer.framework_id, &offer.agent_id), (&id, &agent));
    assert_eq!(offer.hostname, format!("host{}", link.0));
    let url = offer.url.unwrap();
    assert_eq!((url.scheme.as_str(), url.path.as_deref()), ("http", Some("/slave(1)")));
    assert_eq!(url.address.port, 5051);
    assert_eq!(offer.resources.len(), 3);
    assert_eq!(offer.allocation_info, None, "the framework is not MULTI_ROLE");
    let events = world.events(connection);
    let Some(SchedulerEvent::Offers { agent_pids, .. }) = events.last() else { panic!("{events:?}") };
    assert_eq!(agent_pids, &[peer(link).pid]);
    world.check();
}

#[test]
fn offer_names_the_executors_of_the_framework_there() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    world.accept(connection, &id, &[offer.id], vec![launch(vec![executor_task("t", &agent, "e")])]);
    assert_eq!(world.one_offer(&id).executor_ids, ["e".into()]);
    let (other, _) = world.framework(plain());
    let call = decline(
        &world.cluster.state().framework(&id).unwrap().offers.keys().cloned().collect::<Vec<_>>(),
        None,
    );
    world.call(connection, &id, call);
    assert!(world.one_offer(&other).executor_ids.is_empty());
}

#[test]
fn declined_offer_goes_back_with_its_filters() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    world.call(connection, &id, decline(std::slice::from_ref(&offer.id), Some(60.0)));
    assert_eq!(world.allocator.recovered.last().unwrap().2, Some(60.0));
    assert!(world.cluster.state().offers.is_empty());
    // Twice is once.
    let count = world.allocator.recovered.len();
    world.call(connection, &id, decline(&[offer.id], None));
    assert_eq!(world.allocator.recovered.len(), count);
    world.check();
}

#[test]
fn nobody_declines_the_offers_of_others() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    let (owner, _) = world.framework(plain());
    let (thief, connection) = world.framework(plain());
    let offer = world.one_offer(&owner);
    world.call(connection, &thief, decline(std::slice::from_ref(&offer.id), None));
    world.accept(connection, &thief, std::slice::from_ref(&offer.id), vec![]);
    assert!(world.cluster.state().offers.contains_key(&offer.id));
}

#[test]
fn offers_expire() {
    let mut world = World::with(|options| options.offer_timeout = Some(Duration::from_secs(2)));
    world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    world.advance(Duration::from_millis(1999));
    assert!(world.cluster.state().offers.contains_key(&offer.id));
    world.advance(Duration::from_millis(1));
    assert!(world.events(connection).contains(&SchedulerEvent::Rescind(offer.id)));
    assert!(world.cluster.state().offers.is_empty());
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn what_the_allocator_gives_to_those_who_are_gone_goes_back() {
    let mut world = World::new();
    let (_, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let late = world.allocator.offer(&id, "*").unwrap();
    world.input(Input::SchedulerDisconnected(connection));
    world.input(Input::Allocation(late));
    assert!(world.cluster.state().offers.is_empty());
    assert!(world.allocator.allocated.is_empty());

    let (id, _) = world.framework(plain());
    let late = world.allocator.offer(&id, "*").unwrap();
    world.input(Input::AgentDisconnected(link));
    world.input(Input::Allocation(late));
    assert!(world.cluster.state().offers.is_empty());
    assert!(world.allocator.allocated.is_empty());
}

#[test]
fn multi_role_framework_sees_the_role_of_its_offers() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    let info = mesos_api::v1::FrameworkInfo {
        roles: vec!["a".into(), "b".into()],
        ..capable(&[Capable::MultiRole])
    };
    let (id, _) = world.framework(info);
    let offer = world.offer(&id, "b").pop().unwrap();
    assert_eq!(offer.allocation_info.unwrap().role(), "b");
    assert!(offer.resources.iter().all(|it| it.allocation_info.as_ref().unwrap().role() == "b"));
}

#[test]
fn inverse_offers_are_sent_answered_and_rescinded() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let ask = |world: &mut World| {
        let agents = std::collections::BTreeMap::from([(agent.clone(), Default::default())]);
        world.input(Input::Allocation(Output::InverseOffers { framework: id.clone(), agents }));
        let events = world.events(connection);
        match events.last() {
            Some(SchedulerEvent::InverseOffers { offers, .. }) => offers[0].id.clone(),
            other => panic!("{other:?}"),
        }
    };
    world.allocator.calls.clear();
    let first = ask(&mut world);
    let accept = call::AcceptInverseOffers { inverse_offer_ids: vec![first], filters: None };
    let accept = Call { accept_inverse_offers: Some(accept), ..typed(call::Type::AcceptInverseOffers) };
    world.call(connection, &id, accept);
    let second = ask(&mut world);
    let decline = call::DeclineInverseOffers { inverse_offer_ids: vec![second], filters: None };
    let decline = Call { decline_inverse_offers: Some(decline), ..typed(call::Type::DeclineInverseOffers) };
    world.call(connection, &id, decline);
    let third = ask(&mut world);
    world.input(Input::AgentDisconnected(mesos_cluster::ConnectionId(1)));
    assert!(world.events(connection).contains(&SchedulerEvent::RescindInverse(third)));
    assert_eq!(
        world.allocator.calls,
        ["inverse offer ACCEPT", "inverse offer DECLINE", "inverse offer ended"]
    );
    assert!(world.cluster.state().inverse_offers.is_empty());
}

/// MESOS-7119: an inverse offer is no offer, and the other way round.
#[test]
fn mesos_7119() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let agents = std::collections::BTreeMap::from([(agent.clone(), Default::default())]);
    world.input(Input::Allocation(Output::InverseOffers { framework: id.clone(), agents }));
    let inverse = world.cluster.state().inverse_offers.keys().next().unwrap().clone();
    let offer = world.one_offer(&id);
    world.accept(connection, &id, std::slice::from_ref(&inverse), vec![launch(vec![task("t", &agent)])]);
    assert_eq!(world.states(connection, "t"), [mesos_api::v1::TaskState::TaskLost]);
    world.call(connection, &id, decline(std::slice::from_ref(&inverse), None));
    let accept = call::AcceptInverseOffers { inverse_offer_ids: vec![offer.id.clone()], filters: None };
    let accept = Call { accept_inverse_offers: Some(accept), ..typed(call::Type::AcceptInverseOffers) };
    world.call(connection, &id, accept);
    assert!(world.cluster.state().inverse_offers.contains_key(&inverse));
    assert!(world.cluster.state().offers.contains_key(&offer.id));
    world.check();
}
