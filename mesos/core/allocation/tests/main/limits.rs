//! Limits beside guarantees.

use mesos_allocation::{Input, Quota};
use mesos_api::v1::framework_info::capability::Type;
use mesos_resources::Resources;

use crate::support::{Cluster, framework_info, quantities, resources};

/// Sets a guarantee and limits; `cpus:0` is a limit, too.
fn quota(cluster: &mut Cluster, role: &str, guarantee: &str, limits: &[(&str, f64)]) {
    let limits = limits
        .iter()
        .map(|(name, most)| ((*name).into(), mesos_resources::Scalar::from_f64(*most)))
        .collect();
    let quota = Quota { guarantee: quantities(guarantee), limits: Some(limits) };
    cluster.apply(Input::SetQuota { role: role.to_owned(), quota });
}

#[test]
fn a_limit_alone_caps_the_fair_share() {
    let mut cluster = Cluster::new();
    quota(&mut cluster, "r", "", &[("cpus", 3.0)]);
    cluster.framework("f", &["r"]).agent("a1", "cpus:2;mem:1024").agent("a2", "cpus:2;mem:1024");
    cluster.expect(&[("f", "r", "a1", "cpus:2;mem:1024"), ("f", "r", "a2", "cpus:1;mem:1024")]);
    cluster.framework("g", &["s"]).expect(&[("g", "s", "a2", "cpus:1")]);
    cluster.recover("f", "r", "a1", &resources("cpus:2;mem:1024"), None).tick();
    let back = cluster.offers();
    assert_eq!(back.len(), 1, "the lower share comes first: {back:?}");
}

#[test]
fn a_limit_of_nothing_leaves_reservations_and_what_can_be_taken_back() {
    let reserved = "cpus(reservations: [(STATIC,r)]):1";
    let mut cluster = Cluster::new();
    quota(&mut cluster, "r", "", &[("cpus", 0.0), ("mem", 0.0)]);
    cluster.framework_with("f", framework_info(&["r"], &[Type::RevocableResources]));
    cluster.agent("a1", &format!("cpus:2;mem:1024;cpus{{REV}}:4;{reserved}")).expect(&[(
        "f",
        "r",
        "a1",
        &format!("cpus{{REV}}:4;{reserved}"),
    )]);
}

#[test]
fn a_role_with_both_has_its_guarantee_first_and_its_share_up_to_the_limit() {
    let mut cluster = Cluster::new();
    quota(&mut cluster, "r", "cpus:1;mem:256", &[("cpus", 3.0), ("mem", 512.0)]);
    cluster.framework("f", &["r"]);
    cluster.agent("a1", "cpus:4;mem:1024").expect(&[("f", "r", "a1", "cpus:3;mem:512")]);
    cluster.agent("a2", "cpus:4;mem:1024").tick().expect(&[]);
}

#[test]
fn without_a_name_in_the_limits_there_is_no_limit_for_it() {
    let mut cluster = Cluster::new();
    quota(&mut cluster, "r", "cpus:1", &[]);
    cluster.framework("f", &["r"]).agent("a1", "cpus:4;mem:1024").expect(&[(
        "f",
        "r",
        "a1",
        "cpus:4;mem:1024",
    )]);
}

#[test]
fn reservations_are_charged_to_a_limit_used_or_not() {
    let mut cluster = Cluster::new();
    quota(&mut cluster, "r", "", &[("cpus", 2.0)]);
    let reserved = "cpus(reservations: [(STATIC,r)]):1";
    cluster.framework("f", &["r"]).agent("a1", reserved).expect(&[("f", "r", "a1", reserved)]);
    cluster.decline("f", "r", "a1", &resources(reserved), 1e6);
    cluster.agent("a2", "cpus:4").expect(&[("f", "r", "a2", "cpus:1")]);
}

#[test]
fn roles_below_share_the_limit() {
    let mut cluster = Cluster::new();
    quota(&mut cluster, "r", "", &[("cpus", 3.0)]);
    quota(&mut cluster, "r/a", "", &[("cpus", 2.0)]);
    cluster.framework("f", &["r/a"]).agent("a1", "cpus:4").expect(&[("f", "r/a", "a1", "cpus:2")]);
    cluster.framework("g", &["r/b"]).expect(&[("g", "r/b", "a1", "cpus:1")]);
    cluster.framework("h", &["r"]).tick().expect(&[]);
}

#[test]
fn what_becomes_free_under_a_limit_is_offered_again() {
    let mut cluster = Cluster::new();
    quota(&mut cluster, "r", "", &[("cpus", 2.0)]);
    cluster.framework("f", &["r"]).agent("a1", "cpus:2").agent("a2", "cpus:2");
    cluster.expect(&[("f", "r", "a1", "cpus:2")]).tick().expect(&[]);
    cluster.decline("f", "r", "a1", &resources("cpus:2"), 1e6).tick();
    cluster.expect(&[("f", "r", "a2", "cpus:2")]);
}

#[test]
fn an_indivisible_disk_over_the_limit_is_left_out() {
    let disk = |size: u32| -> Resources {
        resources(&format!(
            r#"[{{"name":"disk","type":"SCALAR","scalar":{{"value":{size}}},
                 "disk":{{"source":{{"type":"MOUNT","mount":{{"root":"/mnt"}}}}}}}},
                {{"name":"cpus","type":"SCALAR","scalar":{{"value":1}}}}]"#
        ))
    };
    let mut cluster = Cluster::new();
    quota(&mut cluster, "r", "", &[("disk", 100.0)]);
    cluster.framework("f", &["r"]);
    let json = |all: Resources| {
        let texts: Vec<_> = all.to_protos().iter().map(mesos_api::json::to_string).collect();
        format!("[{}]", texts.join(","))
    };
    cluster.agent("a1", &json(disk(101))).expect(&[("f", "r", "a1", "cpus:1")]);
    cluster.agent("a2", &json(disk(100)));
    assert_eq!(cluster.offers()[0].3, disk(100));
}

#[test]
fn a_limit_does_not_touch_the_headroom_of_others() {
    let mut cluster = Cluster::new();
    cluster.quota("q", "cpus:2");
    quota(&mut cluster, "r", "", &[("cpus", 3.0)]);
    // Of four, two must stay free: three are too many, one is not.
    cluster.framework("f", &["r"]).agent("a1", "cpus:4").expect(&[]);
    quota(&mut cluster, "r", "", &[("cpus", 1.0)]);
    cluster.tick().expect(&[("f", "r", "a1", "cpus:1")]);
}

#[test]
fn a_quota_of_nothing_is_none() {
    let mut cluster = Cluster::new();
    cluster.quota("r", "").framework("f", &["r"]).agent("a1", "cpus:1").expect(&[("f", "r", "a1", "cpus:1")]);
    assert_eq!(cluster.allocation.quotas().count(), 0);
}
