//! The first stage: roles with quota get what they are guaranteed.

use mesos_resources::{Quantities, Resources};

use super::{Run, is_allocatable};
use crate::order::{self, Order};
use crate::role::without;
use crate::run::fair::understood;
use crate::table::{AgentKey, FrameworkKey, RoleKey};

impl Run<'_> {
    /// Offers each agent to the roles with quota, as far as they lack something.
    pub(super) fn guarantee(&mut self) {
        if self.core.quotas.is_empty() {
            return;
        }
        let total = without(self.core.ledger.firm(), &self.core.excluded);
        for agent in self.agents.clone() {
            for role in self.guaranteed_roles(&total) {
                self.guarantee_to(agent, role);
            }
        }
    }

    /// The roles with quota that have a framework, the one with the least first.
    fn guaranteed_roles(&self, total: &Quantities) -> Vec<RoleKey> {
        let core = &*self.core;
        let roles: Vec<_> = core.quotas.keys().filter_map(|name| core.roles.key(name)).collect();
        let ranks = roles.iter().enumerate().filter_map(|(place, role)| {
            let role = core.roles.get(*role)?;
            let share = role.firm().dominant_share(total) / core.roles.tree.weight(&role.name);
            Some(order::rank(share, core.roles.tree.allocations(role.leaf), place))
        });
        let mut order = Order::new(ranks);
        (0..roles.len()).filter_map(|position| roles.get(order.get(position)?).copied()).collect()
    }

    fn guarantee_to(&mut self, agent: AgentKey, role: RoleKey) {
        let Some(mut unsatisfied) = self.unsatisfied(role) else { return };
        let mut order = self.core.roles.take_order(role, &self.core.excluded);
        let mut position = 0;
        while let Some(place) = order.get(position) {
            position += 1;
            let member = self.core.roles.get(role).and_then(|role| role.member_at(place));
            let Some(framework) = member.map(|member| member.framework) else { continue };
            let Some(chosen) = self.choose(agent, role, framework, &unsatisfied) else { continue };
            if !is_allocatable(&self.core.options, &chosen.resources) {
                break;
            }
            let Some(resources) = self.acceptable(agent, role, framework, chosen.resources) else { continue };
            unsatisfied -= &chosen.towards_quota;
            self.required -= &chosen.towards_quota;
            self.available -= &resources.unreserved().quantities();
            self.give(agent, framework, role, resources);
        }
        self.core.roles.put_order(role, order);
    }

    /// What a role lacks of its guarantee. All its reservations are charged, used or not.
    fn unsatisfied(&self, role: RoleKey) -> Option<Quantities> {
        let role = self.core.roles.get(role)?;
        let guarantee = self.core.quotas.get(&*role.name)?;
        let mut charged = role.firm().clone() - role.reserved();
        if let Some(reserved) = self.core.ledger.reserved_to(&role.name) {
            charged += reserved;
        }
        Some(guarantee.clone() - &charged)
    }

    /// What the role may have of the agent: its reservations, unreserved resources up to what it lacks, and,
    /// if that is anything, what it has no quota for as far as nobody needs it for theirs.
    fn choose(
        &mut self,
        key: AgentKey,
        role: RoleKey,
        framework: FrameworkKey,
        unsatisfied: &Quantities,
    ) -> Option<Chosen> {
        let core = &*self.core;
        let agent = core.agents.get(key)?;
        let framework = core.frameworks.get(framework)?;
        let role = core.roles.get(role)?;
        let guarantee = core.quotas.get(&*role.name)?;
        if !self.fits(agent, framework) {
            return None;
        }
        let available = self.available_on(key, agent, framework.capabilities.shared_resources);
        let (unreserved, mut resources): (Vec<_>, Resources) = {
            let firm = || available.iter().filter(|resource| !resource.is_revocable());
            (
                firm().filter(|resource| resource.is_unreserved()).cloned().collect(),
                firm().filter(|resource| resource.is_reserved_to(&role.name)).cloned().collect(),
            )
        };
        let guarantee = guarantee.clone();
        let mut unreserved = unreserved;
        // Of two disks only one may fit: not always the same.
        self.core.random.shuffle(&mut unreserved);
        let mut towards_quota = Quantities::new();
        let mut beside = Resources::new();
        for mut resource in unreserved {
            let Some(amount) = resource.scalar() else {
                beside.insert(resource);
                continue;
            };
            let name = resource.name().clone();
            let has_quota = !guarantee.get(&name).is_zero();
            let limit = if has_quota {
                unsatisfied.get(&name) - towards_quota.get(&name)
            } else {
                let tentative = beside.get_scalar(&name).unwrap_or_default();
                self.available.get(&name) - self.required.get(&name) - tentative
            };
            if limit.is_zero() || !resource.shrink(limit) {
                continue;
            }
            if has_quota {
                towards_quota.increase(&name, amount.min(limit));
                resources.insert(resource);
            } else {
                beside.insert(resource);
            }
        }
        if !resources.is_empty() {
            resources += beside;
        }
        Some(Chosen { resources, towards_quota })
    }

    /// What of the chosen resources the framework can be offered, if it is to be.
    fn acceptable(
        &self,
        key: AgentKey,
        role: RoleKey,
        framework: FrameworkKey,
        resources: Resources,
    ) -> Option<Resources> {
        let core = &*self.core;
        let framework = core.frameworks.get(framework)?;
        let name = &core.roles.get(role)?.name;
        let resources = understood(std::borrow::Cow::Owned(resources), framework).into_owned();
        let filtered = self.is_filtered(key, core.agents.get(key)?, framework, (role, name), &resources);
        (!resources.is_empty() && !filtered).then_some(resources)
    }
}

/// What a role is to get of an agent.
struct Chosen {
    resources: Resources,
    /// How much of it is unreserved and counts for its quota.
    towards_quota: Quantities,
}
