//! Why a framework gets nothing of an agent.

use std::collections::BTreeMap;

use mesos_resources::{Quantities, Resource, Resources, roles};
use stout::Time;

use super::{FrameworkExplanation, until};
use crate::Allocation;
use crate::agent::Agent;
use crate::framework::Framework;
use crate::role::Role;
use crate::run::{is_allocatable, is_headroom};
use crate::table::{AgentKey, RoleKey};

/// What becomes of an agent for a framework in a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Offerable,
    Deactivated,
    OffWhitelist,
    HasGpus,
    InOtherRegion,
    TooOld,
    NothingFree,
    QuotaMet,
    LimitReached,
    HeldForQuotas,
    Refused,
}

/// How many agents have which verdict.
pub(super) struct Verdicts {
    counts: BTreeMap<Verdict, usize>,
    required: Quantities,
    available: Quantities,
}

/// What the verdicts on all agents need.
struct Judge<'a> {
    core: &'a Allocation,
    role: &'a Role,
    key: RoleKey,
    framework: &'a Framework,
    unsatisfied: Quantities,
    required: &'a Quantities,
    available: &'a Quantities,
}

impl Verdicts {
    pub(super) fn of(
        core: &Allocation,
        role: &Role,
        framework: &Framework,
        required: &Quantities,
        available: &Quantities,
    ) -> Self {
        let mut counts = BTreeMap::new();
        if let Some(key) = core.roles.key(&role.name) {
            let guarantee = role.quota.as_ref().map(|quota| quota.guarantee.clone()).unwrap_or_default();
            let unsatisfied = guarantee - &core.roles.charged(&role.name, &core.ledger, core.mutations);
            let judge = Judge { core, role, key, framework, unsatisfied, required, available };
            for (key, agent) in core.agents.iter() {
                *counts.entry(judge.verdict(key, agent)).or_default() += 1;
            }
        }
        Self { counts, required: required.clone(), available: available.clone() }
    }

    pub(super) fn count(&self, verdict: Verdict) -> usize {
        self.counts.get(&verdict).copied().unwrap_or_default()
    }

    pub(super) fn in_words(&self, framework: &FrameworkExplanation, agents: usize, now: Time) -> Vec<String> {
        let words = |(verdict, count): (&Verdict, &usize)| {
            let why = match verdict {
                Verdict::Offerable => return None,
                Verdict::Deactivated => "are deactivated".to_owned(),
                Verdict::OffWhitelist => "are not on the whitelist".to_owned(),
                Verdict::HasGpus => "have GPUs, which the framework does not use".to_owned(),
                Verdict::InOtherRegion => {
                    "are in another region, which the framework does not know".to_owned()
                }
                Verdict::TooOld => "are too old for its roles".to_owned(),
                Verdict::NothingFree => {
                    "have nothing free that is not reserved for others, or too little to be offered"
                        .to_owned()
                }
                Verdict::QuotaMet => "have only what the role already has its guarantee of".to_owned(),
                Verdict::LimitReached => "have only what the role has reached its limit of".to_owned(),
                Verdict::HeldForQuotas => format!(
                    "are held back for quotas: {} must stay free, {} is free in all",
                    self.required, self.available
                ),
                Verdict::Refused => {
                    let next = framework.next_expiry.map(|end| {
                        let seconds = until(end, now).as_secs_f64();
                        format!("; the next filter ends in {seconds:.1} s")
                    });
                    format!("were refused{}", next.unwrap_or_default())
                }
            };
            Some(format!("{count} of {agents} agents {why}"))
        };
        self.counts.iter().filter_map(words).collect()
    }
}

impl Judge<'_> {
    fn verdict(&self, key: AgentKey, agent: &Agent) -> Verdict {
        let options = &self.core.options;
        let capabilities = &self.framework.capabilities;
        if !agent.active {
            return Verdict::Deactivated;
        }
        let whitelist = self.core.whitelist.as_ref();
        if whitelist.is_some_and(|hosts| !hosts.contains(&agent.info.hostname)) {
            return Verdict::OffWhitelist;
        }
        if !capabilities.gpu_resources && options.filter_gpu_resources && agent.has_gpus() {
            return Verdict::HasGpus;
        }
        if !capabilities.region_aware && agent.is_remote(options.domain.as_ref()) {
            return Verdict::InOtherRegion;
        }
        let mut resources = self.free(agent);
        let worth_it = |resources: &Resources| is_allocatable(options, resources);
        if !worth_it(&resources) {
            return Verdict::NothingFree;
        }
        if self.role.is_guaranteed_only() {
            resources.retain(|one| one.is_reserved() || self.is_lacked(one));
            if !worth_it(&resources) {
                return Verdict::QuotaMet;
            }
        } else {
            let room = self.core.roles.room(&self.role.name, &self.core.ledger);
            resources
                .retain(|one| !is_headroom(one) || room.of(one.name()).is_none_or(|left| !left.is_zero()));
            if !worth_it(&resources) {
                return Verdict::LimitReached;
            }
            if self.is_short_of(&resources) {
                resources.retain(|one| !is_headroom(one));
                if !worth_it(&resources) {
                    return Verdict::HeldForQuotas;
                }
            }
        }
        let hierarchical = roles::is_hierarchical(&self.role.name);
        if (capabilities.multi_role && !agent.capabilities.multi_role)
            || (hierarchical && !agent.capabilities.hierarchical_role)
        {
            return Verdict::TooOld;
        }
        match self.framework.refuses(self.key, key, &resources) {
            true => Verdict::Refused,
            false => Verdict::Offerable,
        }
    }

    /// What is free of the agent that the framework understands and the role may have.
    fn free(&self, agent: &Agent) -> Resources {
        let capabilities = &self.framework.capabilities;
        let guaranteed_only = self.role.is_guaranteed_only();
        let mine = |one: &&Resource| {
            one.is_reservable_to(&self.role.name)
                && (!one.is_revocable() || (capabilities.revocable_resources && !guaranteed_only))
                && (!one.has_refined_reservations() || capabilities.reservation_refinement)
        };
        let shared = agent.shared().iter().filter(|_| capabilities.shared_resources);
        agent.free().iter().chain(shared).filter(mine).cloned().collect()
    }

    fn is_lacked(&self, resource: &Resource) -> bool {
        resource.scalar().is_some() && !self.unsatisfied.get(resource.name()).is_zero()
    }

    fn is_short_of(&self, resources: &Resources) -> bool {
        let mut headroom = Quantities::new();
        for resource in resources.iter().filter(|one| is_headroom(one)) {
            headroom.increase(resource.name(), resource.scalar().unwrap_or_default());
        }
        !self.required.is_empty() && !(self.available.clone() - &headroom).contains(self.required)
    }
}
