//! The second stage: fair shares for the roles without quota, and for those with limits of their own.

use std::borrow::Cow;

use mesos_resources::{Quantities, Resource, Resources};

use super::{AT_ONCE, Look, Run, is_allocatable, is_headroom};
use crate::framework::Framework;
use crate::mutation::Fix;
use crate::quotas::Room;
use crate::table::{FrameworkKey, RoleKey};

/// Which roles may be given something of an agent.
enum Scope {
    All,
    Some(Vec<RoleKey>),
}

impl Run<'_> {
    /// Offers each agent to the open roles, the one with the least first.
    pub(super) fn share(&mut self, looks: &mut [Look]) {
        for some in looks.chunks_mut(AT_ONCE) {
            self.fetch(some);
            for look in some {
                if look.settled {
                    self.conclude(look);
                    continue;
                }
                let scope = match self.scope(look) {
                    Scope::All => self.share_with_all(look),
                    some => some,
                };
                if let Scope::Some(roles) = scope {
                    for role in roles {
                        self.share_with(look, role);
                    }
                }
                self.conclude(look);
            }
        }
    }

    /// Walks over all roles as long as what any of them may have is worth it, and returns the scope left.
    fn share_with_all(&mut self, look: &mut Look) -> Scope {
        let mut walk = self.core.roles.tree.walk();
        let mut scope = Scope::All;
        while let Some(role) = self.core.roles.tree.next(&mut walk) {
            if self.share_with(look, role) {
                scope = self.scope(look);
                if matches!(scope, Scope::Some(_)) {
                    break;
                }
            }
        }
        self.core.roles.tree.finish(walk);
        match scope {
            // All of them had their turn.
            Scope::All => Scope::Some(Vec::new()),
            some => some,
        }
    }

    /// Finds out without asking each role who could be given something.
    fn scope(&self, look: &mut Look) -> Scope {
        let core = &*self.core;
        let none = Scope::Some(Vec::new());
        let Some(agent) = core.agents.get(look.key) else { return none };
        if !agent.has_something() {
            return none;
        }
        let headroom = self.headroom_of(agent.free());
        // A limit may leave so little that it does not matter.
        let holds_back = !core.roles.quotas.has_limits() && self.is_short_of(&headroom);
        look.held |= holds_back;
        let unreserved =
            |resource: &&Resource| resource.is_unreserved() && !(holds_back && is_headroom(resource));
        let worth_it = match agent.reservations().is_empty() && agent.shared().is_empty() && !holds_back {
            // Most agents have nothing to sort out.
            true => is_allocatable(&core.options, agent.free()),
            false => {
                let all = agent.free().iter().chain(agent.shared());
                let open: Resources = all.filter(unreserved).cloned().collect();
                is_allocatable(&core.options, &open)
            }
        };
        if worth_it {
            return Scope::All;
        }
        let reserved = agent.reservations().keys();
        Scope::Some(core.roles.tree.roles_below(reserved.map(|role| &**role)))
    }

    /// Offers an agent to the frameworks of a role, and returns whether one got something.
    fn share_with(&mut self, look: &mut Look, role: RoleKey) -> bool {
        let Some(mut cursor) = self.core.roles.open(role, &self.core.excluded) else { return false };
        let mut given = false;
        while let Some(framework) = self.core.roles.get(role).and_then(|role| role.next(&mut cursor)) {
            match self.fair_part(look, role, framework) {
                Part::Some(resources, headroom) => {
                    self.available -= &headroom;
                    self.give(look.key, framework, role, resources);
                    given = true;
                }
                Part::None => {}
                Part::NoneForAll => break,
            }
        }
        self.core.roles.close(role, &cursor);
        look.given |= given;
        given
    }

    /// What a framework gets of an agent in a role.
    fn fair_part(&self, look: &mut Look, role: RoleKey, framework: FrameworkKey) -> Part {
        let (core, key) = (&*self.core, look.key);
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
        if !is_allocatable(&core.options, &*resources) {
            // The other frameworks of the role would see the same, but for those that see shared resources.
            return if agent.shared().is_empty() { Part::NoneForAll } else { Part::None };
        }
        resources = understood(resources, framework);
        let room = core.roles.room(&row.name, &core.ledger);
        if !room.is_unlimited() {
            resources = limited(resources, room, look);
        }
        let headroom = self.headroom_of(&resources);
        let held_back = self.is_short_of(&headroom);
        if held_back {
            look.held = true;
            let keep_reserved = !core.mutations.lacks(Fix::ReservationsAreNotHeld);
            resources = narrow(resources, |resource| keep_reserved && !is_headroom(resource));
        }
        if !is_allocatable(&core.options, &*resources)
            || self.is_filtered(key, agent, framework, (role, &row.name), &resources)
        {
            return Part::None;
        }
        Part::Some(resources.into_owned(), if held_back { Quantities::new() } else { headroom })
    }

    /// What giving these resources would take from what can serve quotas later.
    fn headroom_of(&self, resources: &Resources) -> Quantities {
        let mut headroom = Quantities::new();
        if !self.core.roles.quotas.is_empty() {
            for resource in resources.iter().filter(|resource| is_headroom(resource)) {
                headroom.increase(resource.name(), resource.scalar().unwrap_or_default());
            }
        }
        headroom
    }

    /// Whether quotas could not be met any more without these amounts.
    fn is_short_of(&self, headroom: &Quantities) -> bool {
        !self.required.is_empty() && !(self.available.clone() - headroom).contains(&self.required)
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

/// What of the resources fits into the room that limits leave: the rest is cut off, and left out whole if it
/// cannot be.
fn limited<'r>(resources: Cow<'r, Resources>, mut room: Room, look: &mut Look) -> Cow<'r, Resources> {
    let mut kept = Resources::new();
    for resource in resources.iter() {
        let mut resource = resource.clone();
        if is_headroom(&resource)
            && let Some(left) = room.of(resource.name())
        {
            look.held |= resource.scalar() > Some(left);
            if left.is_zero() || !resource.shrink(left) {
                continue;
            }
            room.use_up(resource.name(), resource.scalar().unwrap_or_default());
        }
        kept.insert(resource);
    }
    Cow::Owned(kept)
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
