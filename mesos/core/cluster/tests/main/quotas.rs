//! SET_QUOTA, REMOVE_QUOTA and UPDATE_WEIGHTS.

use std::sync::Arc;

use mesos_access::Action;
use mesos_api::v1::quota::{QuotaInfo, QuotaRequest};
use mesos_api::v1::{Resource, WeightInfo};
use mesos_cluster::validation::quota::requested;
use mesos_cluster::{OperatorAction, OperatorError, SchedulerEvent};

use crate::harness::*;

fn request(role: &str, guarantee: &str) -> QuotaRequest {
    QuotaRequest { role: Some(role.to_owned()), guarantee: resources(guarantee).to_protos(), force: None }
}

fn set(role: &str, guarantee: &str) -> OperatorAction {
    OperatorAction::SetQuota { info: requested(request(role, guarantee)), force: false }
}

fn forced(role: &str, guarantee: &str) -> OperatorAction {
    OperatorAction::SetQuota { info: requested(request(role, guarantee)), force: true }
}

fn weight(role: &str, weight: f64) -> WeightInfo {
    WeightInfo { role: Some(role.to_owned()), weight }
}

fn refused(world: &mut World, action: OperatorAction) -> OperatorError {
    let request = world.operate(action);
    world.reply(request).expect("it is answered").expect_err("it is refused")
}

fn done(world: &mut World, action: OperatorAction) {
    let request = world.operate(action);
    assert_eq!(world.reply(request), Some(Ok(())));
}

fn rescinded(world: &World, connection: mesos_cluster::ConnectionId) -> usize {
    let events = world.events(connection);
    events.iter().filter(|event| matches!(event, SchedulerEvent::Rescind(_))).count()
}

#[test]
fn check_22_quota_is_refused_by_the_first_rule_that_it_breaks() {
    let mut world = World::with(|options| {
        options.roles = Some(["*", "q", "q/x", "n"].map(str::to_owned).into());
    });
    world.agent("cpus:4;mem:1024");
    let mut invalid = |action: OperatorAction, part: &str| {
        let error = refused(&mut world, action);
        assert!(matches!(&error, OperatorError::Invalid(text) if text.contains(part)), "{error:?}");
    };
    invalid(set("", "cpus:1"), "invalid role");
    invalid(set("*", "cpus:1"), "'*' role");
    invalid(set("q", ""), "empty 'guarantee'");
    invalid(set("q", "cpus(n):1"), "ReservationInfo");
    invalid(set("q", "ports:[1-2]"), "non-scalar");
    let mut twice = request("q", "cpus:1");
    twice.guarantee.extend(twice.guarantee.clone());
    invalid(
        OperatorAction::SetQuota { info: requested(twice), force: false },
        "duplicate resource name 'cpus'",
    );
    let mut negative = request("q", "cpus:1");
    negative.guarantee[0].scalar.as_mut().unwrap().value = -1.0;
    invalid(OperatorAction::SetQuota { info: requested(negative), force: false }, "invalid resource");
    let mut nan = request("q", "cpus:1");
    nan.guarantee[0].scalar.as_mut().unwrap().value = f64::NAN;
    invalid(OperatorAction::SetQuota { info: requested(nan), force: false }, "invalid resource");
    invalid(
        OperatorAction::SetQuota { info: Arc::new(QuotaInfo::default()), force: false },
        "specify a role",
    );
    let mut many = request("q", "cpus:1000");
    let one = many.guarantee[0].clone();
    many.guarantee.extend((0..=10_000).map(|n| Resource { name: format!("e{n}"), ..one.clone() }));
    invalid(OperatorAction::SetQuota { info: requested(many), force: false }, "invalid resource");
    invalid(set("other", "cpus:1"), "Unknown role 'other'");
    // The parent has no quota that could cover it; a nested role may not have one anyway.
    invalid(set("q/x", "cpus:1"), "Parent role 'q'");
    invalid(OperatorAction::RemoveQuota("q".into()), "has no quota set");
    invalid(OperatorAction::RemoveQuota("other".into()), "Unknown role 'other'");

    assert!(
        matches!(refused(&mut world, set("q", "cpus:5")), OperatorError::Conflict(text) if text.contains("force"))
    );
    done(&mut world, forced("q", "cpus:5"));
    let error = refused(&mut world, set("q", "cpus:1"));
    assert!(
        matches!(&error, OperatorError::Invalid(text) if text.contains("already has quota")),
        "{error:?}"
    );
    let error = refused(&mut world, set("q/x", "cpus:1"));
    assert!(
        matches!(&error, OperatorError::Invalid(text) if text.contains("nested role 'q/x'")),
        "{error:?}"
    );
    // All guarantees together count.
    assert!(matches!(refused(&mut world, set("n", "mem:1")), OperatorError::Conflict(_)));
    done(&mut world, OperatorAction::RemoveQuota("q".into()));
    done(&mut world, set("n", "mem:1"));
    assert_eq!(world.cluster.state().quotas.keys().collect::<Vec<_>>(), ["n"]);
}

#[test]
fn quota_survives_a_failover_and_may_be_removed_then() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    done(&mut world, set("q", "cpus:2"));
    done(&mut world, OperatorAction::UpdateWeights(vec![weight(" q ", 2.5)]));
    let subject = mesos_access::Subject::named("ann");
    let request = world.operate_as(subject, set("r", "cpus:1"));
    assert_eq!(world.reply(request), Some(Ok(())));
    world.fail_over();
    assert_eq!(world.cluster.state().quotas["q"].role(), "q");
    assert_eq!(world.cluster.state().quotas["r"].principal(), "ann");
    done(&mut world, OperatorAction::RemoveQuota("r".into()));
    assert_eq!(world.cluster.state().weights["q"], 2.5);
    done(&mut world, OperatorAction::RemoveQuota("q".into()));
    world.fail_over();
    assert!(world.cluster.state().quotas.is_empty());
}

#[test]
fn second_request_for_a_role_is_refused_while_the_first_is_stored() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    world.registrar_works = false;
    let first = world.operate(set("q", "cpus:1"));
    assert!(matches!(refused(&mut world, set("q", "cpus:2")), OperatorError::Invalid(_)));
    assert_eq!(world.reply(first), None);
    world.answer_registrar();
    assert_eq!(world.reply(first), Some(Ok(())));
}

#[test]
fn check_23_quota_takes_back_what_is_offered_until_it_is_covered() {
    let mut world = World::new();
    for _ in 0..3 {
        world.agent("cpus:2;mem:512");
    }
    let (id, connection) = world.framework(plain());
    assert_eq!(world.offer(&id, "*").len(), 3);
    done(&mut world, set("q", "cpus:3"));
    assert_eq!(rescinded(&world, connection), 2, "two agents cover three cpus");
    world.check();
}

#[test]
fn check_26_weights_are_positive_and_for_roles_that_there_are() {
    let mut world = World::with(|options| options.roles = Some(["a".to_owned()].into()));
    for (role, value, part) in [
        ("a", 0.0, "must be positive"),
        ("a", -1.0, "must be positive"),
        ("a", f64::NAN, "must be positive"),
        ("a", f64::INFINITY, "must be positive"),
        ("b", 1.0, "Unknown role 'b'"),
        ("a/", 1.0, "Invalid role 'a/'"),
    ] {
        let error = refused(&mut world, OperatorAction::UpdateWeights(vec![weight(role, value)]));
        assert!(matches!(&error, OperatorError::Invalid(text) if text.contains(part)), "{role}: {error:?}");
    }
    assert!(world.cluster.state().weights.is_empty());
}

#[test]
fn new_weight_of_a_role_with_frameworks_takes_all_offers_back() {
    let mut world = World::new();
    world.agent("cpus:2;mem:512");
    let (id, connection) = world.framework(plain());
    world.offer(&id, "*");
    done(&mut world, OperatorAction::UpdateWeights(vec![weight("nobody", 2.0)]));
    assert_eq!(rescinded(&world, connection), 0);
    done(&mut world, OperatorAction::UpdateWeights(vec![weight("*", 2.0)]));
    assert_eq!(rescinded(&world, connection), 1);
    world.check();
}

#[test]
fn quotas_and_weights_need_authorization() {
    let mut world = World::new();
    world.agent("cpus:4;mem:1024");
    done(&mut world, set("old", "cpus:1"));
    world.authorizer = Authorizer::Rules(|_, action, _| {
        assert!(matches!(action, Action::UpdateQuota | Action::UpdateWeight), "{action:?}");
        false
    });
    for action in [
        set("q", "cpus:1"),
        OperatorAction::RemoveQuota("old".into()),
        OperatorAction::UpdateWeights(vec![weight("q", 2.0)]),
        OperatorAction::UpdateWeights(Vec::new()),
    ] {
        assert_eq!(refused(&mut world, action), OperatorError::Forbidden);
    }
}
