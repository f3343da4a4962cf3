//! Whatever happens, nothing is given twice and nothing is lost.

use std::collections::{BTreeMap, BTreeSet};

use mesos_allocation::{Input, Options};
use mesos_resources::{Quantities, Resources};
use proptest::prelude::*;

use crate::support::{Cluster, Offer, agent_id, framework_id, quantities, resources};

const ROLES: [&str; 5] = ["a", "a/b", "a/c", "q", "n"];
const TOTALS: [&str; 4] = [
    "cpus:4;mem:1024",
    "cpus:2;mem:2048;ports:[31000-31009]",
    "cpus:1;mem:512;cpus(reservations: [(STATIC,a)]):2;mem(reservations: [(STATIC,q)]):512",
    "cpus:3;mem:64;cpus{REV}:2;disk(reservations: [(STATIC,a),(DYNAMIC,a/b)]):100",
];

#[derive(Clone, Debug)]
enum Step {
    AddFramework(u8, Vec<usize>),
    RemoveFramework(u8),
    Activate(u8, bool),
    UpdateRoles(u8, Vec<usize>),
    AddAgent(u8, usize),
    RemoveAgent(u8),
    /// Gives back the offer at this place, or only its processors, with a refusal of so many seconds.
    GiveBack(prop::sample::Index, bool, Option<u8>),
    Suppress(u8, bool),
    Quota(bool),
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let framework = 0u8..4;
    let agent = 0u8..5;
    let roles = || proptest::sample::subsequence((0..ROLES.len()).collect::<Vec<_>>(), 1..3);
    prop_oneof![
        3 => (framework.clone(), roles()).prop_map(|(id, roles)| Step::AddFramework(id, roles)),
        1 => framework.clone().prop_map(Step::RemoveFramework),
        1 => (framework.clone(), any::<bool>()).prop_map(|(id, active)| Step::Activate(id, active)),
        1 => (framework.clone(), roles()).prop_map(|(id, roles)| Step::UpdateRoles(id, roles)),
        3 => (agent.clone(), 0..TOTALS.len()).prop_map(|(id, total)| Step::AddAgent(id, total)),
        1 => agent.prop_map(Step::RemoveAgent),
        6 => (any::<prop::sample::Index>(), any::<bool>(), proptest::option::of(0u8..9))
            .prop_map(|(at, part, seconds)| Step::GiveBack(at, part, seconds)),
        1 => (framework, any::<bool>()).prop_map(|(id, suppress)| Step::Suppress(id, suppress)),
        1 => any::<bool>().prop_map(Step::Quota),
        3 => Just(Step::Tick),
    ]
}

/// What a master would know.
struct Model {
    cluster: Cluster,
    frameworks: BTreeMap<String, Vec<&'static str>>,
    agents: BTreeMap<String, Resources>,
    held: Vec<Offer>,
}

impl Model {
    fn new() -> Self {
        let options = Options { seed: 3, ..Default::default() };
        Self {
            cluster: Cluster::with(options),
            frameworks: BTreeMap::new(),
            agents: BTreeMap::new(),
            held: vec![],
        }
    }

    fn take(&mut self, step: Step) {
        let (framework, agent) = (|id: u8| format!("f{id}"), |id: u8| format!("a{id}"));
        let named = |roles: Vec<usize>| roles.into_iter().map(|role| ROLES[role]).collect::<Vec<_>>();
        let cluster = &mut self.cluster;
        match step {
            Step::AddFramework(id, roles) if !self.frameworks.contains_key(&framework(id)) => {
                let roles = named(roles);
                cluster.framework(&framework(id), &roles);
                self.frameworks.insert(framework(id), roles);
            }
            Step::UpdateRoles(id, roles) if self.frameworks.contains_key(&framework(id)) => {
                let roles = named(roles);
                cluster.apply(Input::UpdateFramework {
                    id: framework_id(&framework(id)),
                    info: crate::support::framework_info(&roles, &[]),
                    suppressed_roles: BTreeSet::new(),
                });
                self.frameworks.insert(framework(id), roles);
            }
            Step::RemoveFramework(id) if self.frameworks.remove(&framework(id)).is_some() => {
                cluster.apply(Input::RemoveFramework(framework_id(&framework(id))));
                for (_, role, agent, what) in self.held.extract_if(.., |offer| offer.0 == framework(id)) {
                    cluster.recover(&framework(id), &role, &agent, &what, None);
                }
            }
            Step::Activate(id, true) => {
                cluster.apply(Input::ActivateFramework(framework_id(&framework(id))));
            }
            Step::Activate(id, false) => {
                cluster.apply(Input::DeactivateFramework(framework_id(&framework(id))));
            }
            Step::AddAgent(id, total) if !self.agents.contains_key(&agent(id)) => {
                cluster.agent(&agent(id), TOTALS[total]);
                self.agents.insert(agent(id), resources(TOTALS[total]));
            }
            Step::RemoveAgent(id) if self.agents.remove(&agent(id)).is_some() => {
                cluster.apply(Input::RemoveAgent(agent_id(&agent(id))));
                for (framework, role, agent, what) in self.held.extract_if(.., |offer| offer.2 == agent(id)) {
                    cluster.recover(&framework, &role, &agent, &what, Some(5.0));
                }
            }
            Step::GiveBack(at, part, seconds) if !self.held.is_empty() => {
                let at = at.index(self.held.len());
                let (framework, role, agent, what) = self.held[at].clone();
                let back = if part { what.named("cpus") } else { what };
                cluster.recover(&framework, &role, &agent, &back, seconds.map(f64::from));
                self.held[at].3 -= back;
                self.held.retain(|offer| !offer.3.is_empty());
            }
            Step::Suppress(id, true) => {
                cluster.apply(Input::Suppress {
                    framework: framework_id(&framework(id)),
                    roles: BTreeSet::new(),
                });
            }
            Step::Suppress(id, false) => {
                cluster
                    .apply(Input::Revive { framework: framework_id(&framework(id)), roles: BTreeSet::new() });
            }
            Step::Quota(true) => {
                cluster.quota("q", "cpus:3;mem:1000");
            }
            Step::Quota(false) => {
                cluster.apply(Input::RemoveQuota("q".to_owned()));
            }
            Step::Tick => {
                cluster.tick();
            }
            _ => {}
        }
        let offers = self.cluster.offers();
        for (framework, role, agent, what) in &offers {
            assert!(self.frameworks[framework].contains(&role.as_str()), "{framework} left {role}");
            assert!(self.agents.contains_key(agent) && !what.is_empty());
            assert!(what.reservable_to(role) == *what, "{what} is not for {role}");
        }
        self.held.extend(offers);
    }

    fn check(&self) {
        let mut allocated = Quantities::new();
        for (id, total) in &self.agents {
            let held: Resources = self.held.iter().filter(|offer| offer.2 == *id).map(|offer| &offer.3).sum();
            assert!(total.contains(&held), "{id} has {total}, given are {held}");
            allocated += &held.quantities();
        }
        assert_eq!(*self.cluster.allocation.allocated(), allocated);
        let total: Resources = self.agents.values().sum();
        assert_eq!(*self.cluster.allocation.total(), total.quantities());
        let firm_of_q: Resources =
            self.held.iter().filter(|offer| offer.1 == "q").map(|offer| &offer.3).sum();
        if let Some((_, guarantee, has)) = self.cluster.allocation.quotas().next() {
            assert_eq!(has, firm_of_q.quantities());
            assert_eq!(guarantee.guarantee, quantities("cpus:3;mem:1000"));
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_given_twice_or_lost(steps in proptest::collection::vec(step(), 1..80)) {
        let mut model = Model::new();
        for step in steps {
            model.take(step);
            model.check();
        }
        while !model.held.is_empty() {
            let (framework, role, agent, what) = model.held.remove(0);
            model.cluster.recover(&framework, &role, &agent, &what, None);
        }
        prop_assert!(model.cluster.allocation.allocated().is_empty());
        for id in model.frameworks.keys() {
            model.cluster.apply(Input::RemoveFramework(framework_id(id)));
        }
        prop_assert_eq!(model.cluster.allocation.roles().count(), 0);
    }
}
