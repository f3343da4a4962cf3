//! The allocation beside one that computes everything anew, and what must hold whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mesos_allocation::{Input, Options, Quota};
use mesos_api::v1::WeightInfo;
use mesos_api::v1::framework_info::capability::Type;
use mesos_resources::{Name, Quantities, Scalar};
use proptest::prelude::*;

use crate::naive::{Framework, Naive};
use crate::support::{Cluster, Offer, agent_id, framework_id, framework_info, quantities, resources};

const ROLES: [&str; 6] = ["a", "a/b", "a/b/c", "n", "q", "r"];
const TOTALS: [&str; 7] = [
    "cpus:4;mem:1024",
    "cpus:2;mem:2048;ports:[31000-31009]",
    "cpus:1;mem:512;cpus(reservations: [(STATIC,a)]):2;mem(reservations: [(STATIC,q)]):512",
    "cpus:3;mem:64;cpus{REV}:2;disk(reservations: [(STATIC,a),(DYNAMIC,a/b)]):100",
    "cpus:8;mem:4096;disk:500",
    "cpus:2;mem:640;gpus:1",
    "cpus(reservations: [(STATIC,q)]):3;mem(reservations: [(STATIC,q)]):2000;mem{REV}:100",
];
const AMOUNTS: [&str; 5] =
    ["cpus:3;mem:1000", "cpus:2", "mem:700;disk:100", "cpus:0.5;mem:200", "cpus:30;mem:9000"];

#[derive(Clone, Debug)]
enum Step {
    AddFramework(u8, Vec<usize>, bool, bool),
    RemoveFramework(u8),
    Activate(u8, bool),
    AddAgent(u8, usize),
    RemoveAgent(u8),
    /// Gives back the offer at this place, or only its processors, with a refusal of so many seconds.
    GiveBack(prop::sample::Index, bool, Option<u8>),
    Suppress(u8, usize, bool),
    /// The guarantee and the limits of a role.
    Quota(usize, usize, Option<usize>),
    RemoveQuota(usize),
    Weight(usize, u8),
    /// A run over one agent.
    Look(u8),
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let (framework, agent, role) = (0u8..4, 0u8..5, 0..ROLES.len());
    let roles = proptest::sample::subsequence((0..ROLES.len()).collect::<Vec<_>>(), 1..3);
    prop_oneof![
        4 => (framework.clone(), roles, any::<bool>(), any::<bool>())
            .prop_map(|(id, roles, revocable, gpus)| Step::AddFramework(id, roles, revocable, gpus)),
        1 => framework.clone().prop_map(Step::RemoveFramework),
        1 => (framework.clone(), any::<bool>()).prop_map(|(id, active)| Step::Activate(id, active)),
        5 => (agent.clone(), 0..TOTALS.len()).prop_map(|(id, total)| Step::AddAgent(id, total)),
        1 => agent.clone().prop_map(Step::RemoveAgent),
        8 => (any::<prop::sample::Index>(), any::<bool>(), proptest::option::of(0u8..9))
            .prop_map(|(at, part, seconds)| Step::GiveBack(at, part, seconds)),
        1 => (framework, role.clone(), any::<bool>())
            .prop_map(|(id, role, suppress)| Step::Suppress(id, role, suppress)),
        3 => (role.clone(), 0..AMOUNTS.len(), proptest::option::of(0..AMOUNTS.len()))
            .prop_map(|(role, guarantee, limits)| Step::Quota(role, guarantee, limits)),
        1 => role.clone().prop_map(Step::RemoveQuota),
        1 => (role, 1u8..4).prop_map(|(role, weight)| Step::Weight(role, weight)),
        2 => agent.prop_map(Step::Look),
        5 => Just(Step::Tick),
    ]
}

struct Both {
    fast: Cluster,
    naive: Naive,
}

impl Both {
    fn new() -> Self {
        let mut fast = Cluster::with(Options { seed: 3, ..Default::default() });
        fast.allocation.be_orderly();
        Self { fast, naive: Naive::default() }
    }

    fn take(&mut self, step: Step) {
        let (framework, agent) = (|id: u8| format!("f{id}"), |id: u8| format!("a{id}"));
        let now = self.fast.now;
        match step {
            Step::AddFramework(id, roles, revocable, gpus)
                if !self.naive.frameworks.contains_key(&framework(id)) =>
            {
                let roles: Vec<_> = roles.into_iter().map(|role| ROLES[role]).collect();
                let able = [(revocable, Type::RevocableResources), (gpus, Type::GpuResources)];
                let able: Vec<_> = able.into_iter().filter(|(able, _)| *able).map(|(_, kind)| kind).collect();
                self.fast.framework_with(&framework(id), framework_info(&roles, &able));
                let roles = roles.into_iter().map(str::to_owned).collect();
                let row = Framework { roles, suppressed: BTreeSet::new(), active: true, revocable, gpus };
                self.naive.frameworks.insert(framework(id), row);
                self.check_run(None, false);
            }
            Step::RemoveFramework(id) if self.naive.frameworks.contains_key(&framework(id)) => {
                let held: Vec<_> =
                    self.naive.held.iter().filter(|offer| offer.0 == framework(id)).cloned().collect();
                self.fast.apply(Input::RemoveFramework(framework_id(&framework(id))));
                for (framework, role, agent, what) in held {
                    self.fast.recover(&framework, &role, &agent, &what, None);
                }
                self.naive.remove_framework(&framework(id));
            }
            Step::Activate(id, active) if self.naive.frameworks.contains_key(&framework(id)) => {
                self.naive.frameworks.get_mut(&framework(id)).unwrap().active = active;
                let id = framework(id);
                if active {
                    self.fast.apply(Input::ActivateFramework(framework_id(&id)));
                    self.check_run(None, false);
                } else {
                    self.fast.apply(Input::DeactivateFramework(framework_id(&id)));
                    self.naive.drop_filters(&id);
                }
            }
            Step::AddAgent(id, total) if !self.naive.agents.contains_key(&agent(id)) => {
                self.fast.agent(&agent(id), TOTALS[total]);
                self.naive.add_agent(&agent(id), resources(TOTALS[total]));
                self.check_run(Some(agent(id)), false);
            }
            Step::RemoveAgent(id) if self.naive.agents.contains_key(&agent(id)) => {
                self.fast.apply(Input::RemoveAgent(agent_id(&agent(id))));
                self.naive.remove_agent(&agent(id));
            }
            Step::GiveBack(at, part, seconds) if !self.naive.held.is_empty() => {
                let (framework, role, agent, what) = self.naive.held[at.index(self.naive.held.len())].clone();
                let back = if part { what.named("cpus") } else { what };
                if back.is_empty() {
                    return;
                }
                let seconds = seconds.map(f64::from);
                self.fast.recover(&framework, &role, &agent, &back, seconds);
                self.naive.recover(&(framework, role, agent, back), seconds.map(|seconds| (seconds, now)));
            }
            Step::Suppress(id, role, suppress) if self.naive.frameworks.contains_key(&framework(id)) => {
                let row = self.naive.frameworks.get_mut(&framework(id)).unwrap();
                let roles = BTreeSet::from([ROLES[role].to_owned()]);
                let id = framework_id(&framework(id));
                if suppress {
                    row.suppressed.extend(roles.intersection(&row.roles).cloned());
                    self.fast.apply(Input::Suppress { framework: id, roles });
                } else {
                    row.suppressed.remove(ROLES[role]);
                    self.naive.drop_filters(&id.value);
                    self.fast.apply(Input::Revive { framework: id, roles });
                    self.check_run(None, false);
                }
            }
            Step::Quota(role, guarantee, limits) => {
                let limits = limits.map(|limits| {
                    let amounts = quantities(AMOUNTS[limits]);
                    amounts.iter().map(|(name, amount)| (name.clone(), amount)).collect()
                });
                let quota = Quota { guarantee: quantities(AMOUNTS[guarantee]), limits };
                let role = ROLES[role].to_owned();
                self.naive.quotas.insert(role.clone(), quota.clone());
                self.fast.apply(Input::SetQuota { role, quota });
            }
            Step::RemoveQuota(role) => {
                self.naive.quotas.remove(ROLES[role]);
                self.fast.apply(Input::RemoveQuota(ROLES[role].to_owned()));
            }
            Step::Weight(role, weight) => {
                let (role, weight) = (ROLES[role].to_owned(), f64::from(weight));
                self.naive.weights.insert(role.clone(), weight);
                self.fast.apply(Input::UpdateWeights(vec![WeightInfo { weight, role: Some(role) }]));
            }
            Step::Look(id) if self.naive.agents.contains_key(&agent(id)) => {
                self.fast
                    .apply(Input::UpdateUnavailability { agent: agent_id(&agent(id)), unavailability: None });
                self.check_run(Some(agent(id)), false);
            }
            Step::Tick => {
                self.fast.tick();
                self.check_run(None, true);
            }
            _ => {}
        }
        assert!(self.fast.offers().is_empty(), "only runs offer");
        self.check_sums();
    }

    /// Compares the run that the fast one has just done.
    fn check_run(&mut self, only: Option<String>, periodic: bool) {
        let before: BTreeMap<_, _> =
            self.naive.quotas.keys().map(|role| (role.clone(), self.naive.charged(role))).collect();
        let limited: Vec<_> = self.naive.quotas.keys().map(|role| self.naive.charged_below(role)).collect();
        let (required, available) = (self.naive.required(), self.naive.available());
        let fast = self.fast.offers();
        let naive = self.naive.run(only.as_deref(), self.fast.now, periodic);
        assert_eq!(fast, naive);
        for (role, quota) in &self.naive.quotas {
            let most = |name: &Name| before[role].get(name).max(quota.guarantee.get(name));
            if quota.limits.is_none() {
                let charged = self.naive.charged(role);
                let names = quota.guarantee.iter().map(|(name, _)| name);
                names.for_each(|name| {
                    assert!(charged.get(name) <= most(name), "{role} is over its guarantee")
                });
            }
        }
        for ((role, quota), before) in self.naive.quotas.iter().zip(limited) {
            let charged = self.naive.charged_below(role);
            for (name, limit) in quota.limits.iter().flatten() {
                assert!(charged.get(name) <= before.get(name).max(*limit), "{role} is over its limit");
            }
        }
        self.check_headroom(&fast, &required, &available);
    }

    /// What quotas need was not given to others, as far as it was there.
    fn check_headroom(&self, offers: &[Offer], required: &Quantities, available: &Quantities) {
        let mut others = Quantities::new();
        for (_, role, _, what) in offers {
            if !self.naive.quotas.contains_key(role) {
                let taken = what.filter(|one| one.is_unreserved() && !one.is_revocable()).quantities();
                others += &taken;
            }
        }
        for (name, amount) in others.iter() {
            let spare: Scalar = available.get(name) - required.get(name);
            assert!(amount <= spare, "{name}: {amount} was given of {spare}");
        }
    }

    fn check_sums(&self) {
        let naive = &self.naive;
        for (id, total) in &naive.agents {
            let held = naive.held.iter().filter(|offer| offer.2 == *id);
            let held = held.fold(resources(""), |sum, offer| sum + &offer.3);
            assert!(total.contains(&held), "{id} has {total}, given are {held}");
        }
        let all = naive.agents.values().fold(Quantities::new(), |sum, total| sum + &total.quantities());
        let allocation = &self.fast.allocation;
        assert_eq!(*allocation.total(), all);
        assert_eq!(*allocation.allocated(), naive.allocated(|_| true, |_| true));
        let roles: BTreeSet<_> = allocation.roles().map(|role| role.name.to_owned()).collect();
        assert_eq!(roles, naive.roles());
        for role in allocation.roles() {
            let share = naive.allocated(|one| one == role.name, |_| true).dominant_share(&all);
            assert_eq!(role.dominant_share, share, "{}", role.name);
        }
        for (role, quota, has) in allocation.quotas() {
            assert_eq!(quota, &naive.quotas[role]);
            assert_eq!(has, naive.allocated(|one| one == role, |one| !one.is_revocable()), "{role}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..Default::default() })]

    /// Whatever was remembered to save time, the offers are those of one who remembers nothing.
    #[test]
    fn offers_are_those_of_the_naive_allocation(steps in proptest::collection::vec(step(), 1..40)) {
        let mut both = Both::new();
        steps.into_iter().for_each(|step| both.take(step));
    }

    /// With divisible resources, nothing refused and enough of everything, a role reaches its guarantee.
    #[test]
    fn a_guarantee_is_reached_whenever_there_is_enough(
        agents in proptest::collection::vec((1u32..8, 32u32..2048), 1..8),
        parts in (1u32..=100, 1u32..=100),
        reserved in 0u32..3,
    ) {
        let mut cluster = Cluster::with(Options { min_allocatable_resources: vec![], ..Default::default() });
        let sum = |of: fn(&(u32, u32)) -> u32| f64::from(agents.iter().map(of).sum::<u32>());
        let (cpus, mem) = (sum(|agent| agent.0), sum(|agent| agent.1));
        let guarantee = quantities(&format!(
            "cpus:{:.2};mem:{:.0}",
            (cpus * f64::from(parts.0) / 100.0).max(0.01),
            (mem * f64::from(parts.1) / 100.0).max(1.0)
        ));
        cluster.apply(Input::SetQuota { role: "q".to_owned(), quota: guarantee.clone().into() });
        cluster.framework("fn", &["n"]).framework("fq", &["q"]);
        for (at, (cpus, mem)) in agents.iter().enumerate() {
            let own = if reserved > 0 { format!(";cpus(reservations: [(STATIC,n)]):{reserved}") } else { String::new() };
            cluster.agent(&format!("a{at}"), &format!("cpus:{cpus};mem:{mem}{own}"));
        }
        cluster.tick();
        let (_, has) = cluster.allocation.quota("q").unwrap();
        prop_assert_eq!(has, guarantee);
    }

    /// However long was refused, after the longest time the offer is back.
    #[test]
    fn no_filter_outlives_its_cap(seconds in prop_oneof![Just(f64::MAX), Just(f64::INFINITY), 0.0f64..1e12]) {
        let mut cluster = Cluster::new();
        cluster.framework("f", &["r"]).agent("a", "cpus:1;mem:64");
        let offers = cluster.offers();
        cluster.decline_all(&offers, seconds).tick();
        cluster.offers();
        cluster.now += Duration::from_secs(366 * 86400);
        cluster.tick();
        prop_assert_eq!(cluster.allocation.roles().map(|role| role.active_filters).sum::<usize>(), 0);
    }
}
