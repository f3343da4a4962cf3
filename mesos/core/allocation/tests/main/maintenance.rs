//! Inverse offers.

use mesos_allocation::{Input, Output};
use mesos_api::v1::allocator::{InverseOfferStatus, inverse_offer_status::Status};
use mesos_api::v1::{Filters, TimeInfo, Unavailability};

use crate::support::{Cluster, agent_id, framework_id, resources};

fn window(start: i64) -> Unavailability {
    Unavailability { start: TimeInfo { nanoseconds: start }, duration: None }
}

fn plan(cluster: &mut Cluster, unavailability: Option<Unavailability>) {
    cluster.apply(Input::UpdateUnavailability { agent: agent_id("a1"), unavailability });
}

/// Who was asked to leave since the last call.
fn asked(cluster: &mut Cluster) -> Vec<String> {
    let out = std::mem::take(&mut cluster.out);
    let inverse = out.into_iter().filter_map(|output| match output {
        Output::InverseOffers { framework, agents } => {
            assert_eq!(agents.into_keys().collect::<Vec<_>>(), [agent_id("a1")]);
            Some(framework.value)
        }
        _ => None,
    });
    inverse.collect()
}

fn answer(cluster: &mut Cluster, status: Option<Status>, refuse_seconds: Option<f64>) {
    cluster.apply(Input::UpdateInverseOffer {
        agent: agent_id("a1"),
        framework: framework_id("f"),
        status: status.map(|status| InverseOfferStatus { status: status as i32, ..Default::default() }),
        filters: refuse_seconds.map(|seconds| Filters { refuse_seconds: Some(seconds) }),
    });
}

fn statuses(cluster: &mut Cluster) -> Vec<i32> {
    cluster.apply(Input::GetInverseOfferStatuses { token: 7 });
    match cluster.out.pop() {
        Some(Output::InverseOfferStatuses { token: 7, statuses }) => {
            statuses.into_values().flat_map(|all| all.into_values()).map(|status| status.status).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn planned() -> Cluster {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]).framework("idle", &["s"]);
    cluster.apply(Input::Suppress { framework: framework_id("idle"), roles: Default::default() });
    cluster.agent("a1", "cpus:1;mem:64").expect(&[("f", "r", "a1", "cpus:1;mem:64")]);
    plan(&mut cluster, Some(window(5)));
    cluster
}

#[test]
fn check_25_who_holds_something_is_asked_once_until_it_answers() {
    let mut cluster = planned();
    assert_eq!(asked(&mut cluster), ["f"]);
    cluster.tick();
    assert!(asked(&mut cluster).is_empty());
    answer(&mut cluster, Some(Status::Accept), None);
    assert_eq!(statuses(&mut cluster), [Status::Accept as i32]);
    cluster.tick();
    assert_eq!(asked(&mut cluster), ["f"]);
}

#[test]
fn check_25_an_answer_with_a_filter_delays_the_next_question() {
    let mut cluster = planned();
    asked(&mut cluster);
    answer(&mut cluster, Some(Status::Decline), Some(10.0));
    for _ in 0..10 {
        cluster.tick();
        assert!(asked(&mut cluster).is_empty());
    }
    cluster.tick();
    assert_eq!(asked(&mut cluster), ["f"]);
    assert_eq!(statuses(&mut cluster), [Status::Decline as i32]);
}

#[test]
fn another_plan_asks_again_whatever_was_answered() {
    let mut cluster = planned();
    answer(&mut cluster, Some(Status::Decline), Some(1e6));
    asked(&mut cluster);
    plan(&mut cluster, Some(window(6)));
    assert_eq!(asked(&mut cluster), ["f"]);
    assert!(statuses(&mut cluster).is_empty());
    plan(&mut cluster, None);
    answer(&mut cluster, Some(Status::Decline), None);
    cluster.tick();
    assert!(asked(&mut cluster).is_empty());
}

#[test]
fn who_gave_everything_back_or_is_gone_is_not_asked() {
    let mut cluster = planned();
    answer(&mut cluster, None, None);
    cluster.recover("f", "r", "a1", &resources("cpus:1;mem:64"), Some(1e6)).tick();
    assert_eq!(asked(&mut cluster), ["f"], "before it gave everything back");
    cluster.tick();
    assert!(asked(&mut cluster).is_empty());

    let mut cluster = planned();
    asked(&mut cluster);
    answer(&mut cluster, None, None);
    cluster.apply(Input::DeactivateFramework(framework_id("f"))).tick();
    assert!(asked(&mut cluster).is_empty());
}
