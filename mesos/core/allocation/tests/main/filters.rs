//! Refusals, suppressing and reviving, and what triggers a run.

use std::collections::BTreeSet;
use std::time::Duration;

use mesos_allocation::Input;
use mesos_api::v1::{AgentInfo, Attribute};

use crate::support::{Cluster, agent_id, framework_id, framework_info, resources};

const ALL: &str = "cpus:2;mem:1024";
const OFFER: (&str, &str, &str, &str) = ("f", "r", "a1", ALL);

fn offered() -> Cluster {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]).agent("a1", ALL).expect(&[OFFER]);
    cluster
}

fn declined(seconds: f64) -> Cluster {
    let mut cluster = offered();
    cluster.decline("f", "r", "a1", &resources(ALL), seconds).expect(&[]);
    cluster
}

fn roles(roles: &[&str]) -> BTreeSet<String> {
    roles.iter().map(|role| (*role).to_owned()).collect()
}

/// How many refusals count in each role.
fn filters(cluster: &Cluster) -> Vec<(&str, usize)> {
    cluster.allocation.roles().map(|role| (role.name, role.active_filters)).collect()
}

/// After how many ticks the offer comes back.
#[track_caller]
fn check_back_after(seconds: f64, ticks: usize) {
    let mut cluster = declined(seconds);
    for _ in 1..ticks {
        cluster.tick().expect(&[]);
    }
    cluster.tick().expect(&[OFFER]);
}

#[test]
fn check_13_and_14_a_refusal_counts_as_long_as_it_says() {
    check_back_after(0.0, 1);
    check_back_after(5.0, 6);
    check_back_after(-1.0, 6);
    check_back_after(f64::NAN, 6);
}

#[test]
fn mesos_4302_at_least_one_periodic_run_sees_a_refusal() {
    check_back_after(0.1, 2);
    // Even if that run comes late.
    let mut cluster = declined(0.1);
    cluster.now += Duration::from_secs(60);
    cluster.tick().expect(&[]);
    cluster.tick().expect(&[OFFER]);
}

#[test]
fn check_13_a_refusal_counts_for_a_year_at_most() {
    let mut cluster = declined(1e9);
    cluster.tick();
    cluster.now += Duration::from_secs(364 * 86400);
    cluster.tick().expect(&[]);
    cluster.now += Duration::from_secs(86400);
    cluster.tick().expect(&[OFFER]);
}

#[test]
fn recovering_without_a_filter_refuses_nothing_and_does_not_allocate() {
    let mut cluster = offered();
    cluster.recover("f", "r", "a1", &resources(ALL), None).expect(&[]);
    cluster.tick().expect(&[OFFER]);
}

#[test]
fn check_15_a_refusal_hides_no_more_than_was_refused() {
    let mut cluster = offered();
    // Half is in use while the other half is refused.
    cluster.decline("f", "r", "a1", &resources("cpus:1;mem:512"), 1e6).tick().expect(&[]);
    cluster.recover("f", "r", "a1", &resources("cpus:1;mem:512"), None).tick().expect(&[OFFER]);
}

#[test]
fn a_refusal_is_for_one_role_and_framework() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r", "s"]).agent("a1", ALL);
    let offers = cluster.offers();
    assert_eq!(offers.len(), 1);
    cluster.decline_all(&offers, 1e6).tick();
    let others = cluster.offers();
    assert_eq!(others.len(), 1);
    assert_ne!(others[0].1, offers[0].1);
    cluster.decline_all(&others, 1e6).tick().expect(&[]);
    cluster.framework("g", &["r"]).expect(&[("g", "r", "a1", ALL)]);
    assert_eq!(filters(&cluster), [("r", 1), ("s", 1)]);
}

#[test]
fn check_13_reviving_drops_all_refusals_and_allocates() {
    let mut cluster = declined(1e9);
    cluster.apply(Input::Revive { framework: framework_id("f"), roles: roles(&["r"]) }).expect(&[OFFER]);

    let mut cluster = Cluster::new();
    cluster.framework("f", &["r", "s"]).agent("a1", ALL);
    let offers = cluster.offers();
    cluster.decline_all(&offers, 1e9).tick();
    let offers = cluster.offers();
    cluster.decline_all(&offers, 1e9).tick().expect(&[]);
    cluster.apply(Input::Revive { framework: framework_id("f"), roles: roles(&["s"]) });
    assert_eq!(filters(&cluster), [("r", 0), ("s", 0)]);
}

#[test]
fn deactivating_drops_refusals() {
    let mut cluster = declined(1e9);
    cluster.apply(Input::DeactivateFramework(framework_id("f"))).tick().expect(&[]);
    cluster.apply(Input::ActivateFramework(framework_id("f"))).expect(&[OFFER]);
}

#[test]
fn leaving_a_role_drops_its_refusals() {
    let mut cluster = declined(1e9);
    for role in ["s", "r"] {
        cluster.apply(Input::UpdateFramework {
            id: framework_id("f"),
            info: framework_info(&[role], &[]),
            suppressed_roles: BTreeSet::new(),
        });
    }
    cluster.tick().expect(&[OFFER]);
}

#[test]
fn other_attributes_drop_refusals_and_wake_who_suppressed_after_refusing() {
    let mut cluster = declined(1e9);
    cluster.apply(Input::Suppress { framework: framework_id("f"), roles: BTreeSet::new() });
    let info = |attributes| AgentInfo { hostname: "a1".to_owned(), attributes, ..Default::default() };
    let update = |info| Input::UpdateAgent { id: agent_id("a1"), info, capabilities: None, total: None };
    cluster.apply(update(info(vec![]))).expect(&[]);
    let rack = Attribute { name: "rack".to_owned(), ..Default::default() };
    cluster.apply(update(info(vec![rack]))).expect(&[OFFER]);
}

#[test]
fn refusals_die_with_their_agent() {
    let mut cluster = declined(1e9);
    cluster.apply(Input::RemoveAgent(agent_id("a1"))).agent("a1", ALL).expect(&[OFFER]);
}

#[test]
fn check_16_suppressing_stops_offers_in_a_role() {
    let mut cluster = declined(0.0);
    cluster.apply(Input::Suppress { framework: framework_id("f"), roles: roles(&["unknown"]) });
    cluster.tick().expect(&[OFFER]).recover("f", "r", "a1", &resources(ALL), None);
    cluster.apply(Input::Suppress { framework: framework_id("f"), roles: roles(&["r"]) }).tick().expect(&[]);
    cluster.apply(Input::Revive { framework: framework_id("f"), roles: BTreeSet::new() }).expect(&[OFFER]);
    cluster.recover("f", "r", "a1", &resources(ALL), None);
    cluster
        .apply(Input::Suppress { framework: framework_id("f"), roles: BTreeSet::new() })
        .tick()
        .expect(&[]);
}

#[test]
fn roles_can_be_suppressed_when_subscribing() {
    let mut cluster = Cluster::new();
    cluster.agent("a1", ALL).apply(Input::AddFramework {
        id: framework_id("f"),
        info: framework_info(&["r", "s"], &[]),
        used: Default::default(),
        active: true,
        suppressed_roles: roles(&["r"]),
    });
    cluster.expect(&[("f", "s", "a1", ALL)]).recover("f", "s", "a1", &resources(ALL), None);
    cluster.apply(Input::UpdateFramework {
        id: framework_id("f"),
        info: framework_info(&["r", "s"], &[]),
        suppressed_roles: roles(&["s"]),
    });
    cluster.expect(&[]).tick().expect(&[OFFER]);
}

#[test]
fn an_inactive_agent_or_one_off_the_whitelist_is_not_offered() {
    let mut cluster = declined(0.0);
    cluster.apply(Input::DeactivateAgent(agent_id("a1"))).tick().expect(&[]);
    cluster.apply(Input::ActivateAgent(agent_id("a1")));
    cluster.apply(Input::UpdateWhitelist(Some(roles(&["elsewhere"])))).tick().expect(&[]);
    cluster.apply(Input::UpdateWhitelist(Some(BTreeSet::new()))).tick().expect(&[]);
    cluster.apply(Input::UpdateWhitelist(Some(roles(&["a1"])))).expect(&[]).tick().expect(&[OFFER]);
    cluster.recover("f", "r", "a1", &resources(ALL), None);
    cluster.apply(Input::UpdateWhitelist(None)).tick().expect(&[OFFER]);
}

#[test]
fn an_agent_that_grew_is_offered_at_once() {
    let mut cluster = offered();
    let update = |total| Input::UpdateAgent {
        id: agent_id("a1"),
        info: AgentInfo { hostname: "a1".to_owned(), ..Default::default() },
        capabilities: None,
        total: Some(resources(total)),
    };
    cluster.apply(update(ALL)).expect(&[]);
    cluster.apply(update("cpus:3;mem:1024")).expect(&[("f", "r", "a1", "cpus:1")]);
    // Shrinking below what is allocated frees nothing until enough is given back.
    cluster.apply(update("cpus:1;mem:512")).tick().expect(&[]);
    cluster
        .recover("f", "r", "a1", &resources("cpus:2;mem:1024"), None)
        .tick()
        .expect(&[("f", "r", "a1", "mem:512")]);
}

#[test]
fn inputs_that_wait_are_served_by_one_run() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]);
    let runs = cluster.allocation.runs();
    let mut agents = Cluster::new();
    agents.agent("x", ALL);
    for agent in ["a1", "a2", "a3"] {
        let input = Input::AddAgent {
            id: agent_id(agent),
            info: AgentInfo::default(),
            capabilities: crate::support::agent_capabilities(&crate::support::MODERN),
            unavailability: None,
            total: resources(ALL),
            used: Default::default(),
        };
        cluster.allocation.accept(input, cluster.now, &mut cluster.out);
    }
    assert!(cluster.out.is_empty() && cluster.allocation.is_run_due());
    cluster.allocation.run(cluster.now, &mut cluster.out);
    assert_eq!((cluster.allocation.runs(), cluster.out.len()), (runs + 1, 1));
    assert_eq!(cluster.offers().len(), 3);
}

#[test]
fn check_19_too_little_is_never_offered() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]).agent("a1", "cpus:0.005;mem:16").tick().expect(&[]);
    cluster.agent("a2", "cpus:0.005;mem:32").expect(&[("f", "r", "a2", "cpus:0.005;mem:32")]);
}
