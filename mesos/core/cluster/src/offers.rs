//! Offers and inverse offers: made from what the allocator gives, and taken back.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesos_allocation::Input as Allocate;
use mesos_api::v1::allocator::InverseOfferStatus;
use mesos_api::v1::resource::AllocationInfo;
use mesos_api::v1::{
    self, Address, AgentId, Filters, FrameworkId, InverseOffer, OfferId, Unavailability, Url,
};
use mesos_resources::{Resources, format};

use crate::accounting::{credit, debit};
use crate::agent::Agent;
use crate::capabilities::FrameworkCapabilities;
use crate::cluster::Cluster;
use crate::event::SchedulerEvent;
use crate::input::Timer;
use crate::offer::Offer;
use crate::step::Step;

/// Ports for containers of one isolator; no framework may see them.
const EPHEMERAL_PORTS: &str = "ephemeral_ports";

impl Cluster {
    /// Offers what the allocator gives to a framework, by role and agent.
    pub(crate) fn offer(
        &mut self,
        framework: &FrameworkId,
        given: BTreeMap<String, BTreeMap<AgentId, Resources>>,
        cx: &mut Step<'_>,
    ) {
        let reachable = self.framework(framework).is_some_and(|framework| framework.is_active());
        let mut offers = Vec::new();
        let mut agent_pids = Vec::new();
        for (role, agents) in given {
            for (agent, resources) in agents {
                match self.agent(&agent) {
                    Some(entry) if reachable && entry.is_active() => {
                        agent_pids.push(entry.peer.pid.clone());
                        if let Some(offer) = self.make_offer(framework, &role, &agent, resources, cx) {
                            offers.push(offer);
                        }
                    }
                    // The allocator did not know yet.
                    _ => self.recover_resources(framework, &agent, resources, None, cx),
                }
            }
        }
        if !offers.is_empty() {
            cx.tell(self.connected_framework(framework), SchedulerEvent::Offers { offers, agent_pids });
        }
    }

    /// Makes one offer and returns it as the framework is to see it.
    fn make_offer(
        &mut self,
        framework: &FrameworkId,
        role: &str,
        agent: &AgentId,
        resources: Resources,
        cx: &mut Step<'_>,
    ) -> Option<v1::Offer> {
        let id = self.ids.offer();
        let capabilities = self.framework(framework)?.capabilities;
        let entry = self.agent(agent)?;
        let info = v1::Offer {
            id: id.clone(),
            framework_id: framework.clone(),
            agent_id: agent.clone(),
            hostname: entry.info.hostname.clone(),
            url: Some(agent_url(entry)),
            domain: entry.info.domain.clone(),
            resources: resources.to_protos(),
            attributes: entry.info.attributes.clone(),
            executor_ids: entry
                .executors
                .get(framework)
                .map(|executors| executors.keys().cloned().collect())
                .unwrap_or_default(),
            unavailability: self.unavailability(&entry.machine),
            allocation_info: Some(AllocationInfo { role: Some(role.to_owned()) }),
        };
        let shown = as_framework_sees(&info, capabilities);
        let offer = Arc::new(Offer {
            id: id.clone(),
            framework: framework.clone(),
            agent: agent.clone(),
            role: role.to_owned(),
            resources,
            info,
        });
        if let Some(entry) = self.agent_mut(agent) {
            entry.offers.insert(id.clone());
            entry.offered += &offer.resources;
        }
        if let Some(entry) = self.framework_mut(framework) {
            entry.offers.insert(id.clone(), Arc::clone(&offer));
            credit(&mut entry.offered, agent, &offer.resources);
        }
        self.state.offers.insert(id.clone(), offer);
        if let Some(timeout) = self.options.offer_timeout {
            cx.after(timeout, Timer::OfferExpired(id));
        }
        Some(shown)
    }

    /// Takes an offer out of the books, telling nobody.
    pub(crate) fn take_offer(&mut self, id: &OfferId) -> Option<Arc<Offer>> {
        let offer = self.state.offers.remove(id)?;
        if let Some(agent) = self.agent_mut(&offer.agent) {
            agent.offers.remove(id);
            agent.offered -= &offer.resources;
        }
        if let Some(framework) = self.framework_mut(&offer.framework) {
            framework.offers.remove(id);
            debit(&mut framework.offered, &offer.agent, &offer.resources);
        }
        Some(offer)
    }

    /// Ends an offer and gives its resources back to the allocator.
    pub(crate) fn return_offer(
        &mut self,
        id: &OfferId,
        filters: Option<Filters>,
        rescind: bool,
        cx: &mut Step<'_>,
    ) {
        let Some(offer) = self.take_offer(id) else { return };
        self.recover_resources(&offer.framework, &offer.agent, offer.resources.clone(), filters, cx);
        if rescind {
            cx.tell(self.connected_framework(&offer.framework), SchedulerEvent::Rescind(id.clone()));
        }
    }

    pub(crate) fn offer_expired(&mut self, id: &OfferId, cx: &mut Step<'_>) {
        self.return_offer(id, None, true, cx);
        self.return_inverse_offer(id, true, cx);
    }

    /// Ends all offers and inverse offers of a framework.
    pub(crate) fn remove_framework_offers(&mut self, id: &FrameworkId, rescind: bool, cx: &mut Step<'_>) {
        let Some(framework) = self.framework(id) else { return };
        let offers: Vec<_> = framework.offers.keys().cloned().collect();
        let inverse: Vec<_> = framework.inverse_offers.keys().cloned().collect();
        for offer in offers {
            self.return_offer(&offer, None, rescind, cx);
        }
        for offer in inverse {
            self.return_inverse_offer(&offer, rescind, cx);
        }
    }

    /// Rescinds all offers of an agent's resources.
    pub(crate) fn rescind_agent_offers(&mut self, id: &AgentId, cx: &mut Step<'_>) {
        let Some(agent) = self.agent(id) else { return };
        for offer in agent.offers.iter().cloned().collect::<Vec<_>>() {
            self.return_offer(&offer, None, true, cx);
        }
    }

    /// Rescinds all inverse offers for an agent.
    pub(crate) fn rescind_agent_inverse_offers(&mut self, id: &AgentId, cx: &mut Step<'_>) {
        let Some(agent) = self.agent(id) else { return };
        for offer in agent.inverse_offers.iter().cloned().collect::<Vec<_>>() {
            self.return_inverse_offer(&offer, true, cx);
        }
    }

    /// Asks a framework to leave agents.
    pub(crate) fn inverse_offer(
        &mut self,
        framework: &FrameworkId,
        agents: BTreeMap<AgentId, Unavailability>,
        cx: &mut Step<'_>,
    ) {
        if !self.framework(framework).is_some_and(|framework| framework.is_active()) {
            return;
        }
        let mut offers = Vec::new();
        let mut agent_pids = Vec::new();
        for (agent, unavailability) in agents {
            let Some(entry) = self.agent(&agent).filter(|entry| entry.is_active()) else { continue };
            let url = agent_url(entry);
            agent_pids.push(entry.peer.pid.clone());
            let id = self.ids.offer();
            let offer = InverseOffer {
                id: id.clone(),
                url: Some(url),
                framework_id: framework.clone(),
                agent_id: Some(agent.clone()),
                unavailability,
                resources: Vec::new(),
            };
            let shared = Arc::new(offer.clone());
            if let Some(entry) = self.agent_mut(&agent) {
                entry.inverse_offers.insert(id.clone());
            }
            if let Some(entry) = self.framework_mut(framework) {
                entry.inverse_offers.insert(id.clone(), Arc::clone(&shared));
            }
            self.state.inverse_offers.insert(id.clone(), shared);
            if let Some(timeout) = self.options.offer_timeout {
                cx.after(timeout, Timer::OfferExpired(id));
            }
            offers.push(offer);
        }
        if !offers.is_empty() {
            cx.tell(
                self.connected_framework(framework),
                SchedulerEvent::InverseOffers { offers, agent_pids },
            );
        }
    }

    /// Takes an inverse offer out of the books, telling nobody.
    pub(crate) fn take_inverse_offer(&mut self, id: &OfferId) -> Option<Arc<InverseOffer>> {
        let offer = self.state.inverse_offers.remove(id)?;
        if let Some(agent) = offer.agent_id.as_ref().and_then(|agent| self.agent_mut(agent)) {
            agent.inverse_offers.remove(id);
        }
        if let Some(framework) = self.framework_mut(&offer.framework_id) {
            framework.inverse_offers.remove(id);
        }
        Some(offer)
    }

    /// Ends an inverse offer without an answer.
    fn return_inverse_offer(&mut self, id: &OfferId, rescind: bool, cx: &mut Step<'_>) {
        let Some(offer) = self.take_inverse_offer(id) else { return };
        self.report_inverse_offer(&offer, None, None, cx);
        if rescind {
            cx.tell(
                self.connected_framework(&offer.framework_id),
                SchedulerEvent::RescindInverse(id.clone()),
            );
        }
    }

    /// Tells the allocator how an inverse offer ended.
    pub(crate) fn report_inverse_offer(
        &self,
        offer: &InverseOffer,
        status: Option<InverseOfferStatus>,
        filters: Option<Filters>,
        cx: &mut Step<'_>,
    ) {
        // Without its agent there is nobody to leave.
        let Some(agent) = offer.agent_id.clone().filter(|agent| self.state.agents.contains_key(agent)) else {
            return;
        };
        cx.allocate(Allocate::UpdateInverseOffer {
            agent,
            framework: offer.framework_id.clone(),
            status,
            filters,
        });
    }
}

/// Where an agent's HTTP API is.
fn agent_url(agent: &Agent) -> Url {
    let (id, address) = agent.peer.pid.split_once('@').unwrap_or(("", &agent.peer.pid));
    let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(0);
    Url {
        scheme: "http".to_owned(),
        address: Address {
            hostname: Some(agent.info.hostname.clone()),
            ip: Some(agent.peer.ip.clone()),
            port,
        },
        path: Some(format!("/{id}")),
        query: Vec::new(),
        fragment: None,
    }
}

/// The offer in the words that the framework knows.
fn as_framework_sees(offer: &v1::Offer, capabilities: FrameworkCapabilities) -> v1::Offer {
    let mut shown = offer.clone();
    shown.resources.retain(|resource| resource.name != EPHEMERAL_PORTS);
    if !capabilities.multi_role {
        // MESOS-8237: old schedulers compare whole resources.
        shown.allocation_info = None;
        format::unallocate_all(&mut shown);
    }
    if !capabilities.reservation_refinement {
        // The allocator offers no refined reservations to such a framework.
        shown.resources.retain(|resource| resource.reservations.len() <= 1);
        shown.resources.iter_mut().for_each(|resource| {
            let _ = format::downgrade(resource);
        });
    }
    shown
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::resource::ReservationInfo;
    use mesos_api::v1::resource::reservation_info::Type;

    use super::*;

    fn offer() -> v1::Offer {
        let mut resources = Resources::parse("cpus:1;ephemeral_ports:[1-2]", "*").unwrap();
        resources += Resources::parse("mem:32", "*").unwrap().push_reservation(&ReservationInfo {
            r#type: Some(Type::Dynamic as i32),
            role: Some("web".into()),
            principal: Some("p".into()),
            labels: None,
        });
        resources.allocate("web");
        v1::Offer {
            resources: resources.to_protos(),
            allocation_info: Some(AllocationInfo { role: Some("web".into()) }),
            ..v1::Offer::default()
        }
    }

    /// MESOS-8237: a framework without MULTI_ROLE sees no allocation info.
    #[test]
    fn mesos_8237() {
        let shown = as_framework_sees(&offer(), FrameworkCapabilities::default());
        assert_eq!(shown.allocation_info, None);
        assert!(shown.resources.iter().all(|resource| resource.allocation_info.is_none()));
        let capable = FrameworkCapabilities { multi_role: true, ..FrameworkCapabilities::default() };
        let shown = as_framework_sees(&offer(), capable);
        assert!(shown.resources.iter().all(|resource| resource.allocation_info.is_some()));
    }

    #[test]
    fn framework_without_refinement_sees_the_old_form_of_reservations() {
        let shown = as_framework_sees(&offer(), FrameworkCapabilities::default());
        let mem = shown.resources.iter().find(|resource| resource.name == "mem").unwrap();
        assert!(mem.reservations.is_empty());
        assert_eq!(mem.role.as_deref(), Some("web"));
        assert_eq!(mem.reservation.as_ref().and_then(|it| it.principal.as_deref()), Some("p"));
    }

    #[test]
    fn ephemeral_ports_are_not_shown() {
        let shown = as_framework_sees(&offer(), FrameworkCapabilities::default());
        assert!(shown.resources.iter().all(|resource| resource.name != EPHEMERAL_PORTS));
    }
}
