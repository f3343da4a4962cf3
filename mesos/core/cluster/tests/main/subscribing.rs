//! Subscription, failover, disconnection and the end of frameworks.

use std::collections::BTreeSet;
use std::time::Duration;

use mesos_access::Action;
use mesos_api::v1::framework_info::capability::Type as Capable;
use mesos_api::v1::scheduler::call;
use mesos_api::v1::{FrameworkInfo, TaskState};
use mesos_cluster::{
    ConnectionId, FrameworkState, FromAgent, Input, SchedulerEvent, SchedulerPeer, Subscribe, ToAgent,
};

use crate::harness::*;

#[test]
fn new_framework_gets_an_id_of_this_master() {
    let mut world = World::new();
    let (first, connection) = world.framework(plain());
    assert_eq!(first.value, "m-0000");
    assert!(matches!(
        &world.events(connection)[..],
        [SchedulerEvent::Subscribed { framework, master, .. }] if *framework == first && master.id == "m"
    ));
    assert_eq!(world.framework(plain()).0.value, "m-0001");
    assert_eq!(world.observations(), ["framework added", "framework added"]);
    world.check();
}

/// The texts that schedulers get to read.
#[test]
fn refused_subscription_gets_one_error_and_is_closed() {
    let mut world = World::with(|options| {
        options.root_submissions = false;
        options.roles = Some(BTreeSet::from(["*".to_owned(), "web".to_owned()]));
    });
    let role = |role: &str| FrameworkInfo { role: Some(role.into()), ..plain() };
    let cases = [
        (
            role("a//b"),
            "'FrameworkInfo.role' is not a valid role: Role 'a//b' cannot contain two adjacent slashes",
        ),
        (role("ops"), "Roles { ops } are not present in master's --roles"),
        (
            FrameworkInfo { user: "root".into(), ..plain() },
            "User 'root' is not allowed to run frameworks without --root_submissions set",
        ),
        (
            FrameworkInfo { failover_timeout: Some(1e10), ..plain() },
            "The framework failover_timeout (10000000000) is invalid",
        ),
        (
            FrameworkInfo { roles: vec!["web".into()], ..plain() },
            "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable",
        ),
        (FrameworkInfo { id: Some("a/b".into()), ..plain() }, "'FrameworkInfo.id' is not a valid ID"),
    ];
    for (info, error) in cases {
        let connection = world.subscribe(info);
        let errors = world.errors(connection);
        assert!(errors.len() == 1 && errors[0].starts_with(error), "{errors:?} instead of {error}");
        assert!(world.is_closed(connection));
    }
    assert!(world.cluster.state().frameworks.is_empty());
}

#[test]
fn suppressed_roles_must_be_among_the_roles() {
    let mut world = World::new();
    let connection = world.connection();
    let subscribe = call::Subscribe {
        framework_info: FrameworkInfo { roles: vec!["a".into()], ..capable(&[Capable::MultiRole]) },
        suppressed_roles: vec!["b".into()],
        ..Default::default()
    };
    world.input(Input::Subscribe(Subscribe {
        peer: SchedulerPeer::Http(connection),
        principal: None,
        subscribe: Box::new(subscribe),
        force: false,
    }));
    assert_eq!(world.errors(connection), ["Suppressed role 'b' is not contained in the list of roles"]);
}

#[test]
fn framework_without_the_right_to_its_role_is_refused() {
    let mut world = World::new();
    world.authorizer = Authorizer::Rules(|_, action, _| action != Action::RegisterFramework);
    let connection = world.subscribe(plain());
    assert_eq!(world.errors(connection), ["Not authorized to use roles '{ * }'"]);
    assert!(world.is_closed(connection));
}

#[test]
fn authenticated_principal_is_taken_over_and_must_not_differ() {
    let mut world = World::new();
    let mut subscribe = |named: Option<&str>| {
        let connection = world.connection();
        let info = FrameworkInfo { principal: named.map(Into::into), ..plain() };
        world.input(Input::Subscribe(Subscribe {
            peer: driver(connection),
            principal: Some("p".into()),
            subscribe: Box::new(call::Subscribe { framework_info: info, ..Default::default() }),
            force: false,
        }));
        let id = world.subscribed(connection);
        (id, world.errors(connection))
    };
    let (id, errors) = subscribe(None);
    assert!(errors.is_empty());
    assert!(subscribe(Some("q")).1[0].contains("does not match authenticated principal 'p'"));
    let framework = world.cluster.state().framework(&id.unwrap()).unwrap();
    assert_eq!(framework.info.principal.as_deref(), Some("p"));
}

#[test]
fn scheduler_that_leaves_while_it_is_authorized_is_forgotten() {
    let mut world = World::new();
    world.authorizer = Authorizer::Waiting;
    let connection = world.subscribe(plain());
    world.input(Input::SchedulerDisconnected(connection));
    world.answer_authorizer(true);
    assert_eq!(world.subscribed(connection), None);
    assert!(world.cluster.state().frameworks.is_empty());
}

#[test]
fn second_http_subscription_takes_over() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    let (id, first) = world.framework(plain());
    let offer = world.one_offer(&id);
    let second = world.subscribe(FrameworkInfo { id: Some(id.clone()), ..plain() });
    assert_eq!(world.errors(first), ["Framework failed over"]);
    assert!(world.is_closed(first));
    assert_eq!(world.subscribed(second), Some(id.clone()));
    assert!(!world.cluster.state().offers.contains_key(&offer.id), "its offers are taken back");
    // The end of the old stream is no news.
    world.input(Input::SchedulerDisconnected(first));
    assert!(world.cluster.state().framework(&id).unwrap().is_active());
    world.check();
    check_allocated(&world.cluster, &world.allocator);
}

#[test]
fn driver_takes_over_another_pid_only_by_force() {
    let mut world = World::new();
    let (old, new) = (world.connection(), world.connection());
    world.subscribe_as(driver(old), plain(), false);
    let id = world.subscribed(old).unwrap();
    let info = FrameworkInfo { id: Some(id.clone()), ..plain() };

    world.subscribe_as(driver(new), info.clone(), false);
    assert_eq!(world.errors(new), ["Framework failed over"]);
    assert_eq!(world.cluster.state().framework(&id).unwrap().connection(), Some(old));

    world.said.clear();
    world.subscribe_as(driver(new), info, true);
    assert_eq!(world.errors(old), ["Framework failed over"]);
    assert_eq!(world.cluster.state().framework(&id).unwrap().connection(), Some(new));
    assert!(matches!(world.events(new)[..], [SchedulerEvent::Subscribed { again: false, .. }]));
    world.check();
}

#[test]
fn driver_that_returns_from_its_pid_is_reregistered() {
    let mut world = World::new();
    let connection = world.connection();
    world.subscribe_as(driver(connection), plain(), false);
    let id = world.subscribed(connection).unwrap();
    world.said.clear();
    world.subscribe_as(driver(connection), FrameworkInfo { id: Some(id), ..plain() }, false);
    assert!(matches!(world.events(connection)[..], [SchedulerEvent::Subscribed { again: true, .. }]));
}

#[test]
fn driver_that_did_not_hear_its_id_is_told_again() {
    let mut world = World::new();
    let connection = world.connection();
    world.subscribe_as(driver(connection), plain(), false);
    world.subscribe_as(driver(connection), plain(), false);
    assert_eq!(world.events(connection).len(), 2);
    assert_eq!(world.cluster.state().frameworks.len(), 1);
}

#[test]
fn driver_that_upgrades_to_http_is_told_to_stop() {
    let mut world = World::new();
    let old = world.connection();
    world.subscribe_as(driver(old), plain(), false);
    let id = world.subscribed(old).unwrap();
    let new = world.subscribe(FrameworkInfo { id: Some(id.clone()), ..plain() });
    assert_eq!(world.errors(old), ["Framework failed over"]);
    let framework = world.cluster.state().framework(&id).unwrap();
    assert_eq!((framework.connection(), framework.pid()), (Some(new), None));
}

/// A v0 driver that starts with an id of another master is told registered, a v1 client SUBSCRIBED.
#[test]
fn unknown_id_is_taken_over_from_another_master() {
    let mut world = World::new();
    let connection = world.connection();
    let info = FrameworkInfo { id: Some("old-0007".into()), ..plain() };
    world.subscribe_as(driver(connection), info, false);
    assert!(matches!(world.events(connection)[..], [SchedulerEvent::Subscribed { again: false, .. }]));
    assert_eq!(world.subscribed(connection), Some("old-0007".into()));
    world.check();
}

#[test]
fn id_that_was_claimed_in_our_name_is_not_given_again() {
    let mut world = World::new();
    let claimed = FrameworkInfo { id: Some("m-0000".into()), ..plain() };
    let (first, _) = world.framework(claimed);
    let (second, _) = world.framework(plain());
    assert_eq!((first.value.as_str(), second.value.as_str()), ("m-0000", "m-0001"));
    world.check();
}

#[test]
fn disconnected_framework_loses_its_offers_and_keeps_its_tasks() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(FrameworkInfo { failover_timeout: Some(60.0), ..plain() });
    world.launch(connection, &id, &["t"]);
    world.one_offer(&id);
    world.input(Input::SchedulerDisconnected(connection));
    let framework = world.cluster.state().framework(&id).unwrap();
    assert!(matches!(framework.state, FrameworkState::Disconnected { .. }));
    assert!(framework.offers.is_empty() && framework.task(&"t".into()).is_some());
    assert_eq!(world.allocator.free(&agent), resources("cpus:3;mem:992"));
    world.check();

    world.advance(Duration::from_secs(59));
    let connection = world.subscribe(FrameworkInfo { id: Some(id.clone()), ..plain() });
    assert_eq!(world.subscribed(connection), Some(id.clone()));
    world.advance(Duration::from_secs(600));
    assert!(world.cluster.state().framework(&id).unwrap().task(&"t".into()).is_some());
    world.check();
}

#[test]
fn framework_that_does_not_return_in_time_is_removed() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(FrameworkInfo { failover_timeout: Some(60.0), ..plain() });
    world.launch(connection, &id, &["t"]);
    world.input(Input::SchedulerDisconnected(connection));
    // A return and a second disconnection start the time anew.
    world.advance(Duration::from_secs(50));
    let info = FrameworkInfo { id: Some(id.clone()), failover_timeout: Some(60.0), ..plain() };
    let connection = world.subscribe(info.clone());
    world.input(Input::SchedulerDisconnected(connection));
    world.advance(Duration::from_secs(30));
    assert!(world.cluster.state().framework(&id).is_some());
    world.advance(Duration::from_secs(30));
    assert!(world.cluster.state().framework(&id).is_none());

    assert_eq!(world.completed(&id)[&"t".into()], TaskState::TaskKilled);
    assert_eq!(world.allocator.free(&agent), resources("cpus:4;mem:1024"));
    assert!(world.messages(link).iter().any(|message| matches!(message, ToAgent::ShutdownFramework(_))));
    assert_eq!(world.observations().last(), Some(&"framework removed"));
    world.check();

    let late = world.subscribe(info);
    assert_eq!(world.errors(late), ["Framework has been removed"]);
}

#[test]
fn without_failover_timeout_a_closed_stream_is_the_end() {
    let mut world = World::new();
    let (id, connection) = world.framework(plain());
    world.input(Input::SchedulerDisconnected(connection));
    world.advance(Duration::ZERO);
    assert!(world.cluster.state().completed_frameworks.contains(&id));
}

#[test]
fn teardown_completes_the_framework() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    world.one_offer(&id);
    world.call(connection, &id, typed(call::Type::Teardown));
    assert!(world.is_closed(connection));
    assert_eq!(world.completed(&id)[&"t".into()], TaskState::TaskKilled);
    assert!(world.statuses(connection).is_empty(), "nobody is told");
    assert!(world.cluster.state().roles.is_empty());
    assert_eq!(world.cluster.counters().tasks_killed, 1);
    world.check();
}

#[test]
fn only_so_many_completed_frameworks_are_kept() {
    let mut world = World::with(|options| options.max_completed_frameworks = 2);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let (id, connection) = world.framework(plain());
        world.call(connection, &id, typed(call::Type::Teardown));
        ids.push(id);
    }
    let kept: Vec<_> = world.cluster.state().completed_frameworks.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(kept, ids[1..]);
}

#[test]
fn resubscription_updates_what_may_change() {
    let mut world = World::new();
    let first = FrameworkInfo { principal: Some("p".into()), checkpoint: Some(true), ..plain() };
    let (id, _) = world.framework(first);
    world.subscribe(FrameworkInfo {
        id: Some(id.clone()),
        user: "other".into(),
        name: "renamed".into(),
        principal: Some("q".into()),
        checkpoint: Some(false),
        failover_timeout: Some(7.0),
        webui_url: Some("http://x".into()),
        hostname: Some("h".into()),
        roles: vec!["a".into(), "b".into()],
        ..capable(&[Capable::MultiRole, Capable::PartitionAware])
    });
    let framework = world.cluster.state().framework(&id).unwrap();
    let info = &framework.info;
    assert_eq!((info.user.as_str(), info.name.as_str()), ("nobody", "renamed"));
    assert_eq!((info.principal.as_deref(), info.checkpoint), (Some("p"), Some(true)));
    assert_eq!((info.failover_timeout, info.hostname.as_deref()), (Some(7.0), Some("h")));
    assert_eq!(framework.roles, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    assert!(framework.capabilities.partition_aware);
    assert_eq!(world.cluster.state().roles.keys().collect::<Vec<_>>(), ["a", "b"]);
    world.check();
}

#[test]
fn offers_of_a_role_that_is_left_are_rescinded_and_its_tasks_go_on() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let multi = |roles: &[&str]| FrameworkInfo {
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..capable(&[Capable::MultiRole])
    };
    let (id, connection) = world.framework(multi(&["a", "b"]));
    let offer = world.offer(&id, "a").pop().unwrap();
    world.accept(connection, &id, &[offer.id], vec![launch(vec![task("t", &agent)])]);
    let offer = world.offer(&id, "a").pop().unwrap();
    let second = world.subscribe(FrameworkInfo { id: Some(id.clone()), ..multi(&["b"]) });
    assert!(world.events(connection).contains(&SchedulerEvent::Rescind(offer.id)));
    assert!(world.cluster.state().roles.contains_key("a"), "a task still holds resources of it");
    world.check();

    let link = ConnectionId(1);
    let uuid = world.update(link, &id, &agent, "t", TaskState::TaskFinished);
    world.acknowledge(second, &id, &agent, "t", &uuid);
    assert!(!world.cluster.state().roles.contains_key("a"));
    world.check();
}

#[test]
fn agents_of_a_framework_hear_of_its_new_scheduler() {
    let mut world = World::new();
    let (_, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    world.said.clear();
    let new = world.connection();
    world.subscribe_as(driver(new), FrameworkInfo { id: Some(id.clone()), ..plain() }, true);
    let messages = world.messages(link);
    let [ToAgent::UpdateFramework(message)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!(message.framework_id, id);
    assert_eq!(message.pid.as_deref(), driver(new).pid());
}

#[test]
fn calls_from_elsewhere_are_dropped() {
    let mut world = World::new();
    let (id, connection) = world.framework(plain());
    let stranger = world.connection();
    world.call(stranger, &id, typed(call::Type::Teardown));
    world.call(connection, &"other".into(), typed(call::Type::Teardown));
    assert!(world.cluster.state().framework(&id).is_some());
}

#[test]
fn driver_that_does_not_know_it_is_disconnected_is_told() {
    let mut world = World::new();
    let connection = world.connection();
    let info = FrameworkInfo { failover_timeout: Some(60.0), ..plain() };
    world.subscribe_as(driver(connection), info, false);
    let id = world.subscribed(connection).unwrap();
    world.input(Input::SchedulerDisconnected(connection));
    world.said.clear();
    world.call(connection, &id, typed(call::Type::Revive));
    assert_eq!(world.errors(connection), ["Framework disconnected"]);
}

#[test]
fn deactivated_driver_gets_no_offers_until_it_returns() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    let connection = world.connection();
    world.subscribe_as(driver(connection), plain(), false);
    let id = world.subscribed(connection).unwrap();
    let offer = world.one_offer(&id);
    world.input(Input::DeactivateFramework { from: connection, framework: id.clone() });
    assert!(world.events(connection).contains(&SchedulerEvent::Rescind(offer.id)));
    assert!(world.offer(&id, "*").is_empty());
    world.check();
    world.subscribe_as(driver(connection), FrameworkInfo { id: Some(id.clone()), ..plain() }, false);
    assert_eq!(world.offer(&id, "*").len(), 1);
}

#[test]
fn roles_of_suppress_and_revive_must_be_ones_own() {
    let mut world = World::new();
    let info = FrameworkInfo { roles: vec!["a".into(), "b".into()], ..capable(&[Capable::MultiRole]) };
    let (id, connection) = world.framework(info);
    world.allocator.calls.clear();
    let suppress = |roles: &[&str]| mesos_api::v1::scheduler::Call {
        suppress: Some(call::Suppress { roles: roles.iter().map(|it| (*it).to_owned()).collect() }),
        ..typed(call::Type::Suppress)
    };
    world.call(connection, &id, suppress(&["a"]));
    world.call(connection, &id, suppress(&["a", "c"]));
    world.call(connection, &id, suppress(&["a//b"]));
    world.call(connection, &id, typed(call::Type::Suppress));
    world.call(connection, &id, typed(call::Type::Revive));
    assert_eq!(world.allocator.calls, ["suppress a", "suppress ", "revive "]);
    assert_eq!(world.cluster.counters().messages_suppress_offers, 4);
}

#[test]
fn events_and_messages_say_the_same() {
    use mesos_api::v1::scheduler::event::Type;
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    world.update(link, &id, &agent, "t", TaskState::TaskRunning);
    world.agent_says(
        link,
        FromAgent::ExecutorMessage(mesos_api::internal::ExecutorToFrameworkMessage {
            slave_id: agent,
            framework_id: id,
            executor_id: "e".into(),
            data: b"hello".to_vec(),
        }),
    );
    let said: Vec<_> = world
        .events(connection)
        .iter()
        .map(|event| (event.to_event().r#type(), event.to_message().0))
        .collect();
    assert_eq!(
        said,
        [
            (Type::Subscribed, "mesos.internal.FrameworkRegisteredMessage"),
            (Type::Offers, "mesos.internal.ResourceOffersMessage"),
            (Type::Update, "mesos.internal.StatusUpdateMessage"),
            (Type::Message, "mesos.internal.ExecutorToFrameworkMessage"),
        ]
    );
}

/// MESOS-2842: a framework names another principal when it subscribes again.
#[test]
fn mesos_2842() {
    let mut world = World::new();
    let as_principal = |principal: &str| FrameworkInfo { principal: Some(principal.into()), ..plain() };
    let (id, connection) = world.framework(as_principal("p"));
    world.input(Input::SchedulerDisconnected(connection));
    let again = FrameworkInfo { id: Some(id.clone()), ..as_principal("q") };
    world.subscribe(again.clone());
    assert_eq!(world.cluster.state().framework(&id).unwrap().info.principal(), "p");
    world.fail_over();
    world.subscribe(again);
    assert_eq!(world.cluster.state().framework(&id).unwrap().info.principal(), "q", "nobody knew better");
}

/// MESOS-9870: a role comes and goes together with its suppression; MESOS-8223: it is suppressed from
/// the first moment.
#[test]
fn mesos_9870() {
    let mut world = World::new();
    let mut id = None;
    for (roles, suppressed) in
        [(&["a"][..], &["a"][..]), (&["a", "b"], &["b"]), (&["a"], &[]), (&["b"], &["b"])]
    {
        let connection = world.connection();
        let names = |roles: &[&str]| roles.iter().map(|role| (*role).to_owned()).collect();
        let framework_info =
            FrameworkInfo { id: id.clone(), roles: names(roles), ..capable(&[Capable::MultiRole]) };
        let subscribe =
            call::Subscribe { framework_info, suppressed_roles: names(suppressed), ..Default::default() };
        world.input(Input::Subscribe(Subscribe {
            peer: SchedulerPeer::Http(connection),
            principal: None,
            subscribe: Box::new(subscribe),
            force: false,
        }));
        id = world.subscribed(connection);
        assert_eq!(world.cluster.state().roles.keys().collect::<Vec<_>>(), roles);
        world.check();
    }
}
