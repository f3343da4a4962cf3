use std::collections::BTreeMap;

use mesos_api::internal;
use mesos_api::internal::registry::Slave;
use mesos_api::v1::machine_info::Mode;
use mesos_api::v1::maintenance::{Schedule, Window};
use mesos_api::v1::quota::QuotaInfo;
use mesos_api::v1::{AgentId, AgentInfo, MachineId, MasterInfo, WeightInfo};
use proptest::prelude::*;
use stout::Time;

use crate::{Operation, OperationError, Registry};

fn id(name: &str) -> AgentId {
    AgentId { value: name.to_owned() }
}

fn agent(name: &str) -> Box<AgentInfo> {
    Box::new(AgentInfo { hostname: format!("host-of-{name}"), id: Some(id(name)), ..Default::default() })
}

fn unreachable(name: &str, secs: i64) -> Operation {
    Operation::MarkUnreachable { id: id(name), at: Time::from_nanos(secs * 1_000_000_000) }
}

fn gone(name: &str) -> Operation {
    Operation::MarkGone { id: id(name), at: Time::EPOCH }
}

/// A registry after operations that all change it.
fn registry(operations: impl IntoIterator<Item = Operation>) -> Registry {
    let mut registry = Registry::new();
    for operation in operations {
        assert_eq!(registry.apply(operation.clone()), Ok(true), "{operation:?}");
    }
    registry
}

/// The error of an operation that must not change anything.
fn refused(registry: &mut Registry, operation: Operation) -> OperationError {
    let before = registry.to_proto();
    let error = registry.apply(operation).expect_err("the operation does not fit");
    assert_eq!(registry.to_proto(), before);
    error
}

#[test]
fn an_agent_is_admitted_once() {
    let mut registry = registry([Operation::AdmitAgent(agent("a"))]);
    let again = refused(&mut registry, Operation::AdmitAgent(agent("a")));
    assert_eq!(again, OperationError::AlreadyAdmitted(id("a")));
    let nameless = refused(&mut registry, Operation::AdmitAgent(Box::default()));
    assert!(matches!(nameless, OperationError::MissingId(_)));
}

#[test]
fn an_update_that_says_the_same_is_no_change() {
    let mut registry = registry([Operation::AdmitAgent(agent("a"))]);
    assert_eq!(registry.apply(Operation::UpdateAgent(agent("a"))), Ok(false));
    let mut other = agent("a");
    other.hostname = "other".to_owned();
    assert_eq!(registry.apply(Operation::UpdateAgent(other.clone())), Ok(true));
    assert_eq!(registry.to_proto().slaves.unwrap().slaves, [Slave { info: *other }]);
    assert_eq!(
        refused(&mut registry, Operation::UpdateAgent(agent("b"))),
        OperationError::NotAdmitted(id("b"))
    );
}

#[test]
fn resources_are_stored_as_older_masters_read_them() {
    let resources = mesos_resources::Resources::parse("cpus(role):2;mem:512", "*").unwrap();
    let mut info = agent("a");
    info.resources = resources.to_protos();
    let mut registry = registry([Operation::AdmitAgent(info.clone())]);
    let stored = registry.to_proto().slaves.unwrap().slaves.remove(0).info;
    assert!(stored.resources.iter().all(|resource| resource.reservations.is_empty()));
    let upgraded = registry.to_upgraded_proto().slaves.unwrap().slaves.remove(0).info;
    assert_eq!(upgraded.resources, info.resources);
    assert_eq!(registry.apply(Operation::UpdateAgent(info)), Ok(false));
}

#[test]
fn only_an_admitted_agent_becomes_unreachable_and_the_oldest_loss_is_first() {
    let names = ["c", "a", "b"];
    let mut registry = registry(names.map(|name| Operation::AdmitAgent(agent(name))));
    for (secs, name) in names.into_iter().enumerate() {
        assert_eq!(registry.apply(unreachable(name, secs as i64)), Ok(true));
    }
    assert_eq!(refused(&mut registry, unreachable("a", 9)), OperationError::NotAdmitted(id("a")));
    assert_eq!(registry.apply(Operation::MarkReachable(agent("a"))), Ok(true));
    let lost = registry.to_proto().unreachable.unwrap().slaves;
    let lost: Vec<_> =
        lost.iter().map(|agent| (agent.id.value.as_str(), agent.timestamp.nanoseconds)).collect();
    assert_eq!(lost, [("c", 0), ("b", 2_000_000_000)]);
}

#[test]
fn an_unknown_agent_may_come_back() {
    let mut registry = registry([Operation::MarkReachable(agent("a"))]);
    assert!(registry.is_admitted(&id("a")));
    assert_eq!(registry.apply(Operation::MarkReachable(agent("a"))), Ok(false));
}

#[test]
fn an_agent_is_gone_from_either_list_and_only_once() {
    let mut registry = registry([
        Operation::AdmitAgent(agent("a")),
        Operation::AdmitAgent(agent("b")),
        unreachable("b", 1),
        gone("a"),
        gone("b"),
    ]);
    assert!(!registry.is_admitted(&id("a")) && !registry.is_unreachable(&id("b")));
    assert_eq!(refused(&mut registry, gone("a")), OperationError::AlreadyGone(id("a")));
    assert_eq!(refused(&mut registry, gone("c")), OperationError::Unknown(id("c")));
}

#[test]
fn pruning_forgets_and_skips_who_is_no_longer_there() {
    let mut registry = registry([
        Operation::AdmitAgent(agent("a")),
        unreachable("a", 1),
        Operation::AdmitAgent(agent("b")),
        gone("b"),
    ]);
    let prune = |unreachable: &str, gone: &str| Operation::Prune {
        unreachable: vec![id(unreachable)],
        gone: vec![id(gone)],
    };
    assert_eq!(registry.apply(prune("b", "a")), Ok(false));
    assert_eq!(registry.apply(prune("a", "a")), Ok(true));
    assert_eq!(registry.apply(prune("a", "b")), Ok(true));
    assert_eq!(
        registry.to_proto(),
        internal::Registry { slaves: Some(Default::default()), ..Default::default() }
    );
}

#[test]
fn quotas_and_weights_are_one_a_role() {
    let quota = |principal: &str| {
        let (role, principal) = (Some("r".to_owned()), Some(principal.to_owned()));
        Operation::UpdateQuota(QuotaInfo { role, principal, ..Default::default() })
    };
    let weights = |list: &[(&str, f64)]| {
        let info =
            |(role, weight): &(&str, f64)| WeightInfo { role: Some((*role).to_owned()), weight: *weight };
        Operation::UpdateWeights(list.iter().map(info).collect())
    };
    let mut registry =
        registry([quota("p"), quota("q"), weights(&[("a", 1.0), ("b", 2.0)]), weights(&[("b", 3.0)])]);
    assert_eq!(registry.apply(quota("q")), Ok(false));
    assert_eq!(registry.apply(weights(&[("a", 1.0)])), Ok(false));
    assert_eq!(registry.apply(weights(&[("a", 9.0), ("a", 1.0)])), Ok(false), "the last one counts");
    let contents = registry.to_proto();
    assert_eq!((contents.quotas.len(), contents.weights.len()), (1, 2));
    assert_eq!(contents.weights[1].info.weight, 3.0);
    assert_eq!(registry.apply(Operation::RemoveQuota("r".to_owned())), Ok(true));
    assert_eq!(registry.apply(Operation::RemoveQuota("r".to_owned())), Ok(false));
}

fn machine(hostname: &str) -> MachineId {
    MachineId { hostname: Some(hostname.to_owned()), ip: None }
}

fn schedule(windows: &[&[&str]]) -> Operation {
    let window = |names: &&[&str]| Window {
        machine_ids: names.iter().map(|name| machine(name)).collect(),
        ..Default::default()
    };
    Operation::UpdateSchedule(Schedule { windows: windows.iter().map(window).collect() })
}

fn modes(registry: &Registry) -> Vec<(String, Mode)> {
    let machines = registry.to_proto().machines.unwrap_or_default().machines;
    machines.into_iter().map(|machine| (machine.info.id.hostname().to_owned(), machine.info.mode())).collect()
}

#[test]
fn scheduled_machines_drain_go_down_and_come_up() {
    let mut registry =
        registry([schedule(&[&["a", "b"], &["c"]]), Operation::StartMaintenance(vec![machine("A")])]);
    let mode = |name: &str, mode| (name.to_owned(), mode);
    assert_eq!(
        modes(&registry),
        [mode("a", Mode::Down), mode("b", Mode::Draining), mode("c", Mode::Draining)]
    );

    assert_eq!(registry.apply(schedule(&[&["d", "a"]])), Ok(true));
    assert_eq!(modes(&registry), [mode("a", Mode::Down), mode("d", Mode::Draining)]);

    assert_eq!(registry.apply(Operation::StartMaintenance(vec![machine("x"), machine("a")])), Ok(false));
    assert_eq!(registry.apply(Operation::StopMaintenance(vec![machine("a")])), Ok(true));
    assert_eq!(registry.to_proto().schedules[0].windows[0].machine_ids, [machine("d")]);
    assert_eq!(registry.apply(Operation::StopMaintenance(vec![machine("d")])), Ok(true));
    assert_eq!(registry.apply(Operation::StopMaintenance(vec![machine("d")])), Ok(false));
    assert!(registry.to_proto().schedules.is_empty());
}

#[test]
fn a_new_master_is_always_a_change() {
    let info = Box::new(MasterInfo { id: "m".to_owned(), ..Default::default() });
    let registry = registry([Operation::SetMaster(info.clone()), Operation::SetMaster(info.clone())]);
    assert_eq!(registry.master(), Some(&*info));
}

#[test]
fn broken_contents_are_refused() {
    let twice =
        internal::registry::Slaves { slaves: vec![Slave { info: *agent("a") }, Slave { info: *agent("a") }] };
    assert!(Registry::from_proto(internal::Registry { slaves: Some(twice), ..Default::default() }).is_err());
    let nameless = internal::registry::Slaves { slaves: vec![Slave::default()] };
    assert!(
        Registry::from_proto(internal::Registry { slaves: Some(nameless), ..Default::default() }).is_err()
    );
    assert!(Registry::decode(b"\xff").is_err());
    assert_eq!(Registry::decode(b"").unwrap().to_proto(), internal::Registry::default());
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Admitted,
    Unreachable,
    Gone,
}

fn agent_operation() -> impl Strategy<Value = Operation> {
    (0usize..6, 0usize..7).prop_map(|(name, operation)| {
        let name = ["a", "b", "c", "d", "e", "f"][name];
        match operation {
            0 => Operation::AdmitAgent(agent(name)),
            1 => Operation::UpdateAgent(agent(name)),
            2 => unreachable(name, 1),
            3 => Operation::MarkReachable(agent(name)),
            4 => Operation::RemoveAgent(id(name)),
            5 => gone(name),
            _ => Operation::Prune { unreachable: vec![id(name)], gone: vec![id(name)] },
        }
    })
}

/// What each agent may become; a gone one may return only by an admission that the caller refuses.
fn expect(states: &mut BTreeMap<AgentId, Vec<State>>, operation: &Operation) -> Option<bool> {
    let (Operation::AdmitAgent(info) | Operation::UpdateAgent(info) | Operation::MarkReachable(info)) =
        operation
    else {
        return match operation {
            Operation::MarkUnreachable { id, .. } => {
                swap(states, id, &[State::Admitted], Some(State::Unreachable))
            }
            Operation::RemoveAgent(id) => swap(states, id, &[State::Admitted], None),
            Operation::MarkGone { id, .. } => {
                let is_gone = states.get(id).is_some_and(|states| states.contains(&State::Gone));
                if is_gone {
                    return None;
                }
                swap(states, id, &[State::Admitted], Some(State::Gone))
                    .or_else(|| swap(states, id, &[State::Unreachable], Some(State::Gone)))
            }
            Operation::Prune { gone, .. } => {
                let list = states.entry(gone[0].clone()).or_default();
                let count = list.len();
                list.retain(|state| *state == State::Admitted);
                Some(list.len() != count)
            }
            _ => unreachable!("only operations on agents are made"),
        };
    };
    let list = states.entry(info.id.clone()?).or_default();
    let admitted = list.contains(&State::Admitted);
    match operation {
        Operation::UpdateAgent(_) => admitted.then_some(false),
        Operation::AdmitAgent(_) if admitted => None,
        Operation::MarkReachable(_) if admitted => Some(false),
        _ => {
            if matches!(operation, Operation::MarkReachable(_)) {
                list.retain(|state| *state != State::Unreachable);
            }
            list.push(State::Admitted);
            Some(true)
        }
    }
}

fn swap(
    states: &mut BTreeMap<AgentId, Vec<State>>,
    id: &AgentId,
    from: &[State],
    to: Option<State>,
) -> Option<bool> {
    let list = states.entry(id.clone()).or_default();
    let position = list.iter().position(|state| from.contains(state))?;
    list.remove(position);
    list.retain(|state| Some(*state) != to);
    list.extend(to);
    Some(true)
}

proptest! {
    /// Any sequence of operations behaves as on a plain map, and survives being stored.
    #[test]
    fn agents_are_where_a_plain_map_has_them(operations in prop::collection::vec(agent_operation(), 0..60)) {
        let mut registry = Registry::new();
        let mut states = BTreeMap::new();
        for operation in operations {
            let expected = expect(&mut states, &operation);
            prop_assert_eq!(registry.apply(operation.clone()).ok(), expected, "{:?}", operation);
            registry = Registry::decode(&registry.encode()).unwrap();
            for (id, states) in &states {
                prop_assert_eq!(registry.is_admitted(id), states.contains(&State::Admitted));
                prop_assert_eq!(registry.is_unreachable(id), states.contains(&State::Unreachable));
                prop_assert_eq!(registry.is_gone(id), states.contains(&State::Gone));
            }
        }
    }
}
