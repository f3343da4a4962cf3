//! Inputs about agents.

use std::collections::BTreeMap;

use mesos_api::v1::{AgentId, AgentInfo, FrameworkId, Unavailability, agent_info};
use mesos_resources::Resources;

use crate::Allocation;
use crate::agent::{Agent, Capabilities, Maintenance};
use crate::ledger::Ledger;
use crate::roles::without;
use crate::table::AgentKey;

impl Allocation {
    pub(crate) fn add_agent(
        &mut self,
        id: AgentId,
        info: AgentInfo,
        capabilities: &[agent_info::Capability],
        unavailability: Option<Unavailability>,
        total: Resources,
        used: &BTreeMap<FrameworkId, Resources>,
    ) {
        self.remove_agent(&id);
        let mut agent = Agent::new(id.clone(), info, Capabilities::of(capabilities));
        agent.maintenance = unavailability.map(Maintenance::new);
        let maintained = agent.maintenance.is_some();
        agent.set_total(total);
        used.values().for_each(|resources| agent.allocate(resources));
        self.ledger.add(&agent);
        let key = self.agents.insert(id, agent);
        if maintained {
            self.maintained.insert(key);
        }
        self.reservations_changed(key);
        self.refresh_total();
        self.wake(key);
        self.charge_all(key, used);
        if self.hold.is_some_and(|hold| self.agents.len() >= hold.expected_agents) {
            self.hold = None;
        }
        self.mark(key);
    }

    /// What frameworks hold on the agent no longer counts, so that it does not matter whether the caller
    /// recovers it before, after, or never.
    pub(crate) fn remove_agent(&mut self, id: &AgentId) {
        let Some(key) = self.agents.key(id) else { return };
        let holders = self.agents.get(key).map(|agent| agent.holders.clone()).unwrap_or_default();
        for (role, framework) in holders {
            let member = self.roles.get(role).and_then(|role| role.member(framework));
            let held = member.and_then(|member| member.held().get(&key)).cloned().unwrap_or_default();
            self.release(key, framework, &held);
        }
        for (_, framework) in self.frameworks.iter_mut() {
            framework.forget_agent(key);
        }
        self.maintained.remove(&key);
        self.reservations_changed(key);
        let saturated = self.ledger.is_saturated();
        if let Some(agent) = self.agents.remove(id) {
            self.ledger.remove(&agent);
            if saturated {
                self.ledger = Ledger::default();
                self.agents.iter().for_each(|(_, agent)| self.ledger.add(agent));
            }
            self.refresh_total();
        }
    }

    /// Notes that quotas of the roles that something of an agent is reserved for may stand differently.
    fn reservations_changed(&mut self, key: AgentKey) {
        let Some(agent) = self.agents.get(key) else { return };
        agent.reservations().keys().for_each(|role| self.roles.quotas.touch(role));
    }

    pub(crate) fn set_agent_active(&mut self, id: &AgentId, active: bool) {
        if let Some(agent) = self.agents.key(id).and_then(|key| self.agents.get_mut(key)) {
            agent.active = active;
        }
        if let (true, Some(key)) = (active, self.agents.key(id)) {
            self.wake(key);
        }
    }

    pub(crate) fn update_agent(
        &mut self,
        id: &AgentId,
        info: AgentInfo,
        capabilities: Option<&[agent_info::Capability]>,
        total: Option<Resources>,
    ) {
        let Some(key) = self.agents.key(id) else { return };
        let Some(agent) = self.agents.get_mut(key) else { return };
        let mut changed = false;
        let attributes_changed = !agent.has_attributes(&info.attributes);
        if *agent.info != info {
            *agent.info = info;
            changed = true;
        }
        if let Some(capabilities) = capabilities.map(Capabilities::of)
            && agent.capabilities != capabilities
        {
            agent.capabilities = capabilities;
            changed = true;
        }
        if attributes_changed {
            self.forget_refusals_of(key);
        }
        if let Some(total) = total {
            changed |= self.set_agent_total(key, total);
        }
        if changed || attributes_changed {
            self.wake(key);
        }
        if changed {
            self.mark(key);
        }
    }

    /// Frameworks may have refused the agent for what it was: they hear of it again, even in roles that they
    /// suppressed after refusing it.
    fn forget_refusals_of(&mut self, agent: AgentKey) {
        let mut revived = Vec::new();
        for (key, framework) in self.frameworks.iter_mut() {
            for role in framework.forget_agent(agent) {
                if let Some(role) = self.roles.get(role)
                    && framework.suppressed.remove(&*role.name)
                {
                    revived.push(key);
                }
            }
        }
        if !revived.is_empty() {
            self.attentions.wake_all();
        }
        revived.into_iter().for_each(|framework| self.refresh_roles(framework));
    }

    pub(crate) fn add_resource_provider(
        &mut self,
        id: &AgentId,
        total: &Resources,
        used: &BTreeMap<FrameworkId, Resources>,
    ) {
        let Some(key) = self.agents.key(id) else { return };
        let Some(agent) = self.agents.get(key) else { return };
        let total = agent.total() + total;
        self.set_agent_total(key, total);
        self.with_free(key, |agent| used.values().for_each(|resources| agent.allocate(resources)));
        self.wake(key);
        self.charge_all(key, used);
    }

    pub(crate) fn update_unavailability(&mut self, id: &AgentId, unavailability: Option<Unavailability>) {
        let Some(key) = self.agents.key(id) else { return };
        for (_, framework) in self.frameworks.iter_mut() {
            framework.inverse_refusals.remove(&key);
        }
        if let Some(agent) = self.agents.get_mut(key) {
            agent.maintenance = unavailability.map(Maintenance::new);
        }
        if unavailability.is_some() {
            self.maintained.insert(key);
        } else {
            self.maintained.remove(&key);
        }
        self.mark(key);
    }

    fn charge_all(&mut self, agent: AgentKey, used: &BTreeMap<FrameworkId, Resources>) {
        for (framework, resources) in used {
            // One that is not known yet brings what it uses when it is added.
            if let Some(framework) = self.frameworks.key(framework) {
                self.charge(agent, framework, resources);
            }
        }
    }

    /// Sets what an agent has and returns whether that is different.
    pub(crate) fn set_agent_total(&mut self, key: AgentKey, total: Resources) -> bool {
        let Some(agent) = self.agents.get_mut(key) else { return false };
        if *agent.total() == total {
            return false;
        }
        self.ledger.remove(agent);
        agent.reservations().keys().for_each(|role| self.roles.quotas.touch(role));
        agent.set_total(total);
        agent.reservations().keys().for_each(|role| self.roles.quotas.touch(role));
        self.ledger.add(agent);
        self.refresh_total();
        self.roles.quotas.loosen();
        self.wake(key);
        true
    }

    /// Changes what is allocated of an agent.
    pub(crate) fn with_free(&mut self, key: AgentKey, change: impl FnOnce(&mut Agent)) {
        let Some(agent) = self.agents.get_mut(key) else { return };
        self.ledger.remove_free(agent);
        change(agent);
        self.ledger.add_free(agent);
    }

    fn refresh_total(&mut self) {
        self.roles.tree.set_total(without(self.ledger.total(), &self.excluded));
    }
}
