//! The allocation run.

mod fair;
mod guaranteed;
mod inverse;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use mesos_api::v1::AgentId;
use mesos_resources::{Name, Quantities, Resource, Resources, Scalar, Value, roles};
use stout::Time;

use crate::agent::Agent;
use crate::attention::Found;
use crate::framework::Framework;
use crate::mutation::Fix;
use crate::table::{AgentKey, FrameworkKey, RoleKey};
use crate::tally::is_plain;
use crate::{Allocation, Options, Output};

impl Allocation {
    /// Runs an allocation if one is due: first roles with quota, then the others, then inverse offers.
    pub fn run(&mut self, now: Time, out: &mut Vec<Output>) {
        if !std::mem::take(&mut self.due) {
            return;
        }
        self.runs += 1;
        self.expire(now);
        self.roles.settle_quotas(&self.ledger, self.mutations);
        let (required, available) = match self.roles.quotas.is_empty() {
            // Without quota nobody asks.
            true => Default::default(),
            false => (self.required_headroom(), self.available_headroom()),
        };
        let for_all = self.attentions.is_for_all();
        let risen = for_all && self.roles.quotas.take_risen();
        let loosened = for_all && self.roles.quotas.take_loosened();
        let visit = self.attentions.take(&mut self.agents, risen, loosened, (&required, &available));
        let mut agents = Vec::with_capacity(visit.agents.len());
        for key in visit.agents {
            match self.may_offer(key) {
                true => agents.push(Look { key, ..Look::default() }),
                false => self.note(key, Found::Nothing { held: false }),
            }
        }
        let settled = visit.settled.into_iter().filter(|key| self.may_offer(*key));
        agents.extend(settled.map(|key| Look { key, settled: true, ..Look::default() }));
        self.arrange(&mut agents);
        let offers = BTreeMap::new();
        let mut run = Run { core: self, now, required, available, offered_shared: BTreeMap::new(), offers };
        run.guarantee(&mut agents);
        run.share(&mut agents);
        let (required, available) = (run.required.clone(), run.available.clone());
        run.finish(out);
        if for_all {
            self.attentions.note_headroom(required, available);
        }
        self.make_inverse_offers(visit.candidates, out);
        if std::mem::take(&mut self.periodic) {
            self.expiries.tick();
        }
    }

    /// Brings the agents into an arbitrary order.
    fn arrange(&mut self, looks: &mut [Look]) {
        if self.mutations.keep_order() {
            return looks.sort_unstable_by_key(|look| look.key);
        }
        self.random.shuffle(looks);
    }

    fn note(&mut self, key: AgentKey, found: Found) {
        if let Some(agent) = self.agents.get_mut(key) {
            self.attentions.note(key, agent, found);
        }
    }

    fn may_offer(&self, agent: AgentKey) -> bool {
        self.agents.get(agent).is_some_and(|agent| {
            agent.active
                && agent.has_something()
                && self.whitelist.as_ref().is_none_or(|hosts| hosts.contains(&agent.info.hostname))
        })
    }

    /// What roles with quota lack and have no unused reservations for.
    pub(crate) fn required_headroom(&self) -> Quantities {
        let mut required = self.roles.quotas.required().clone();
        if self.mutations.lacks(Fix::SurplusServesNobodyElse) {
            for (name, _) in self.roles.quotas.iter() {
                let role = self.roles.key(name).and_then(|role| self.roles.get(role));
                let used = role.map_or_else(Quantities::new, |role| role.reserved().clone());
                required -= &(self.ledger.reserved_to(name).cloned().unwrap_or_default() - &used);
            }
        }
        required
    }

    /// The same, when quotas may not be settled.
    pub(crate) fn required_headroom_now(&self) -> Quantities {
        let quotas = self.roles.quotas.iter();
        quotas.fold(Quantities::new(), |sum, (role, _)| {
            sum + &self.roles.required_for(role, &self.ledger, self.mutations)
        })
    }

    /// What is free, unreserved, and cannot be taken back.
    pub(crate) fn available_headroom(&self) -> Quantities {
        let unused_reservations = self.ledger.reserved().clone() - self.roles.allocated_reserved();
        self.ledger.total().clone()
            - self.roles.allocated()
            - &unused_reservations
            - self.ledger.free_revocable()
    }
}

/// What a run has found of an agent so far.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    key: AgentKey,
    /// Whether only roles that lack more than before may be given something.
    settled: bool,
    /// Whether something was given.
    given: bool,
    /// Whether quotas or limits held something back.
    held: bool,
    /// Whether chance decided what was tried.
    chance: bool,
}

/// What a framework is offered of an agent in a role.
struct Given {
    key: AgentKey,
    id: AgentId,
    resources: Resources,
}

/// One run over some agents.
struct Run<'a> {
    core: &'a mut Allocation,
    now: Time,
    /// Unreserved amounts that must stay free so that quotas can be met later.
    required: Quantities,
    /// Unreserved amounts that are free.
    available: Quantities,
    /// Shared resources are offered while in use, but once in a run.
    offered_shared: BTreeMap<AgentKey, Resources>,
    offers: BTreeMap<FrameworkKey, BTreeMap<Arc<str>, Vec<Given>>>,
}

/// How many agents are read in a row.
const AT_ONCE: usize = 16;

impl Run<'_> {
    /// Reads a few agents in a row. They lie anywhere in memory: read one by one between other work, each would
    /// have to be waited for.
    fn fetch(&self, looks: &[Look]) {
        let agents = looks.iter().filter_map(|look| self.core.agents.get(look.key));
        let revocable = agents.map(|agent| {
            agent.free().iter().filter(|resource| resource.is_revocable()).count() + agent.holders.len()
        });
        std::hint::black_box(revocable.sum::<usize>());
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
        let Some(row) = self.core.frameworks.get_mut(framework) else { return };
        row.offered = Some(self.now);
        if resources.iter().any(Resource::is_shared) {
            *self.offered_shared.entry(key).or_default() += resources.shared();
        }
        resources.allocate(name.clone());
        self.core.charge_in(role, key, framework, &resources);
        self.core.with_free(key, |agent| agent.allocate(&resources));
        let Some(id) = self.core.agents.get(key).map(|agent| agent.id.clone()) else { return };
        let offers = self.offers.entry(framework).or_default().entry(name).or_default();
        offers.push(Given { key, id, resources });
    }

    /// Notes for later runs what was found of an agent.
    fn conclude(&mut self, look: &Look) {
        let Some(agent) = self.core.agents.get(look.key) else { return };
        // A shared resource that was given is there again in the next run.
        let over = !look.given || !agent.has_something();
        let found = match over && !look.chance {
            true => Found::Nothing { held: look.held },
            false => Found::Something,
        };
        self.core.note(look.key, found);
    }

    /// Appends the offers to the outputs, frameworks in the order in which they came.
    fn finish(self, out: &mut Vec<Output>) {
        let Run { core, offers, .. } = self;
        for (framework, roles) in offers {
            let Some(framework) = core.frameworks.get(framework) else { continue };
            let by_id = |mut all: Vec<Given>| -> BTreeMap<_, _> {
                all.sort_by_key(|given| given.key);
                // A role with limits may get something of an agent in both stages.
                all.dedup_by(|more, first| {
                    let same = more.key == first.key;
                    if same {
                        first.resources += std::mem::take(&mut more.resources);
                    }
                    same
                });
                all.into_iter().map(|given| (given.id, given.resources)).collect()
            };
            let offers = roles.into_iter().map(|(role, agents)| (role.to_string(), by_id(agents))).collect();
            out.push(Output::Offers { framework: framework.id.clone(), offers });
        }
    }
}

/// Whether resources are worth an offer.
pub(crate) fn is_allocatable<'r>(
    options: &Options,
    resources: impl IntoIterator<Item = &'r Resource> + Copy,
) -> bool {
    let least = &options.min_allocatable_resources;
    resources.into_iter().next().is_some()
        && (least.is_empty()
            || least.iter().any(|set| set.iter().all(|(name, amount)| has_at_least(resources, name, amount))))
}

/// Numbers and items count one each.
fn has_at_least<'r>(resources: impl IntoIterator<Item = &'r Resource>, name: &Name, amount: Scalar) -> bool {
    let count =
        |count: u64| Scalar::from_thousandths(i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(1000));
    let named = resources.into_iter().filter(|resource| resource.name() == name);
    let all = named.map(|resource| match resource.value() {
        Value::Scalar(scalar) => *scalar,
        Value::Ranges(ranges) => count(ranges.count()),
        Value::Set(items) => count(items.len() as u64),
    });
    all.sum::<Scalar>() >= amount
}

/// Whether it is what quotas are met from.
pub(crate) fn is_headroom(resource: &Resource) -> bool {
    is_plain(resource) && resource.scalar().is_some()
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
