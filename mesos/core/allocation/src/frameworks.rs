//! Inputs about frameworks.

use std::collections::{BTreeMap, BTreeSet};

use mesos_api::v1::{AgentId, FrameworkId, FrameworkInfo};
use mesos_resources::Resources;
use stout::Time;

use crate::Allocation;
use crate::framework::Framework;
use crate::ranking;
use crate::table::{AgentKey, FrameworkKey, RoleKey};

impl Allocation {
    pub(crate) fn add_framework(
        &mut self,
        id: FrameworkId,
        info: &FrameworkInfo,
        used: &BTreeMap<AgentId, Resources>,
        active: bool,
        suppressed: BTreeSet<String>,
        now: Time,
    ) {
        self.remove_framework(&id);
        let mut framework = Framework::new(id.clone(), info, active, now);
        framework.suppressed = suppressed;
        framework.place = self.place(&id);
        let key = self.frameworks.insert(id, framework);
        self.refresh_roles(key);
        for (agent, resources) in used {
            // The agent knows already what is allocated of it.
            if let Some(agent) = self.agents.key(agent) {
                self.charge(agent, key, resources);
            }
        }
        if active {
            self.attentions.wake_all();
            self.mark_all();
        }
    }

    pub(crate) fn remove_framework(&mut self, id: &FrameworkId) {
        let Some(key) = self.frameworks.key(id) else { return };
        let Some(framework) = self.frameworks.remove(id) else { return };
        for role in framework.member_of {
            let member = self.roles.get(role).and_then(|role| role.member(key));
            let held = member.map(|member| member.held().clone()).unwrap_or_default();
            for (agent, resources) in held {
                self.release_in(role, agent, key, &resources);
            }
            self.roles.leave(role, key);
        }
    }

    /// A place for a new framework by its identity.
    fn place(&mut self, id: &FrameworkId) -> u64 {
        let [before, after] = self.frameworks.neighbours(id);
        let place_of = |key: Option<FrameworkKey>| Some(self.frameworks.get(key?)?.place);
        if let Some(place) = ranking::between(place_of(before), place_of(after)) {
            return place;
        }
        let mut places = ranking::spread(self.frameworks.len() + 1);
        let mut ours = if before.is_none() { places.next() } else { None };
        for key in self.frameworks.keys().collect::<Vec<_>>() {
            let Some(place) = places.next() else { continue };
            let Some(framework) = self.frameworks.get_mut(key) else { continue };
            framework.place = place;
            framework.member_of.iter().for_each(|role| self.roles.set_place(*role, key, place));
            if before == Some(key) {
                ours = places.next();
            }
        }
        ours.unwrap_or_default()
    }

    pub(crate) fn activate_framework(&mut self, id: &FrameworkId) {
        let Some(key) = self.frameworks.key(id) else { return };
        if let Some(framework) = self.frameworks.get_mut(key) {
            framework.active = true;
        }
        self.refresh_roles(key);
        self.attentions.wake_all();
        self.mark_all();
    }

    pub(crate) fn deactivate_framework(&mut self, id: &FrameworkId) {
        let Some(key) = self.frameworks.key(id) else { return };
        if let Some(framework) = self.frameworks.get_mut(key) {
            framework.active = false;
            framework.forget_refusals();
        }
        self.refresh_roles(key);
    }

    pub(crate) fn update_framework(
        &mut self,
        id: &FrameworkId,
        info: &FrameworkInfo,
        suppressed: BTreeSet<String>,
    ) {
        let Some(key) = self.frameworks.key(id) else { return };
        if let Some(framework) = self.frameworks.get_mut(key) {
            framework.update(info);
            framework.suppressed = suppressed;
        }
        self.refresh_roles(key);
        self.attentions.wake_all();
    }

    pub(crate) fn suppress(&mut self, id: &FrameworkId, roles: BTreeSet<String>) {
        let Some(key) = self.frameworks.key(id) else { return };
        if let Some(framework) = self.frameworks.get_mut(key) {
            let roles = if roles.is_empty() { framework.roles.clone() } else { roles };
            framework.suppressed.extend(roles);
        }
        self.refresh_roles(key);
    }

    pub(crate) fn revive(&mut self, id: &FrameworkId, roles: BTreeSet<String>) {
        let Some(key) = self.frameworks.key(id) else { return };
        if let Some(framework) = self.frameworks.get_mut(key) {
            // Reviving one role drops the refusals in all.
            framework.forget_refusals();
            if roles.is_empty() {
                framework.suppressed.clear();
            } else {
                framework.suppressed.retain(|role| !roles.contains(role));
            }
        }
        self.refresh_roles(key);
        self.attentions.wake_all();
        self.mark_all();
    }

    /// Brings the roles in step with what a framework subscribed in, wants, and holds.
    pub(crate) fn refresh_roles(&mut self, key: FrameworkKey) {
        let Some(framework) = self.frameworks.get_mut(key) else { return };
        let roles = &framework.roles;
        framework.suppressed.retain(|role| roles.contains(role));
        for name in &framework.roles {
            let role = self.roles.join(name, key, framework.place);
            framework.member_of.insert(role);
        }
        let mut left = Vec::new();
        for role in &framework.member_of {
            let Some(name) = self.roles.get(*role).map(|role| role.name.clone()) else { continue };
            self.roles.set_active(*role, key, framework.wants(&name));
            if !framework.roles.contains(&*name) {
                framework.refusals.retain(|(_, refused), _| refused != role);
                if self.roles.is_idle(*role, key) {
                    left.push(*role);
                }
            }
        }
        for role in left {
            framework.member_of.remove(&role);
            self.roles.leave(role, key);
        }
    }

    /// Counts allocated resources for the roles they are allocated to.
    pub(crate) fn charge(&mut self, agent: AgentKey, key: FrameworkKey, resources: &Resources) {
        for (name, resources) in resources.allocations() {
            let Some(framework) = self.frameworks.get_mut(key) else { return };
            // It may hold what it got in a role that it has left since.
            let role = self.roles.join(&name, key, framework.place);
            framework.member_of.insert(role);
            self.charge_in(role, agent, key, &resources);
        }
    }

    /// Counts resources that are allocated to one role.
    pub(crate) fn charge_in(
        &mut self,
        role: RoleKey,
        agent: AgentKey,
        framework: FrameworkKey,
        resources: &Resources,
    ) {
        self.roles.charge(role, framework, agent, resources);
        if let Some(agent) = self.agents.get_mut(agent) {
            agent.set_holder(role, framework, true);
        }
    }

    /// No longer counts allocated resources.
    pub(crate) fn release(&mut self, agent: AgentKey, key: FrameworkKey, resources: &Resources) {
        for (name, resources) in resources.allocations() {
            let Some(role) = self.roles.key(&name) else { continue };
            self.release_in(role, agent, key, &resources);
            let Some(framework) = self.frameworks.get_mut(key) else { return };
            if !framework.roles.contains(&name) && self.roles.is_idle(role, key) {
                framework.member_of.remove(&role);
                self.roles.leave(role, key);
            }
        }
    }

    /// No longer counts resources that were allocated to one role.
    fn release_in(&mut self, role: RoleKey, agent: AgentKey, framework: FrameworkKey, resources: &Resources) {
        if self.roles.release(role, framework, agent, resources)
            && let Some(agent) = self.agents.get_mut(agent)
        {
            agent.set_holder(role, framework, false);
        }
    }
}
