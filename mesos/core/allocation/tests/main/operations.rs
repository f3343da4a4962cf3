//! Operations on offered and on free resources.

use mesos_allocation::{Input, Output};
use mesos_api::v1::offer::{Operation, operation};
use mesos_resources::{Conversion, Resources};

use crate::support::{Cluster, agent_id, allocated, framework_id, resources};

const RESERVED: &str = "cpus(reservations: [(DYNAMIC,r)]):1";

fn reserve(what: &Resources) -> Operation {
    Operation {
        r#type: Some(operation::Type::Reserve as i32),
        reserve: Some(operation::Reserve { resources: what.to_protos() }),
        ..Default::default()
    }
}

#[test]
fn an_accepted_operation_changes_what_the_framework_has_and_what_the_agent_is() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]).agent("a1", "cpus:2;mem:64");
    cluster.offers();
    cluster.apply(Input::UpdateAllocation {
        framework: framework_id("f"),
        agent: agent_id("a1"),
        offered: allocated("cpus:2;mem:64", "r"),
        conversions: vec![Conversion::new(allocated("cpus:1", "r"), allocated(RESERVED, "r"))],
    });
    cluster.tick().expect(&[]);
    assert_eq!(cluster.allocation.allocated().to_string(), "cpus:2; mem:64");
    let left = format!("cpus:1;mem:64;{RESERVED}");
    cluster.recover("f", "r", "a1", &resources(&left), None).tick().expect(&[("f", "r", "a1", &left)]);
    cluster.recover("f", "r", "a1", &resources(&left), None);
    cluster.apply(Input::RemoveFramework(framework_id("f"))).framework("g", &["s"]);
    cluster.expect(&[("g", "s", "a1", "cpus:1;mem:64")]);
}

#[test]
fn an_operator_changes_what_is_free() {
    let mut cluster = Cluster::new();
    cluster.agent("a1", "cpus:2;mem:64");
    let available = |operations| Input::UpdateAvailable { agent: agent_id("a1"), token: 3, operations };
    cluster.apply(available(vec![reserve(&allocated(RESERVED, "r"))]));
    assert_eq!(cluster.out.pop(), Some(Output::Available { token: 3, result: Ok(()) }));
    cluster.framework("f", &["s"]).expect(&[("f", "s", "a1", "cpus:1;mem:64")]);

    // Nothing unreserved is left.
    cluster.apply(available(vec![reserve(&resources(RESERVED))]));
    let Some(Output::Available { token: 3, result: Err(error) }) = cluster.out.pop() else { panic!() };
    assert_eq!(error.to_string(), "cpus(reservations: [(DYNAMIC,r)]):1 does not contain cpus:1");
    cluster.apply(Input::UpdateAvailable { agent: agent_id("a2"), token: 4, operations: vec![] });
    assert!(matches!(cluster.out.pop(), Some(Output::Available { token: 4, result: Err(_) })));
}

#[test]
fn a_resource_provider_makes_its_agent_bigger() {
    let mut cluster = Cluster::new();
    cluster.framework("f", &["r"]).agent("a1", "cpus:1;mem:64");
    cluster.offers();
    cluster.apply(Input::AddResourceProvider {
        agent: agent_id("a1"),
        total: resources("cpus:3;mem:128"),
        used: [(framework_id("f"), allocated("cpus:1", "r"))].into(),
    });
    cluster.expect(&[]).tick().expect(&[("f", "r", "a1", "cpus:2;mem:128")]);
}
