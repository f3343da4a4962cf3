//! Inputs about frameworks.

use std::collections::{BTreeMap, BTreeSet};

use mesos_api::v1::{AgentId, FrameworkId, FrameworkInfo};
use mesos_resources::Resources;

use crate::Allocation;
use crate::framework::Framework;
use crate::table::{AgentKey, FrameworkKey};

impl Allocation {
    pub(crate) fn add_framework(
        &mut self,
        id: FrameworkId,
        info: &FrameworkInfo,
        used: &BTreeMap<AgentId, Resources>,
        active: bool,
        suppressed: BTreeSet<String>,
    ) {
        self.remove_framework(&id);
        let mut framework = Framework::new(id.clone(), info, active);
        framework.suppressed = suppressed;
        let key = self.frameworks.insert(id, framework);
        self.refresh_roles(key);
        for (agent, resources) in used {
            // The agent knows already what is allocated of it.
            if let Some(agent) = self.agents.key(agent) {
                self.charge(agent, key, resources);
            }
        }
        if active {
            self.mark_all();
        }
    }

    pub(crate) fn remove_framework(&mut self, id: &FrameworkId) {
        let Some(framework) = self.frameworks.remove(id) else { return };
        for role in framework.member_of {
            let held = self.roles.held(role, id).cloned().unwrap_or_default();
            for (agent, resources) in &held {
                self.roles.release(role, id, *agent, resources);
            }
            self.roles.leave(role, id);
        }
    }

    pub(crate) fn activate_framework(&mut self, id: &FrameworkId) {
        let Some(key) = self.frameworks.key(id) else { return };
        if let Some(framework) = self.frameworks.get_mut(key) {
            framework.active = true;
        }
        self.refresh_roles(key);
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
        self.mark_all();
    }

    /// Brings the roles in step with what a framework subscribed in, wants, and holds.
    pub(crate) fn refresh_roles(&mut self, key: FrameworkKey) {
        let Some(framework) = self.frameworks.get_mut(key) else { return };
        let roles = &framework.roles;
        framework.suppressed.retain(|role| roles.contains(role));
        for name in &framework.roles {
            let role = self.roles.join(name, key, &framework.id);
            framework.member_of.insert(role);
        }
        let mut left = Vec::new();
        for role in &framework.member_of {
            let Some(name) = self.roles.get(*role).map(|role| role.name.clone()) else { continue };
            self.roles.set_active(*role, &framework.id, framework.wants(&name));
            if !framework.roles.contains(&*name) {
                framework.refusals.retain(|(refused, _), _| refused != role);
                if self.roles.is_idle(*role, &framework.id) {
                    left.push(*role);
                }
            }
        }
        for role in left {
            framework.member_of.remove(&role);
            self.roles.leave(role, &framework.id);
        }
    }

    /// Counts allocated resources for the roles they are allocated to.
    pub(crate) fn charge(&mut self, agent: AgentKey, key: FrameworkKey, resources: &Resources) {
        let Some(framework) = self.frameworks.get_mut(key) else { return };
        for (name, resources) in resources.allocations() {
            // It may hold what it got in a role that it has left since.
            let role = self.roles.join(&name, key, &framework.id);
            framework.member_of.insert(role);
            self.roles.charge(role, &framework.id, agent, &resources);
        }
    }

    /// No longer counts allocated resources.
    pub(crate) fn release(&mut self, agent: AgentKey, key: FrameworkKey, resources: &Resources) {
        let Some(framework) = self.frameworks.get_mut(key) else { return };
        for (name, resources) in resources.allocations() {
            let Some(role) = self.roles.key(&name) else { continue };
            self.roles.release(role, &framework.id, agent, &resources);
            if !framework.roles.contains(&name) && self.roles.is_idle(role, &framework.id) {
                framework.member_of.remove(&role);
                self.roles.leave(role, &framework.id);
            }
        }
    }
}
