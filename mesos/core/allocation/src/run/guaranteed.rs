//! The first stage: roles with quota get what they are guaranteed.

use std::borrow::Cow;

use mesos_resources::{Quantities, Resources, Scalar};

use super::{AT_ONCE, Look, Run, is_allocatable, is_headroom};
use crate::mutation::Fix;
use crate::ranking::Rank;
use crate::run::fair::understood;
use crate::table::{AgentKey, FrameworkKey, RoleKey};
use crate::tally::is_plain;

impl Run<'_> {
    /// Offers each agent to the roles with quota, as far as they lack something.
    pub(super) fn guarantee(&mut self, looks: &mut [Look]) {
        if self.core.roles.quotas.is_empty() {
            return;
        }
        let total = self.core.roles.total_for_quota(&self.core.ledger, &self.core.excluded);
        for some in looks.chunks_mut(AT_ONCE) {
            self.fetch(some);
            for look in some {
                self.guarantee_of(look, &total);
            }
        }
    }

    fn guarantee_of(&mut self, look: &mut Look, total: &Quantities) {
        self.core.roles.settle_quotas(&self.core.ledger, self.core.mutations);
        // Roles that lack nothing get what is reserved for them all the same.
        let mut reserved = self.reserved_for(look.key, total);
        reserved.sort_unstable_by(|a, b| b.cmp(a));
        let with_reservations: Vec<_> = reserved.iter().map(|(_, role)| *role).collect();
        let mut cursor = self.core.roles.open_lacking(total);
        let mut lacking = None;
        loop {
            if lacking.is_none() && self.is_of_use(look.key) {
                let next = || self.core.roles.next_lacking(&mut cursor);
                let next = std::iter::from_fn(next).find(|role| !with_reservations.contains(role));
                lacking = next.and_then(|role| Some((self.core.roles.rank_for_quota(role, total)?, role)));
            }
            let next = match (&lacking, reserved.last()) {
                (Some(one), Some(other)) if one < other => lacking.take(),
                (Some(_), None) => lacking.take(),
                _ => reserved.pop(),
            };
            let Some((_, role)) = next else { break };
            self.guarantee_to(look, role);
        }
        self.core.roles.close_lacking(&cursor);
    }

    /// The roles with quota and an active framework that something of the agent is reserved for.
    fn reserved_for(&self, key: AgentKey, total: &Quantities) -> Vec<(Rank, RoleKey)> {
        let Some(agent) = self.core.agents.get(key) else { return Vec::new() };
        let roles = &self.core.roles;
        let ranked = |name: &std::sync::Arc<str>| {
            let key = roles.key(name)?;
            roles.get(key).filter(|role| role.quota.is_some() && role.is_active())?;
            Some((roles.rank_for_quota(key, total)?, key))
        };
        agent.reservations().keys().filter_map(ranked).collect()
    }

    /// Whether anything that is free on the agent is lacked.
    fn is_of_use(&self, key: AgentKey) -> bool {
        let lacked = |name| self.core.roles.quotas.is_lacked(name);
        self.core.agents.get(key).is_some_and(|agent| {
            agent.free().iter().any(|resource| is_headroom(resource) && lacked(resource.name()))
        })
    }

    fn guarantee_to(&mut self, look: &mut Look, role: RoleKey) {
        let Some(row) = self.core.roles.get(role) else { return };
        let Some(mut unsatisfied) = self.core.roles.unsatisfied(&row.name).cloned() else { return };
        let Some(mut cursor) = self.core.roles.open(role, &self.core.excluded) else { return };
        while let Some(framework) = self.core.roles.get(role).and_then(|role| role.next(&mut cursor)) {
            let Some(chosen) = self.choose(look, role, framework, &unsatisfied) else { continue };
            if !is_allocatable(&self.core.options, &chosen.resources) {
                // Other frameworks may see shared resources.
                let shared = self.core.agents.get(look.key).is_some_and(|agent| !agent.shared().is_empty());
                if shared {
                    continue;
                }
                break;
            }
            let Some(resources) = self.acceptable(look.key, role, framework, chosen.resources) else {
                continue;
            };
            unsatisfied -= &chosen.towards_quota;
            self.required -= &chosen.towards_quota;
            self.available -= &resources.unreserved().quantities();
            self.give(look.key, framework, role, resources);
            look.given = true;
        }
        self.core.roles.close(role, &cursor);
    }

    /// What the role may have of the agent: its reservations, unreserved resources up to what it lacks, and,
    /// if that is anything, what it has no quota for as far as nobody needs it for theirs.
    fn choose(
        &mut self,
        look: &mut Look,
        role: RoleKey,
        framework: FrameworkKey,
        unsatisfied: &Quantities,
    ) -> Option<Chosen> {
        let core = &*self.core;
        let agent = core.agents.get(look.key)?;
        let framework = core.frameworks.get(framework)?;
        let role = core.roles.get(role)?;
        let quota = role.quota.clone()?;
        if !self.fits(agent, framework) {
            return None;
        }
        let room = core.roles.room(&role.name, &core.ledger);
        let available = self.available_on(look.key, agent, framework.capabilities.shared_resources);
        let mut unreserved: Vec<_> = available.iter().filter(|one| is_plain(one)).cloned().collect();
        let mut resources: Resources = available
            .iter()
            .filter(|one| !one.is_revocable() && one.is_reserved_to(&role.name))
            .cloned()
            .collect();
        // Of two disks only one may fit: not always the same.
        self.core.random.shuffle(&mut unreserved);
        let mutations = self.core.mutations;
        let mut towards_quota = Quantities::new();
        let mut beside = Resources::new();
        for mut resource in unreserved.iter().cloned() {
            let Some(amount) = resource.scalar() else {
                beside.insert(resource);
                continue;
            };
            let name = resource.name().clone();
            let has_quota = !quota.guarantee.get(&name).is_zero();
            let tentative = beside.get_scalar(&name).unwrap_or_default();
            let mut limit = match has_quota {
                true => unsatisfied.get(&name) - towards_quota.get(&name),
                false if mutations.lacks(Fix::HeadroomIsForAll) => Scalar::MAX,
                false => self.available.get(&name) - self.required.get(&name) - tentative,
            };
            if let Some(room) = room.of(&name) {
                limit = limit.min(room - towards_quota.get(&name) - tentative);
            }
            // What is lacked is looked at again when it becomes more.
            look.held |= limit < amount && (!has_quota || room.of(&name).is_some());
            let alike = unreserved.iter().filter(|other| *other.name() == name).count();
            look.chance |= limit < amount && alike > 1;
            if has_quota && mutations.lacks(Fix::AgentsAreDivided) && !unsatisfied.is_empty() {
                limit = Scalar::MAX;
            }
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
        let resources = understood(Cow::Owned(resources), framework).into_owned();
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
