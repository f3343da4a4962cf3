//! Guarantees, headroom, and what is left for the other roles.

use std::collections::BTreeMap;
use std::time::Duration;

use mesos_allocation::Input;

use crate::support::{Cluster, quantities, resources};

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

#[test]
fn mesos_4527_unused_reservations_are_charged() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:2;mem:2048").framework("fq", &["q"]);
    cluster.agent("a1", RESERVED_Q).expect(&[("fq", "q", "a1", RESERVED_Q)]);
    cluster.decline("fq", "q", "a1", &resources(RESERVED_Q), LONG);
    cluster.agent("a2", "cpus:1;mem:1024").expect(&[("fq", "q", "a2", "cpus:1;mem:1024")]);
    cluster.agent("a3", "cpus:1;mem:1024").tick().expect(&[]);
}

#[test]
fn mesos_4527_used_reservations_are_charged_once() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:2;mem:2048").framework("fq", &["q"]);
    cluster.agent("a1", RESERVED_Q).expect(&[("fq", "q", "a1", RESERVED_Q)]);
    cluster.agent("a2", "cpus:1;mem:1024").expect(&[("fq", "q", "a2", "cpus:1;mem:1024")]);
    cluster.agent("a3", "cpus:1;mem:1024").tick().expect(&[]);
}

#[test]
fn mesos_7099_an_agent_is_divided_at_the_guarantee() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:0.5;mem:200").framework("fq", &["q"]).framework("fn", &["n"]);
    cluster
        .agent("a1", "cpus:1;mem:512")
        .expect(&[("fn", "n", "a1", "cpus:0.5;mem:312"), ("fq", "q", "a1", "cpus:0.5;mem:200")]);
}

#[test]
fn mesos_7099_an_indivisible_disk_is_given_whole_or_not() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:2;mem:2048;disk:150").framework("fq", &["q"]);
    let disk = mount_disk(100);
    cluster.agent("a1", &disk).expect(&[("fq", "q", "a1", &disk)]);
    cluster.agent("a2", &disk).expect(&[("fq", "q", "a2", "cpus:0.5;mem:512")]);
    cluster.agent("a3", "cpus:2;mem:2048;disk:150").expect(&[("fq", "q", "a3", "cpus:1;mem:1024;disk:50")]);
}

#[test]
fn mesos_7099_each_name_is_limited_by_itself() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:4;mem:1024").framework("fq", &["q"]);
    cluster.agent("a1", "cpus:2;mem:1024").expect(&[("fq", "q", "a1", "cpus:2;mem:1024")]);
    cluster.agent("a2", "cpus:2;mem:1024").expect(&[("fq", "q", "a2", "cpus:2")]);
}

#[test]
fn mesos_8293_a_role_without_quota_gets_its_reservations() {
    let reserved = "cpus(reservations: [(STATIC,n)]):2;mem(reservations: [(STATIC,n)]):2048";
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:2;mem:2048").framework("fn", &["n"]);
    cluster.agent("a1", &format!("cpus:2;mem:2048;{reserved}")).expect(&[("fn", "n", "a1", reserved)]);
}

#[test]
fn mesos_8339_surplus_reservations_of_one_role_do_not_serve_another() {
    let reserved = "cpus(reservations: [(STATIC,q1)]):2;mem(reservations: [(STATIC,q1)]):2048";
    let mut cluster = Cluster::new();
    cluster.quota("q1", "cpus:1;mem:1024").quota("q2", "cpus:1;mem:1024").framework("fn", &["n"]);
    cluster.agent("a1", reserved).agent("a2", "cpus:1;mem:1024").tick().expect(&[]);
    cluster.agent("a3", "cpus:1;mem:1024").expect(&[("fn", "n", "a3", "cpus:1;mem:1024")]);
    cluster.tick().expect(&[]);
}

#[test]
fn mesos_8352_what_a_role_has_no_quota_for_respects_the_headroom() {
    let shape = "cpus:1;mem:1024;ports:[31000-32000]";
    let mut cluster = Cluster::new();
    cluster.quota("q1", "cpus:2").framework("fq1", &["q1"]);
    cluster.agent("a1", shape).expect(&[("fq1", "q1", "a1", shape)]);
    cluster.quota("q2", "mem:1024");
    cluster.agent("a2", shape).expect(&[("fq1", "q1", "a2", "cpus:1;ports:[31000-32000]")]);
    cluster.agent("a3", shape).tick().expect(&[]);
}

#[test]
fn headroom_is_kept_from_roles_without_quota() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:2;mem:1024");
    for agent in ["a1", "a2", "a3"] {
        cluster.agent(agent, "cpus:1;mem:512");
    }
    cluster.framework("fn", &["n"]);
    assert_eq!(cluster.agents_by_role(), BTreeMap::from([("n".to_owned(), 1)]));
}

#[test]
fn the_headroom_does_not_divide_an_agent() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:1;mem:512").framework("fn", &["n"]);
    cluster.agent("a1", "cpus:4;mem:4096").tick().expect(&[]);
}

#[test]
fn with_a_deficit_only_reservations_are_offered() {
    let reserved = "cpus(reservations: [(STATIC,n)]):1;mem(reservations: [(STATIC,n)]):64";
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:10;mem:10240").framework("fn", &["n"]);
    cluster.agent("a1", "cpus:3;mem:4000").expect(&[]);
    cluster.agent("a2", &format!("cpus:1;mem:96;{reserved}")).expect(&[("fn", "n", "a2", reserved)]);
}

#[test]
fn frameworks_of_a_quota_role_share_it() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:4;mem:2048").framework("f1", &["q"]).framework("f2", &["q"]);
    for agent in 1..=6 {
        cluster.agent(&format!("a{agent}"), "cpus:1;mem:512");
    }
    let offers = cluster.offers();
    let of = |id: &str| offers.iter().filter(|(framework, ..)| framework == id).count();
    assert_eq!((of("f1"), of("f2"), offers.len()), (2, 2, 4));
}

#[test]
fn quota_roles_get_no_revocable_resources() {
    let mut cluster = Cluster::new();
    let revocable = [mesos_api::v1::framework_info::capability::Type::RevocableResources];
    cluster.quota("q", "cpus:4;mem:4096");
    cluster.framework_with("fq", crate::support::framework_info(&["q"], &revocable));
    cluster.framework_with("fn", crate::support::framework_info(&["n"], &revocable));
    cluster
        .agent("a1", "cpus:1;mem:512;cpus{REV}:2")
        .expect(&[("fn", "n", "a1", "cpus{REV}:2"), ("fq", "q", "a1", "cpus:1;mem:512")]);
}

#[test]
fn subroles_of_a_quota_role_are_not_charged_to_it() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:1;mem:512").framework("fx", &["q/x"]).framework("fq", &["q"]);
    cluster.agent("a1", "cpus:1;mem:512").expect(&[("fq", "q", "a1", "cpus:1;mem:512")]);
    cluster.agent("a2", "cpus:1;mem:512").expect(&[("fx", "q/x", "a2", "cpus:1;mem:512")]);
}

#[test]
fn without_quota_a_role_shares_again() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:1;mem:512").framework("fq", &["q"]);
    cluster.agent("a1", "cpus:4;mem:4096").expect(&[("fq", "q", "a1", "cpus:1;mem:512")]);
    cluster.apply(Input::RemoveQuota("q".to_owned())).expect(&[]);
    cluster.tick().expect(&[("fq", "q", "a1", "cpus:3;mem:3584")]);
}

#[test]
fn setting_quota_does_not_allocate() {
    let mut cluster = Cluster::new();
    cluster.quota("n", "cpus:100;mem:100").framework("fq", &["q"]);
    cluster.agent("a1", "cpus:4;mem:4096").expect(&[]);
    cluster.quota("q", "cpus:1;mem:512").expect(&[]);
    cluster.tick().expect(&[("fq", "q", "a1", "cpus:1;mem:512")]);
}

fn recover(cluster: &mut Cluster, expected_agents: usize, quotas: &[(&str, &str)]) {
    let quotas = quotas.iter().map(|(role, amounts)| ((*role).to_owned(), quantities(amounts))).collect();
    cluster.apply(Input::Recover { expected_agents, quotas });
}

#[test]
fn after_a_failover_quotas_wait_for_most_agents() {
    let mut cluster = Cluster::new();
    recover(&mut cluster, 10, &[("q", "cpus:100")]);
    cluster.framework("fq", &["q"]);
    for agent in 1..=7 {
        cluster.agent(&format!("a{agent}"), "cpus:1;mem:512").tick();
    }
    cluster.expect(&[]);
    cluster.agent("a8", "cpus:1;mem:512").tick();
    assert_eq!(cluster.offers().len(), 8);
}

#[test]
fn after_a_failover_quotas_wait_ten_minutes_at_most() {
    let mut cluster = Cluster::new();
    recover(&mut cluster, 10, &[("q", "cpus:100")]);
    cluster.framework("fq", &["q"]).agent("a1", "cpus:1;mem:512");
    cluster.now += Duration::from_secs(598);
    cluster.tick().expect(&[]);
    cluster.tick().expect(&[("fq", "q", "a1", "cpus:1;mem:512")]);
}

#[test]
fn after_a_failover_without_quota_nothing_waits() {
    let mut cluster = Cluster::new();
    recover(&mut cluster, 10, &[]);
    cluster.framework("f", &["r"]).agent("a1", "cpus:1;mem:512");
    assert_eq!(cluster.offers().len(), 1);
    let mut cluster = Cluster::new();
    recover(&mut cluster, 1, &[("q", "cpus:1")]);
    cluster.framework("f", &["q"]).agent("a1", "cpus:1;mem:512");
    assert_eq!(cluster.offers().len(), 1);
}
