//! What a framework or an agent must understand to be part of an offer.

use std::collections::BTreeMap;

use mesos_allocation::{Input, Options};
use mesos_api::v1::domain_info::{FaultDomain, fault_domain};
use mesos_api::v1::framework_info::{Capability, capability::Type};
use mesos_api::v1::{AgentInfo, DomainInfo, FrameworkInfo};

use crate::support::{
    AgentCapability, Cluster, MODERN, agent_capabilities, agent_id, framework_info, resources,
};

fn classic(role: &str) -> FrameworkInfo {
    #[allow(deprecated)]
    FrameworkInfo { role: Some(role.to_owned()), ..Default::default() }
}

#[test]
fn check_17_agents_with_gpus_are_kept_for_frameworks_that_use_them() {
    let all = "cpus:2;mem:64;gpus:1";
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]).agent("a1", all).expect(&[]);
    cluster
        .framework_with("g", framework_info(&["s"], &[Type::GpuResources]))
        .expect(&[("g", "s", "a1", all)]);

    let mut cluster = Cluster::with(Options { filter_gpu_resources: false, ..Default::default() });
    cluster.framework("f", &["r"]).agent("a1", all).expect(&[("f", "r", "a1", all)]);
}

fn domain(region: &str) -> DomainInfo {
    DomainInfo {
        fault_domain: Some(FaultDomain {
            region: fault_domain::RegionInfo { name: region.to_owned() },
            zone: fault_domain::ZoneInfo { name: "z".to_owned() },
        }),
    }
}

#[test]
fn check_18_agents_of_another_region_go_to_frameworks_that_know_regions() {
    let mut cluster = Cluster::with(Options { domain: Some(domain("near")), ..Default::default() });
    cluster.framework("f", &["r"]);
    let mut add = |id: &str, domain| {
        cluster.apply(Input::AddAgent {
            id: agent_id(id),
            info: AgentInfo { domain, ..Default::default() },
            capabilities: agent_capabilities(&MODERN),
            unavailability: None,
            total: resources("cpus:1;mem:64"),
            used: BTreeMap::new(),
        });
        cluster.offers().len()
    };
    assert_eq!(add("a1", Some(domain("near"))), 1);
    assert_eq!(add("a2", None), 1);
    assert_eq!(add("a3", Some(domain("far"))), 0);
    cluster.framework_with("g", framework_info(&["s"], &[Type::RegionAware])).expect(&[(
        "g",
        "s",
        "a3",
        "cpus:1;mem:64",
    )]);
}

#[test]
fn agents_without_multi_role_go_to_frameworks_with_one_role() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]).agent_with("a1", "cpus:1;mem:64", &[], None).expect(&[]);
    cluster.framework_with("g", classic("s")).expect(&[("g", "s", "a1", "cpus:1;mem:64")]);
}

#[test]
fn a_framework_without_a_role_is_in_the_default_one() {
    let mut cluster = Cluster::new();
    cluster.framework_with("f", FrameworkInfo::default());
    cluster.agent("a1", "cpus:1;mem:64;disk(x):5").expect(&[("f", "*", "a1", "cpus:1;mem:64")]);
}

#[test]
fn agents_without_hierarchical_roles_are_not_offered_in_one() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r/s"]);
    cluster.agent_with("a1", "cpus:1;mem:64", &[AgentCapability::MultiRole], None).expect(&[]);
    cluster.apply(Input::UpdateAgent {
        id: agent_id("a1"),
        info: AgentInfo { hostname: "a1".to_owned(), ..Default::default() },
        capabilities: Some(agent_capabilities(&MODERN)),
        total: None,
    });
    cluster.expect(&[("f", "r/s", "a1", "cpus:1;mem:64")]);
}

#[test]
fn refined_reservations_go_to_frameworks_that_understand_them() {
    let refined = "cpus(reservations: [(STATIC,a),(DYNAMIC,a/b)]):4;mem(reservations: [(STATIC,a)]):64";
    let mut info = framework_info(&["a/b"], &[]);
    info.capabilities = vec![Capability { r#type: Some(Type::MultiRole as i32) }];
    let mut cluster = Cluster::new();
    cluster.framework_with("f", info);
    cluster.agent("a1", refined).expect(&[("f", "a/b", "a1", "mem(reservations: [(STATIC,a)]):64")]);
    cluster.framework("g", &["a/b"]).expect(&[(
        "g",
        "a/b",
        "a1",
        "cpus(reservations: [(STATIC,a),(DYNAMIC,a/b)]):4",
    )]);
}

#[test]
fn revocable_resources_go_to_frameworks_that_take_them() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]);
    cluster.agent("a1", "cpus:1;mem:64;cpus{REV}:2").expect(&[("f", "r", "a1", "cpus:1;mem:64")]);
    cluster.framework_with("g", framework_info(&["r"], &[Type::RevocableResources])).expect(&[(
        "g",
        "r",
        "a1",
        "cpus{REV}:2",
    )]);
}

const VOLUME: &str = r#"[
    {"name":"cpus","type":"SCALAR","scalar":{"value":1}},
    {"name":"mem","type":"SCALAR","scalar":{"value":64}},
    {"name":"disk","type":"SCALAR","scalar":{"value":10},"shared":{},
     "reservations":[{"type":"DYNAMIC","role":"r"}],"disk":{"persistence":{"id":"v"}}}]"#;

#[test]
fn check_20_a_shared_volume_in_use_is_offered_again_once_a_run() {
    let all = resources(VOLUME);
    let rest = all.non_shared();
    let mut cluster = Cluster::with(Options { min_allocatable_resources: vec![], ..Default::default() });
    cluster.framework("old", &["r"]);
    for framework in ["f", "g"] {
        cluster.framework_with(framework, framework_info(&["r"], &[Type::SharedResources]));
    }
    cluster.agent("a1", VOLUME);
    let offers = cluster.offers();
    let seen: Vec<_> = offers.iter().map(|(id, _, _, what)| (id.as_str(), what.clone())).collect();
    // The framework without the capability came first by name or share; the volume is still there for one other.
    assert_eq!(seen.len(), 2 - usize::from(seen[0].1 == all));
    assert_eq!(seen.iter().filter(|(_, what)| !what.shared().is_empty()).count(), 1);
    assert!(seen.iter().all(|(id, what)| *id != "old" || what == &rest));
    assert_eq!(cluster.allocation.allocated().get("disk").as_f64(), 10.0);

    cluster.tick();
    let again = cluster.offers();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].3, all.shared());
    assert_ne!(again[0].0, "old");
    assert_eq!(cluster.allocation.allocated().get("disk").as_f64(), 10.0);

    for (framework, role, agent, what) in offers.iter().chain(&again) {
        cluster.recover(framework, role, agent, what, None);
    }
    assert!(cluster.allocation.allocated().is_empty());
}
