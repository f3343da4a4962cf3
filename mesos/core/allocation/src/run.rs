//! The allocation run.

mod fair;
mod guaranteed;
mod inverse;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use mesos_resources::{Quantities, Resources, Scalar, Value, roles};
use stout::Time;

use crate::agent::Agent;
use crate::framework::Framework;
use crate::table::{AgentKey, FrameworkKey, RoleKey};
use crate::{Allocation, Options, Output};

impl Allocation {
    /// Runs an allocation if one is due: first roles with quota, then the others, then inverse offers.
    pub fn run(&mut self, now: Time, out: &mut Vec<Output>) {
        if !std::mem::take(&mut self.due) {
            return;
        }
        self.runs += 1;
        self.expire(now);
        let mut candidates = self.take_candidates();
        let agents: Vec<_> = candidates.iter().copied().filter(|agent| self.may_offer(*agent)).collect();
        let mut run = Run::new(self, agents);
        run.guarantee();
        run.share();
        run.finish(out);
        candidates.sort_unstable();
        self.make_inverse_offers(&candidates, out);
        if std::mem::take(&mut self.periodic) {
            self.expiries.tick();
        }
    }

    /// The agents that something happened to, in an arbitrary order.
    fn take_candidates(&mut self) -> Vec<AgentKey> {
        let mut candidates: Vec<_> = self
            .agents
            .iter_mut()
            .filter_map(|(key, agent)| std::mem::take(&mut agent.candidate).then_some(key))
            .collect();
        self.random.shuffle(&mut candidates);
        candidates
    }

    fn may_offer(&self, agent: AgentKey) -> bool {
        self.agents.get(agent).is_some_and(|agent| {
            agent.active
                && agent.has_something()
                && self.whitelist.as_ref().is_none_or(|hosts| hosts.contains(&agent.info.hostname))
        })
    }
}

/// One run over some agents.
struct Run<'a> {
    core: &'a mut Allocation,
    agents: Vec<AgentKey>,
    /// Unreserved amounts that must stay free so that quotas can be met later.
    required: Quantities,
    /// Unreserved amounts that are free.
    available: Quantities,
    /// Shared resources are offered while in use, but once in a run.
    offered_shared: BTreeMap<AgentKey, Resources>,
    offers: BTreeMap<FrameworkKey, BTreeMap<Arc<str>, BTreeMap<AgentKey, Resources>>>,
}

impl<'a> Run<'a> {
    fn new(core: &'a mut Allocation, agents: Vec<AgentKey>) -> Self {
        let (required, available) = match core.quotas.is_empty() {
            // Without quota nobody asks.
            true => Default::default(),
            false => (required_headroom(core), available_headroom(core)),
        };
        Self { core, agents, required, available, offered_shared: BTreeMap::new(), offers: BTreeMap::new() }
    }

    /// Whether resources of the agent may go to the framework at all.
    fn fits(&self, agent: &Agent, framework: &Framework) -> bool {
        let options = &self.core.options;
        let capabilities = &framework.capabilities;
        (capabilities.gpu_resources || !options.filter_gpu_resources || !agent.has_gpus())
            && (capabilities.region_aware || !agent.is_remote(options.domain.as_ref()))
    }

    /// What of an agent can be given to a framework with or without the capability for shared resources.
    fn available_on<'r>(&self, key: AgentKey, agent: &'r Agent, shared: bool) -> Cow<'r, Resources> {
        if !shared || agent.shared().is_empty() {
            return Cow::Borrowed(agent.free());
        }
        let mut all = agent.free() + agent.shared();
        if let Some(offered) = self.offered_shared.get(&key) {
            all -= offered;
        }
        Cow::Owned(all)
    }

    /// Whether the framework must not get an offer of these resources: it refused them, or the agent is too
    /// old to understand what it would do with them.
    fn is_filtered(
        &self,
        key: AgentKey,
        agent: &Agent,
        framework: &Framework,
        role: (RoleKey, &str),
        resources: &Resources,
    ) -> bool {
        (framework.capabilities.multi_role && !agent.capabilities.multi_role)
            || (roles::is_hierarchical(role.1) && !agent.capabilities.hierarchical_role)
            || framework.refuses(role.0, key, resources)
    }

    /// Gives resources to a framework.
    fn give(&mut self, key: AgentKey, framework: FrameworkKey, role: RoleKey, mut resources: Resources) {
        let Some(name) = self.core.roles.get(role).map(|role| role.name.clone()) else { return };
        let Some(id) = self.core.frameworks.get(framework).map(|framework| &framework.id) else { return };
        let shared = resources.shared();
        if !shared.is_empty() {
            *self.offered_shared.entry(key).or_default() += shared;
        }
        resources.allocate(name.clone());
        self.core.roles.charge(role, id, key, &resources);
        self.core.with_free(key, |agent| agent.allocate(&resources));
        let by_role = self.offers.entry(framework).or_default().entry(name).or_default();
        *by_role.entry(key).or_default() += resources;
    }

    /// Appends the offers to the outputs, frameworks in the order in which they came.
    fn finish(self, out: &mut Vec<Output>) {
        let Run { core, offers, .. } = self;
        for (framework, roles) in offers {
            let Some(framework) = core.frameworks.get(framework) else { continue };
            let by_id = |agents: BTreeMap<AgentKey, Resources>| {
                agents
                    .into_iter()
                    .filter_map(|(agent, resources)| Some((core.agents.get(agent)?.id.clone(), resources)))
                    .collect()
            };
            let offers = roles.into_iter().map(|(role, agents)| (role.to_string(), by_id(agents))).collect();
            out.push(Output::Offers { framework: framework.id.clone(), offers });
        }
    }
}

/// Whether resources are worth an offer.
fn is_allocatable(options: &Options, resources: &Resources) -> bool {
    let least = &options.min_allocatable_resources;
    !resources.is_empty()
        && (least.is_empty()
            || least.iter().any(|set| set.iter().all(|(name, amount)| has_at_least(resources, name, amount))))
}

/// Numbers and items count one each.
fn has_at_least(resources: &Resources, name: &str, amount: Scalar) -> bool {
    let count =
        |count: u64| Scalar::from_thousandths(i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(1000));
    let named = resources.iter().filter(|resource| resource.name().as_str() == name);
    let all = named.map(|resource| match resource.value() {
        Value::Scalar(scalar) => *scalar,
        Value::Ranges(ranges) => count(ranges.count()),
        Value::Set(items) => count(items.len() as u64),
    });
    all.sum::<Scalar>() >= amount
}

/// What roles with quota lack and have no unused reservations for.
fn required_headroom(core: &Allocation) -> Quantities {
    let mut required = Quantities::new();
    for (name, guarantee) in &core.quotas {
        let role = core.roles.key(name).and_then(|role| core.roles.get(role));
        let mut lacking = guarantee.clone();
        let mut unused = core.ledger.reserved_to(name).cloned().unwrap_or_default();
        if let Some(role) = role {
            lacking -= role.firm();
            unused -= role.reserved();
        }
        // Each role by itself: what one has too much of does not help another.
        required += &(lacking - &unused);
    }
    required
}

/// What is free, unreserved, and cannot be taken back.
fn available_headroom(core: &Allocation) -> Quantities {
    let unused_reservations = core.ledger.reserved().clone() - core.roles.allocated_reserved();
    core.ledger.total().clone() - core.roles.allocated() - &unused_reservations - core.ledger.free_revocable()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_not_worth_an_offer() {
        let mut options = Options::default();
        let check = |options: &Options, resources: &str| {
            is_allocatable(options, &Resources::parse(resources, "*").unwrap())
        };
        assert!(!check(&options, "cpus:0.005;mem:16;ports:[1-100]"));
        assert!(check(&options, "cpus:0.005;mem:32"));
        assert!(check(&options, "cpus:0.01"));
        let two_ports = [("ports", Scalar::from_f64(2.0))].into_iter().collect();
        options.min_allocatable_resources = vec![two_ports];
        assert!(check(&options, "ports:[5-6]") && !check(&options, "cpus:9;ports:[5-5]"));
        options.min_allocatable_resources.clear();
        assert!(check(&options, "ports:[5-5]"));
    }
}
