//! The second stage: fair shares for the roles without quota.

use std::borrow::Cow;

use mesos_resources::{Quantities, Resource, Resources};

use super::{Run, is_allocatable};
use crate::framework::Framework;
use crate::table::{AgentKey, FrameworkKey, RoleKey};

impl Run<'_> {
    /// Offers each agent to the roles without quota, the one with the least first.
    pub(super) fn share(&mut self) {
        for agent in std::mem::take(&mut self.agents) {
            let mut walk = self.core.roles.tree.walk();
            while self.core.agents.get(agent).is_some_and(|agent| agent.has_something())
                && let Some(role) = self.core.roles.tree.next(&mut walk)
            {
                let quota =
                    self.core.roles.get(role).is_some_and(|role| self.core.quotas.contains_key(&*role.name));
                if !quota {
                    self.share_with(agent, role);
                }
            }
            self.core.roles.tree.finish(walk);
        }
    }

    fn share_with(&mut self, agent: AgentKey, role: RoleKey) {
        let mut order = self.core.roles.take_order(role, &self.core.excluded);
        let mut position = 0;
        while let Some(place) = order.get(position) {
            position += 1;
            let member = self.core.roles.get(role).and_then(|role| role.member_at(place));
            let Some(framework) = member.map(|member| member.framework) else { continue };
            match self.fair_part(agent, role, framework) {
                Part::Some(resources, headroom) => {
                    self.available -= &headroom;
                    self.give(agent, framework, role, resources);
                }
                Part::None => {}
                Part::NoneForAll => break,
            }
        }
        self.core.roles.put_order(role, order);
    }

    /// What a framework gets of an agent in a role.
    fn fair_part(&self, key: AgentKey, role: RoleKey, framework: FrameworkKey) -> Part {
        let core = &*self.core;
        let (Some(agent), Some(framework), Some(row)) =
            (core.agents.get(key), core.frameworks.get(framework), core.roles.get(role))
        else {
            return Part::None;
        };
        if !self.fits(agent, framework) {
            return Part::None;
        }
        let available = self.available_on(key, agent, framework.capabilities.shared_resources);
        let mut resources = narrow(available, |resource| resource.is_reservable_to(&row.name));
        if !is_allocatable(&core.options, &resources) {
            // The other frameworks of the role would see the same, but for those that see shared resources.
            return if agent.shared().is_empty() { Part::NoneForAll } else { Part::None };
        }
        resources = understood(resources, framework);
        let headroom = self.headroom_of(&resources);
        let held_back =
            !self.required.is_empty() && !(self.available.clone() - &headroom).contains(&self.required);
        if held_back {
            resources = narrow(resources, |resource| !is_headroom(resource));
        }
        if !is_allocatable(&core.options, &resources)
            || self.is_filtered(key, agent, framework, (role, &row.name), &resources)
        {
            return Part::None;
        }
        Part::Some(resources.into_owned(), if held_back { Quantities::new() } else { headroom })
    }

    /// What giving these resources would take from what can serve quotas later.
    fn headroom_of(&self, resources: &Resources) -> Quantities {
        let mut headroom = Quantities::new();
        if !self.required.is_empty() {
            for resource in resources.iter().filter(|resource| is_headroom(resource)) {
                headroom.increase(resource.name(), resource.scalar().unwrap_or_default());
            }
        }
        headroom
    }
}

/// What a framework gets.
enum Part {
    /// These resources, with so much taken from the headroom.
    Some(Resources, Quantities),
    /// Nothing; another framework may get something.
    None,
    /// Nothing, and the same for the others of the role.
    NoneForAll,
}

fn is_headroom(resource: &Resource) -> bool {
    resource.is_unreserved() && !resource.is_revocable() && resource.scalar().is_some()
}

/// What of the resources a framework can deal with.
pub(super) fn understood<'r>(resources: Cow<'r, Resources>, framework: &Framework) -> Cow<'r, Resources> {
    let capabilities = framework.capabilities;
    narrow(resources, |resource| {
        (capabilities.revocable_resources || !resource.is_revocable())
            && (capabilities.reservation_refinement || !resource.has_refined_reservations())
    })
}

/// Filters, copying only if something falls away.
fn narrow(resources: Cow<'_, Resources>, keep: impl Fn(&Resource) -> bool) -> Cow<'_, Resources> {
    match resources.iter().all(&keep) {
        true => resources,
        false => Cow::Owned(resources.filter(keep)),
    }
}
