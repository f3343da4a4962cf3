//! Guarantees, headroom, and what is left for the other roles.

use std::time::Duration;

use mesos_allocation::Input;

use crate::support::{Cluster, quantities};

#[test]
fn example_with_a_deficit_only_reservations_are_offered() {
    let reserved = "cpus(reservations: [(STATIC,n)]):1;mem(reservations: [(STATIC,n)]):64";
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:10;mem:10240").framework("fn", &["n"]);
    cluster.agent("a1", "cpus:3;mem:4000").expect(&[]);
    cluster.agent("a2", &format!("cpus:1;mem:96;{reserved}")).expect(&[("fn", "n", "a2", reserved)]);
}

#[test]
fn example_frameworks_of_a_quota_role_share_it() {
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
fn check_24_quota_roles_get_no_revocable_resources() {
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
fn example_subroles_of_a_quota_role_are_not_charged_to_it() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:1;mem:512").framework("fx", &["q/x"]).framework("fq", &["q"]);
    cluster.agent("a1", "cpus:1;mem:512").expect(&[("fq", "q", "a1", "cpus:1;mem:512")]);
    cluster.agent("a2", "cpus:1;mem:512").expect(&[("fx", "q/x", "a2", "cpus:1;mem:512")]);
}

#[test]
fn example_without_quota_a_role_shares_again() {
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
    let quotas =
        quotas.iter().map(|(role, amounts)| ((*role).to_owned(), quantities(amounts).into())).collect();
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
