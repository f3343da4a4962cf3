//! Shares among roles and frameworks.

use std::collections::BTreeMap;

use mesos_allocation::{Input, Options};

use crate::support::{Cluster, agent_id, allocated, framework_id, framework_info, resources};

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(role, count)| ((*role).to_owned(), *count)).collect()
}

fn add_agents(cluster: &mut Cluster, count: usize) {
    for agent in 1..=count {
        cluster.agent(&format!("a{agent}"), "cpus:1;mem:512");
    }
}

#[test]
fn check_11_weights_decide_how_much_a_role_gets() {
    let mut cluster = Cluster::new();
    cluster.framework("f1", &["a"]).framework("f2", &["b"]);
    add_agents(&mut cluster, 6);
    assert_eq!(cluster.agents_by_role(), counts(&[("a", 3), ("b", 3)]));

    let mut cluster = Cluster::new();
    cluster.weight("b", 2.0).framework("f1", &["a"]).framework("f2", &["b"]);
    add_agents(&mut cluster, 6);
    assert_eq!(cluster.agents_by_role(), counts(&[("a", 2), ("b", 4)]));
}

#[test]
fn nonsense_weights_change_nothing() {
    let mut cluster = Cluster::new();
    cluster.framework("f1", &["a"]).framework("f2", &["b"]);
    cluster.weight("a", 0.0).weight("a", -1.0).weight("b", f64::NAN).weight("b", f64::INFINITY);
    add_agents(&mut cluster, 6);
    assert_eq!(cluster.agents_by_role(), counts(&[("a", 3), ("b", 3)]));
}

#[test]
fn check_12_subroles_divide_the_share_of_the_role_above() {
    let mut cluster = Cluster::new();
    cluster.framework("f1", &["a/b"]).framework("f2", &["a/c"]).framework("f3", &["d"]);
    add_agents(&mut cluster, 8);
    assert_eq!(cluster.agents_by_role(), counts(&[("a/b", 2), ("a/c", 2), ("d", 4)]));
}

#[test]
fn example_the_smaller_dominant_share_is_served_first() {
    let mut cluster = Cluster::new();
    let used =
        |role: &str, agent: &str, what: &str| BTreeMap::from([(agent_id(agent), allocated(what, role))]);
    cluster.agent("big", "cpus:4;mem:9216").agent("more", "cpus:4;mem:8192");
    for (id, role, used) in
        [("f1", "a", used("a", "big", "cpus:3;mem:1024")), ("f2", "b", used("b", "big", "cpus:1;mem:8192"))]
    {
        cluster.apply(Input::AddFramework {
            id: framework_id(id),
            info: framework_info(&[role], &[]),
            used,
            active: false,
            suppressed_roles: Default::default(),
        });
    }
    let shares: Vec<_> = cluster.allocation.roles().map(|role| (role.name, role.dominant_share)).collect();
    assert_eq!(shares, [("a", 3.0 / 8.0), ("b", 8192.0 / 17408.0)]);
    cluster.apply(Input::DeactivateAgent(agent_id("big"))).apply(Input::DeactivateAgent(agent_id("more")));
    cluster.apply(Input::ActivateFramework(framework_id("f1")));
    cluster.apply(Input::ActivateFramework(framework_id("f2"))).expect(&[]);
    cluster.agent("new", "cpus:1;mem:1024").expect(&[("f1", "a", "new", "cpus:1;mem:1024")]);
}

#[test]
fn excluded_names_do_not_count_for_shares() {
    let mut cluster = Cluster::with(Options {
        fair_sharing_excluded_resource_names: ["gpus".to_owned()].into(),
        ..Default::default()
    });
    let gpus = [mesos_api::v1::framework_info::capability::Type::GpuResources];
    cluster.framework_with("f1", framework_info(&["a"], &gpus));
    cluster.agent("a1", "cpus:1;mem:64;gpus:1").expect(&[("f1", "a", "a1", "cpus:1;mem:64;gpus:1")]);
    cluster.framework("f2", &["b"]);
    cluster.agent("a2", "cpus:3;mem:512").expect(&[("f2", "b", "a2", "cpus:3;mem:512")]);
    // All GPUs are with a, but that does not count.
    cluster.agent("a3", "cpus:1;mem:64").expect(&[("f1", "a", "a3", "cpus:1;mem:64")]);
}

#[test]
fn frameworks_of_a_role_share_it() {
    let mut cluster = Cluster::new();
    cluster.framework("f1", &["r"]).framework("f2", &["r"]).framework("f3", &["s"]);
    add_agents(&mut cluster, 8);
    let offers = cluster.offers();
    let of = |id: &str| offers.iter().filter(|(framework, ..)| framework == id).count();
    assert_eq!((of("f1"), of("f2"), of("f3")), (2, 2, 4));
}

#[test]
fn example_reservations_go_to_their_role_and_the_roles_below() {
    let unreserved = "cpus:1;mem:64";
    let a = "cpus(reservations: [(STATIC,a)]):2";
    let ab = "cpus(reservations: [(STATIC,a),(DYNAMIC,a/b)]):4";
    let mut cluster = Cluster::new();
    cluster.framework("f1", &["d"]);
    cluster.agent("a1", &format!("{unreserved};{a};{ab}")).expect(&[("f1", "d", "a1", unreserved)]);
    cluster.framework("f2", &["a/b/c"]).expect(&[("f2", "a/b/c", "a1", &format!("{a};{ab}"))]);
    cluster.recover("f2", "a/b/c", "a1", &resources(&format!("{a};{ab}")), None);
    cluster.apply(Input::RemoveFramework(framework_id("f2")));
    cluster.framework("f3", &["a"]).expect(&[("f3", "a", "a1", a)]);
}

#[test]
fn two_runs_from_one_seed_are_the_same() {
    let run = |seed| {
        let mut cluster = Cluster::with(Options { seed, ..Default::default() });
        for agent in 0..20 {
            cluster.agent(&format!("a{agent}"), "cpus:1;mem:512");
        }
        for framework in ["f1", "f2", "f3"] {
            cluster.allocation.accept(
                Input::AddFramework {
                    id: framework_id(framework),
                    info: framework_info(&["r"], &[]),
                    used: BTreeMap::new(),
                    active: true,
                    suppressed_roles: Default::default(),
                },
                cluster.now,
                &mut cluster.out,
            );
        }
        cluster.allocation.run(cluster.now, &mut cluster.out);
        cluster.out
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn what_is_used_is_not_offered() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]);
    cluster.apply(Input::AddAgent {
        id: agent_id("a1"),
        info: Default::default(),
        capabilities: crate::support::agent_capabilities(&crate::support::MODERN),
        unavailability: None,
        total: resources("cpus:4;mem:1024"),
        used: BTreeMap::from([
            (framework_id("f"), allocated("cpus:1;mem:256", "r")),
            (framework_id("unknown"), allocated("cpus:1", "r")),
        ]),
    });
    cluster.expect(&[("f", "r", "a1", "cpus:2;mem:768")]);
    assert_eq!(cluster.allocation.allocated().to_string(), "cpus:3; mem:1024");
    cluster.apply(Input::RemoveAgent(agent_id("a1")));
    assert!(cluster.allocation.allocated().is_empty() && cluster.allocation.total().is_empty());
    // The master says so afterwards; it must not count twice.
    cluster.recover("f", "r", "a1", &resources("cpus:3;mem:1024"), None);
    assert!(cluster.allocation.allocated().is_empty());
}

#[test]
fn a_removed_framework_frees_its_share_at_once_and_the_agent_when_recovered() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]).agent("a1", "cpus:4;mem:1024");
    assert_eq!(cluster.offers().len(), 1);
    cluster.apply(Input::RemoveFramework(framework_id("f")));
    assert!(cluster.allocation.allocated().is_empty());
    cluster.framework("g", &["s"]).expect(&[]);
    cluster.recover("f", "r", "a1", &resources("cpus:4;mem:1024"), None);
    cluster.tick().expect(&[("g", "s", "a1", "cpus:4;mem:1024")]);
}

#[test]
fn a_framework_can_hold_what_it_got_in_a_role_that_it_left() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]).agent("a1", "cpus:4;mem:1024");
    cluster.offers();
    cluster.apply(Input::UpdateFramework {
        id: framework_id("f"),
        info: framework_info(&["s"], &[]),
        suppressed_roles: Default::default(),
    });
    let roles = |cluster: &Cluster| -> Vec<String> {
        cluster.allocation.roles().map(|role| role.name.to_owned()).collect()
    };
    assert_eq!(roles(&cluster), ["r", "s"]);
    cluster.recover("f", "r", "a1", &resources("cpus:4;mem:1024"), Some(1e6));
    assert_eq!(roles(&cluster), ["s"]);
    cluster.tick().expect(&[("f", "s", "a1", "cpus:4;mem:1024")]);
}
