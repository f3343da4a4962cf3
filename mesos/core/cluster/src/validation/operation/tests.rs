use std::sync::Arc;

use mesos_api::v1::resource::disk_info::Persistence;
use mesos_api::v1::resource::reservation_info::Type as ReservationType;
use mesos_api::v1::resource::{DiskInfo, ReservationInfo};
use mesos_api::v1::volume::Mode;
use mesos_api::v1::{FrameworkInfo, Resource as Proto, TaskInfo, Volume};

use super::*;
use crate::testing::{agent, framework, resources};

const ALL: AgentCapabilities = AgentCapabilities {
    multi_role: true,
    hierarchical_role: true,
    reservation_refinement: true,
    resource_provider: false,
};

fn reservation(role: &str, principal: Option<&str>) -> ReservationInfo {
    ReservationInfo {
        r#type: Some(ReservationType::Dynamic as i32),
        role: Some(role.into()),
        principal: principal.map(Into::into),
        labels: None,
    }
}

/// cpus allocated to "web" and reserved for a role.
fn reserved(role: &str, principal: Option<&str>) -> Vec<Proto> {
    resources("cpus:1").push_reservation(&reservation(role, principal)).to_protos()
}

fn volume(id: &str, principal: Option<&str>) -> Proto {
    let mut proto =
        resources("disk:10").push_reservation(&reservation("web", Some("p"))).to_protos().remove(0);
    proto.disk = Some(DiskInfo {
        persistence: Some(Persistence { id: id.into(), principal: principal.map(Into::into) }),
        volume: Some(Volume { mode: Mode::Rw as i32, container_path: "v".into(), ..Volume::default() }),
        source: None,
    });
    proto
}

fn of_p() -> Framework {
    let mut framework = framework("f");
    framework.info = Arc::new(FrameworkInfo { principal: Some("p".into()), ..(*framework.info).clone() });
    framework
}

fn expect(verdict: Verdict, error: Option<&str>) {
    match (verdict, error) {
        (Ok(()), None) => {}
        (Err(found), Some(expected)) if found.contains(expected) => {}
        (found, expected) => panic!("{found:?} instead of {expected:?}"),
    }
}

#[test]
fn rules_for_reserve() {
    let framework = of_p();
    let check = |resources: Vec<Proto>, error: Option<&str>| {
        expect(reserve(&Reserve { resources }, Author::Framework(&framework), ALL), error);
    };
    check(reserved("web", Some("p")), None);
    check(resources("cpus:1").to_protos(), Some("is not dynamically reserved"));
    check(vec![], Some("Invalid resources"));
    check(reserved("web", None), Some("with no principal set"));
    check(reserved("web", Some("q")), Some("does not match a reserved resource"));
    check(reserved("ops", Some("p")), Some("but the resource was allocated to role 'web'"));
    check(vec![volume("v", Some("p"))], Some("must already be reserved"));
    let mut unallocated = reserved("web", Some("p"));
    unallocated[0].allocation_info = None;
    check(unallocated, Some("on unallocated resource"));
}

#[test]
fn framework_without_principal_may_name_none() {
    let framework = framework("f");
    let verdict = |principal| {
        let reserve = Reserve { resources: reserved("web", principal) };
        super::reserve(&reserve, Author::Framework(&framework), ALL)
    };
    expect(verdict(None), None);
    expect(verdict(Some("p")), None);
}

#[test]
fn reserve_for_a_role_that_the_framework_left_is_refused() {
    let mut framework = of_p();
    framework.roles = BTreeSet::from(["ops".to_owned()]);
    let reserve = Reserve { resources: reserved("web", Some("p")) };
    expect(
        super::reserve(&reserve, Author::Framework(&framework), ALL),
        Some("but the framework only has roles '{ ops }'"),
    );
}

#[test]
fn old_agents_know_neither_hierarchies_nor_refinement() {
    let mut nested = resources("cpus:1");
    nested.allocate("web/a");
    let once = nested.push_reservation(&reservation("web/a", Some("p")));
    let twice = nested
        .push_reservation(&reservation("web", Some("p")))
        .push_reservation(&reservation("web/a", Some("p")));
    let check = |resources: &Resources, agent: AgentCapabilities, error: Option<&str>| {
        let mut unallocated = resources.clone();
        unallocated.unallocate();
        let reserve = Reserve { resources: unallocated.to_protos() };
        expect(super::reserve(&reserve, Author::Operator(Some("p")), agent), error);
    };
    check(&once, ALL, None);
    check(&twice, ALL, None);
    let flat = AgentCapabilities { hierarchical_role: false, ..ALL };
    check(&once, flat, Some("without HIERARCHICAL_ROLE"));
    let simple = AgentCapabilities { reservation_refinement: false, ..ALL };
    check(&twice, simple, Some("without RESERVATION_REFINEMENT"));
}

#[test]
fn operators_reserve_what_is_not_allocated() {
    let allocated = Reserve { resources: reserved("web", Some("p")) };
    expect(reserve(&allocated, Author::Operator(Some("p")), ALL), Some("with an allocated resource"));
}

#[test]
fn rules_for_unreserve() {
    let check = |resources: Vec<Proto>, error: Option<&str>| {
        expect(unreserve(&Unreserve { resources }), error);
    };
    check(reserved("web", Some("p")), None);
    check(resources("cpus:1").to_protos(), Some("is not dynamically reserved"));
    check(vec![volume("v", None)], Some("cannot be unreserved directly"));
}

#[test]
fn rules_for_create() {
    let framework = of_p();
    let agent = agent("a");
    let check = |volumes: Vec<Proto>, error: Option<&str>| {
        expect(create(&Create { volumes }, Author::Framework(&framework), &agent), error);
    };
    check(vec![volume("v", Some("p"))], None);
    check(reserved("web", Some("p")), Some("Not a persistent volume"));
    check(vec![volume("v", Some("p")), volume("v", Some("p"))], Some("is not unique"));
    check(vec![volume("v", None)], Some("no principal set in 'disk.persistence'"));
    check(vec![volume("v", Some("q"))], Some("does not match a volume"));
    let mut shared = volume("v", Some("p"));
    shared.shared = Some(Default::default());
    check(vec![shared], Some("with no SHARED_RESOURCES capability"));
    let mut read_only = volume("v", Some("p"));
    read_only.disk.as_mut().unwrap().volume.as_mut().unwrap().mode = Mode::Ro as i32;
    check(vec![read_only], Some("Read-only persistent volume"));
}

#[test]
fn ids_of_volumes_are_unique_on_the_agent() {
    let mut agent = agent("a");
    let mut existing = Resources::from_protos([volume("v", Some("p"))]).unwrap();
    existing.unallocate();
    agent.checkpointed = existing;
    let create = Create { volumes: vec![volume("v", Some("p"))] };
    expect(super::create(&create, Author::Framework(&of_p()), &agent), Some("is not unique"));
}

#[test]
fn rules_for_destroy() {
    let mut agent = agent("a");
    let destroy = Destroy { volumes: vec![volume("v", Some("p"))] };
    expect(super::destroy(&destroy, &agent), Some("Persistent volumes not found"));

    let allocated = Resources::from_protos([volume("v", Some("p"))]).unwrap();
    let mut existing = allocated.clone();
    existing.unallocate();
    agent.checkpointed = existing;
    expect(super::destroy(&destroy, &agent), None);

    let task = TaskInfo { resources: allocated.to_protos(), ..TaskInfo::default() };
    agent.pending_tasks.entry("g".into()).or_default().insert("t".into(), Arc::new(task));
    expect(super::destroy(&destroy, &agent), Some("Persistent volume in pending tasks"));
    agent.pending_tasks.clear();

    agent.used.insert("g".into(), allocated);
    expect(super::destroy(&destroy, &agent), Some("Persistent volumes in use"));
}
