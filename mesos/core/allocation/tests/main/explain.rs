//! Why a role gets nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use mesos_allocation::{Explanation, FrameworkState, Input, Options, Quota};

use crate::support::{Cluster, agent_id, framework_id, quantities, resources};

fn explain(cluster: &Cluster, role: &str) -> Explanation {
    cluster.allocation.explain(role, cluster.now)
}

/// The reasons for a role, then those for its frameworks.
#[track_caller]
fn check(cluster: &Cluster, role: &str, expected: &[&str]) {
    let explanation = explain(cluster, role);
    let of_frameworks = explanation.frameworks.into_iter().flat_map(|framework| framework.reasons);
    let all: Vec<_> = explanation.reasons.into_iter().chain(of_frameworks).collect();
    assert_eq!(all, expected);
}

#[test]
fn nobody_is_there() {
    let mut cluster = Cluster::new();
    check(&cluster, "r", &["there are no agents", "no framework is in the role"]);
    cluster.agent("a1", "cpus:1").framework("f", &["r"]);
    check(
        &cluster,
        "r",
        &["1 of 1 agents have nothing free that is not reserved for others, or too little to be offered"],
    );
    cluster.apply(Input::Suppress { framework: framework_id("f"), roles: BTreeSet::new() });
    check(
        &cluster,
        "r",
        &["no framework of the role takes offers: 1 suppressed them, 0 are not connected, 0 left the role"],
    );
    assert_eq!(explain(&cluster, "r").frameworks[0].state, FrameworkState::Suppressed);
}

#[test]
fn filters_are_told_with_their_end() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]).agent("a1", "cpus:1").decline("f", "r", "a1", &resources("cpus:1"), 7.5);
    check(&cluster, "r", &["1 of 1 agents were refused; the next filter ends in 7.5 s"]);
    let framework = explain(&cluster, "r").frameworks.remove(0);
    assert_eq!(
        (framework.filters, framework.next_expiry),
        (1, Some(cluster.now + Duration::from_secs_f64(7.5)))
    );
    cluster.apply(Input::DeactivateAgent(agent_id("a1")));
    check(&cluster, "r", &["1 of 1 agents are deactivated"]);
}

#[test]
fn a_met_guarantee_and_a_reached_limit_are_told_with_their_amounts() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:1").framework("fq", &["q"]).agent("a1", "cpus:4");
    check(
        &cluster,
        "q",
        &[
            "the role has its guarantee of cpus:1, which without limits is also the most it gets: cpus:1 is \
             charged to it, {} of that for its reservations",
            "1 of 1 agents have only what the role already has its guarantee of",
        ],
    );
    let limits = Some([("cpus".into(), mesos_resources::Scalar::from_f64(1.0))].into());
    let quota = Quota { guarantee: quantities("cpus:1"), limits };
    cluster.apply(Input::SetQuota { role: "q".to_owned(), quota });
    check(
        &cluster,
        "q",
        &[
            "its limit of 1 for cpus is reached: 0 is left",
            "1 of 1 agents have only what the role has reached its limit of",
        ],
    );
}

#[test]
fn what_is_held_for_quotas_is_told_with_the_headroom() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:3").framework("fn", &["n"]).agent("a1", "cpus:2").agent("a2", "cpus:2");
    check(
        &cluster,
        "n",
        &["2 of 2 agents are held back for quotas: cpus:3 must stay free, cpus:4 is free in all"],
    );
    let explanation = explain(&cluster, "q");
    assert_eq!(explanation.headroom_required_for_role, quantities("cpus:3"));
    assert_eq!(explanation.headroom_available, quantities("cpus:4"));
    check(&cluster, "q", &["no framework is in the role"]);
}

#[test]
fn gpus_and_the_whitelist_are_told() {
    let mut cluster = Cluster::with(Options::default());
    cluster.framework("f", &["r"]).agent("a1", "cpus:2;gpus:1").agent("a2", "cpus:2").agent("a3", "cpus:1");
    cluster.offers();
    cluster.apply(Input::UpdateWhitelist(Some(BTreeSet::from(["a1".to_owned(), "a2".to_owned()]))));
    check(
        &cluster,
        "r",
        &[
            "1 of 3 agents are not on the whitelist",
            "1 of 3 agents have GPUs, which the framework does not use",
            "1 of 3 agents have nothing free that is not reserved for others, or too little to be offered",
        ],
    );
}

#[test]
fn who_waits_longest_comes_first() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]).agent("a1", "cpus:1");
    cluster.now += Duration::from_secs(30);
    cluster.framework("g", &["r"]);
    let waiting: Vec<_> = explain(&cluster, "r")
        .frameworks
        .into_iter()
        .map(|one| (one.id.value, one.waiting.as_secs()))
        .collect();
    assert_eq!(waiting, [("f".to_owned(), 30), ("g".to_owned(), 0)]);
    assert_eq!(cluster.allocation.waiting_of(&framework_id("f"), cluster.now), Some(Duration::from_secs(30)));
    cluster.recover("f", "r", "a1", &resources("cpus:1"), None).tick();
    let most = cluster.allocation.starvation(cluster.now).map(|(_, waiting)| waiting.as_secs()).max();
    assert!(most >= Some(1), "one of both was not offered the agent: {most:?}");
}

#[test]
fn what_can_be_offered_has_no_reason() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]).agent("a1", "cpus:1").recover("f", "r", "a1", &resources("cpus:1"), None);
    check(&cluster, "r", &[]);
    assert_eq!(explain(&cluster, "r").frameworks[0].offerable_agents, 1);
}

#[test]
fn waiting_for_agents_after_a_failover_is_told() {
    let mut cluster = Cluster::new();
    let quotas = [("q".to_owned(), quantities("cpus:1").into())].into();
    cluster
        .apply(Input::Recover { expected_agents: 10, quotas })
        .framework("fq", &["q"])
        .agent("a1", "cpus:4");
    let reasons = explain(&cluster, "q").reasons;
    assert_eq!(
        reasons,
        ["nothing is offered to anybody until 8 agents are back, of which 1 are, or 600 s have passed"]
    );
}
