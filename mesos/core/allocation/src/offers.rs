//! Inputs about what was offered.

use std::collections::BTreeMap;

use mesos_api::v1::allocator::InverseOfferStatus;
use mesos_api::v1::offer::Operation;
use mesos_api::v1::{AgentId, Filters, FrameworkId};
use mesos_resources::{Conversion, ResourceError, Resources, format};
use stout::Time;

use crate::Allocation;
use crate::filter::{Refusal, refuse_time};
use crate::table::{AgentKey, FrameworkKey};

impl Allocation {
    pub(crate) fn update_allocation(
        &mut self,
        framework: &FrameworkId,
        agent: &AgentId,
        offered: &Resources,
        conversions: &[Conversion],
    ) {
        let (Some(framework), Some(key)) = (self.frameworks.key(framework), self.agents.key(agent)) else {
            return;
        };
        let converted =
            conversions.iter().try_fold(offered.clone(), |all, conversion| all.convert(conversion));
        // The caller checked the operations against the offer: a mismatch is its error, and changes nothing.
        let Ok(converted) = converted else { return };
        self.release(key, framework, offered);
        self.charge(key, framework, &converted);
        let Some(agent) = self.agents.get(key) else { return };
        let mut total = agent.total().clone();
        for conversion in conversions {
            // A further copy of a shared resource is no more than there was.
            if conversion.consumed.is_empty() {
                continue;
            }
            let mut bare = Conversion { destroys: false, ..conversion.clone() };
            bare.consumed.unallocate();
            bare.converted.unallocate();
            total = total.convert(&bare).unwrap_or(total);
        }
        self.with_free(key, |agent| {
            agent.recover(offered);
            agent.allocate(&converted);
        });
        self.set_agent_total(key, total);
        self.wake(key);
    }

    pub(crate) fn update_available(
        &mut self,
        agent: &AgentId,
        operations: &[Operation],
    ) -> Result<(), ResourceError> {
        let unknown = || ResourceError::Operation(format!("unknown agent '{}'", agent.value));
        let key = self.agents.key(agent).ok_or_else(unknown)?;
        let agent = self.agents.get(key).ok_or_else(unknown)?;
        let (mut available, mut total) = (agent.available(), agent.total().clone());
        for operation in operations {
            let mut operation = operation.clone();
            format::unallocate_all(&mut operation);
            available = available.apply(&operation)?;
            total = total.apply(&operation)?;
        }
        self.set_agent_total(key, total);
        Ok(())
    }

    pub(crate) fn recover_resources(
        &mut self,
        framework: &FrameworkId,
        agent: &AgentId,
        resources: &Resources,
        filters: Option<&Filters>,
        now: Time,
    ) {
        // Whatever was held on an agent that is gone does not count already.
        let Some(agent) = self.agents.key(agent) else { return };
        self.with_free(agent, |agent| agent.recover(resources));
        self.wake(agent);
        let Some(framework) = self.frameworks.key(framework) else { return };
        self.release(agent, framework, resources);
        if let Some(time) = filters.and_then(refuse_time) {
            // At least one periodic run must see the refusal.
            let until = now + time.max(self.options.allocation_interval);
            for (role, resources) in resources.allocations() {
                self.refuse(framework, &role, agent, resources, until);
            }
        }
    }

    fn refuse(
        &mut self,
        key: FrameworkKey,
        role: &str,
        agent: AgentKey,
        mut resources: Resources,
        until: Time,
    ) {
        let Some(framework) = self.frameworks.get_mut(key) else { return };
        let Some(role) = self.roles.key(role).filter(|_| framework.roles.contains(role)) else { return };
        let Some(counted) = self.roles.get(role).map(|role| role.refusals.clone()) else { return };
        resources.unallocate();
        let number = self.expiries.plan(until, key, Some(role), agent);
        let refusals = framework.refusals.entry((agent, role)).or_default();
        // One that hides less and ends sooner is of no use beside the new one.
        refusals.retain(|old| old.until > until || !resources.contains(&old.resources));
        refusals.push(Refusal { resources, until, number, _counted: counted });
        self.clear_out_expiries();
    }

    pub(crate) fn update_inverse_offer(
        &mut self,
        agent: &AgentId,
        framework: &FrameworkId,
        status: Option<InverseOfferStatus>,
        filters: Option<&Filters>,
        now: Time,
    ) {
        let Some(key) = self.agents.key(agent) else { return };
        let Some(maintenance) = self.agents.get_mut(key).and_then(|agent| agent.maintenance.as_mut()) else {
            return;
        };
        // An answer to what is not asked any more does not count.
        if maintenance.outstanding.remove(framework)
            && let Some(status) = status
        {
            maintenance.statuses.insert(framework.clone(), status);
        }
        let Some(time) = filters.and_then(refuse_time) else { return };
        let Some(framework) = self.frameworks.key(framework) else { return };
        let number = self.expiries.plan(now + time, framework, None, key);
        if let Some(framework) = self.frameworks.get_mut(framework) {
            framework.inverse_refusals.entry(key).or_default().insert(number);
        }
        self.clear_out_expiries();
    }

    pub(crate) fn inverse_offer_statuses(
        &self,
    ) -> BTreeMap<AgentId, BTreeMap<FrameworkId, InverseOfferStatus>> {
        self.agents
            .iter()
            .filter_map(|(_, agent)| Some((agent.id.clone(), agent.maintenance.as_ref()?.statuses.clone())))
            .collect()
    }

    fn clear_out_expiries(&mut self) {
        if !self.expiries.is_crowded() {
            return;
        }
        let frameworks = &self.frameworks;
        self.expiries.clear_out(|expiry| {
            frameworks.get(expiry.framework).is_some_and(|framework| match expiry.role {
                Some(role) => framework
                    .refusals
                    .get(&(expiry.agent, role))
                    .is_some_and(|refusals| refusals.iter().any(|refusal| refusal.number == expiry.number)),
                None => framework
                    .inverse_refusals
                    .get(&expiry.agent)
                    .is_some_and(|refusals| refusals.contains(&expiry.number)),
            })
        });
    }

    /// Drops the refusals that have ended.
    pub(crate) fn expire(&mut self, now: Time) {
        while let Some(expiry) = self.expiries.pop(now) {
            let Some(framework) = self.frameworks.get_mut(expiry.framework) else { continue };
            // The refusal may be gone and its keys in use for something else: its number tells.
            match expiry.role {
                Some(role) => {
                    let place = (expiry.agent, role);
                    if let Some(refusals) = framework.refusals.get_mut(&place) {
                        let before = refusals.len();
                        refusals.retain(|refusal| refusal.number != expiry.number);
                        let ended = refusals.len() < before;
                        if refusals.is_empty() {
                            framework.refusals.remove(&place);
                        }
                        if ended {
                            self.wake(expiry.agent);
                        }
                    }
                }
                None => {
                    if let Some(refusals) = framework.inverse_refusals.get_mut(&expiry.agent) {
                        refusals.remove(&expiry.number);
                        if refusals.is_empty() {
                            framework.inverse_refusals.remove(&expiry.agent);
                        }
                    }
                }
            }
        }
    }
}
