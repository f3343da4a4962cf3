//! The worked examples of quota, by their numbers in the list of what must be checked, and that each of the
//! five fixes behind them is needed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mesos_allocation::Fix;

use crate::support::{Cluster, resources};

const LONG: f64 = 1_000_000.0;
const RESERVED_Q: &str = "cpus(reservations: [(STATIC,q)]):1;mem(reservations: [(STATIC,q)]):1024";

fn mount_disk(size: u32) -> String {
    format!(
        r#"[{{"name":"cpus","type":"SCALAR","scalar":{{"value":0.5}}}},
            {{"name":"mem","type":"SCALAR","scalar":{{"value":512}}}},
            {{"name":"disk","type":"SCALAR","scalar":{{"value":{size}}},
             "disk":{{"source":{{"type":"MOUNT","mount":{{"root":"/mnt"}}}}}}}}]"#
    )
}

/// MESOS-4527.
fn unused_reservations_are_charged(cluster: &mut Cluster) {
    cluster.quota("q", "cpus:2;mem:2048").framework("fq", &["q"]);
    cluster.agent("a1", RESERVED_Q).expect(&[("fq", "q", "a1", RESERVED_Q)]);
    cluster.decline("fq", "q", "a1", &resources(RESERVED_Q), LONG);
    cluster.agent("a2", "cpus:1;mem:1024").expect(&[("fq", "q", "a2", "cpus:1;mem:1024")]);
    cluster.agent("a3", "cpus:1;mem:1024").tick().expect(&[]);
}

/// MESOS-4527.
fn used_reservations_are_charged_once(cluster: &mut Cluster) {
    cluster.quota("q", "cpus:2;mem:2048").framework("fq", &["q"]);
    cluster.agent("a1", RESERVED_Q).expect(&[("fq", "q", "a1", RESERVED_Q)]);
    cluster.agent("a2", "cpus:1;mem:1024").expect(&[("fq", "q", "a2", "cpus:1;mem:1024")]);
    cluster.agent("a3", "cpus:1;mem:1024").tick().expect(&[]);
}

/// MESOS-7099.
fn an_agent_is_divided_at_the_guarantee(cluster: &mut Cluster) {
    cluster.quota("q", "cpus:0.5;mem:200").framework("fq", &["q"]).framework("fn", &["n"]);
    cluster
        .agent("a1", "cpus:1;mem:512")
        .expect(&[("fn", "n", "a1", "cpus:0.5;mem:312"), ("fq", "q", "a1", "cpus:0.5;mem:200")]);
}

/// MESOS-7099.
fn an_indivisible_disk_is_given_whole_or_not(cluster: &mut Cluster) {
    cluster.quota("q", "cpus:2;mem:2048;disk:150").framework("fq", &["q"]);
    let disk = mount_disk(100);
    cluster.agent("a1", &disk).expect(&[("fq", "q", "a1", &disk)]);
    cluster.agent("a2", &disk).expect(&[("fq", "q", "a2", "cpus:0.5;mem:512")]);
    cluster.agent("a3", "cpus:2;mem:2048;disk:150").expect(&[("fq", "q", "a3", "cpus:1;mem:1024;disk:50")]);
}

/// MESOS-7099.
fn each_name_is_limited_by_itself(cluster: &mut Cluster) {
    cluster.quota("q", "cpus:4;mem:1024").framework("fq", &["q"]);
    cluster.agent("a1", "cpus:2;mem:1024").expect(&[("fq", "q", "a1", "cpus:2;mem:1024")]);
    cluster.agent("a2", "cpus:2;mem:1024").expect(&[("fq", "q", "a2", "cpus:2")]);
}

/// MESOS-8293.
fn a_role_without_quota_gets_its_reservations(cluster: &mut Cluster) {
    let reserved = "cpus(reservations: [(STATIC,n)]):2;mem(reservations: [(STATIC,n)]):2048";
    cluster.quota("q", "cpus:2;mem:2048").framework("fn", &["n"]);
    cluster.agent("a1", &format!("cpus:2;mem:2048;{reserved}")).expect(&[("fn", "n", "a1", reserved)]);
}

/// MESOS-8339.
fn surplus_reservations_of_one_role_do_not_serve_another(cluster: &mut Cluster) {
    let reserved = "cpus(reservations: [(STATIC,q1)]):2;mem(reservations: [(STATIC,q1)]):2048";
    cluster.quota("q1", "cpus:1;mem:1024").quota("q2", "cpus:1;mem:1024").framework("fn", &["n"]);
    cluster.agent("a1", reserved).agent("a2", "cpus:1;mem:1024").tick().expect(&[]);
    cluster.agent("a3", "cpus:1;mem:1024").expect(&[("fn", "n", "a3", "cpus:1;mem:1024")]);
    cluster.tick().expect(&[]);
}

/// MESOS-8352.
fn what_a_role_has_no_quota_for_respects_the_headroom(cluster: &mut Cluster) {
    let shape = "cpus:1;mem:1024;ports:[31000-32000]";
    cluster.quota("q1", "cpus:2").framework("fq1", &["q1"]);
    cluster.agent("a1", shape).expect(&[("fq1", "q1", "a1", shape)]);
    cluster.quota("q2", "mem:1024");
    cluster.agent("a2", shape).expect(&[("fq1", "q1", "a2", "cpus:1;ports:[31000-32000]")]);
    cluster.agent("a3", shape).tick().expect(&[]);
}

/// Of three agents, two are kept.
fn headroom_is_kept_from_roles_without_quota(cluster: &mut Cluster) {
    cluster.quota("q", "cpus:2;mem:1024");
    for agent in ["a1", "a2", "a3"] {
        cluster.agent(agent, "cpus:1;mem:512");
    }
    cluster.framework("fn", &["n"]);
    assert_eq!(cluster.agents_by_role(), [("n".to_owned(), 1)].into());
}

fn the_headroom_does_not_divide_an_agent(cluster: &mut Cluster) {
    cluster.quota("q", "cpus:1;mem:512").framework("fn", &["n"]);
    cluster.agent("a1", "cpus:4;mem:4096").tick().expect(&[]);
}

macro_rules! checks {
    ($($test:ident: $example:ident;)+) => {
        $(#[test]
        fn $test() {
            $example(&mut Cluster::new());
        })+

        const EXAMPLES: [(&str, fn(&mut Cluster)); 10] = [$((stringify!($test), $example)),+];
    };
}

checks! {
    check_1_unused_reservations_are_charged: unused_reservations_are_charged;
    check_2_used_reservations_are_charged_once: used_reservations_are_charged_once;
    check_3_an_agent_is_divided_at_the_guarantee: an_agent_is_divided_at_the_guarantee;
    check_4_an_indivisible_disk_is_given_whole_or_not: an_indivisible_disk_is_given_whole_or_not;
    check_5_each_name_is_limited_by_itself: each_name_is_limited_by_itself;
    check_6_a_role_without_quota_gets_its_reservations: a_role_without_quota_gets_its_reservations;
    check_7_surplus_reservations_do_not_serve_another_role:
        surplus_reservations_of_one_role_do_not_serve_another;
    check_8_what_a_role_has_no_quota_for_respects_the_headroom:
        what_a_role_has_no_quota_for_respects_the_headroom;
    check_9_headroom_is_kept_from_roles_without_quota: headroom_is_kept_from_roles_without_quota;
    check_10_the_headroom_does_not_divide_an_agent: the_headroom_does_not_divide_an_agent;
}

/// Which examples go wrong with a fix turned off.
#[track_caller]
fn check_without(fix: Fix, expected: &[usize]) {
    let goes_wrong = |example: fn(&mut Cluster)| {
        let mut cluster = Cluster::new();
        cluster.allocation.turn_off(fix);
        catch_unwind(AssertUnwindSafe(|| example(&mut cluster))).is_err()
    };
    let wrong: Vec<_> =
        EXAMPLES.iter().filter(|(_, example)| goes_wrong(*example)).map(|(name, _)| *name).collect();
    let expected: Vec<_> = expected.iter().map(|number| EXAMPLES[number - 1].0).collect();
    assert_eq!(wrong, expected);
}

#[test]
fn without_charging_reservations_check_1_fails() {
    check_without(Fix::ReservationsAreCharged, &[1]);
}

#[test]
fn without_dividing_agents_checks_3_to_5_fail() {
    check_without(Fix::AgentsAreDivided, &[3, 4, 5]);
}

#[test]
fn with_reservations_held_check_6_fails() {
    check_without(Fix::ReservationsAreNotHeld, &[6]);
}

#[test]
fn with_surplus_serving_others_check_7_fails() {
    check_without(Fix::SurplusServesNobodyElse, &[7]);
}

#[test]
fn without_headroom_for_all_check_8_fails() {
    check_without(Fix::HeadroomIsForAll, &[8]);
}
