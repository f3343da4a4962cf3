//! What the allocation knows of an agent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mesos_api::v1::agent_info::{self, capability::Type as Capability};
use mesos_api::v1::allocator::InverseOfferStatus;
use mesos_api::v1::{AgentId, AgentInfo, Attribute, DomainInfo, FrameworkId, Unavailability};
use mesos_resources::{Quantities, Resource, Resources};

use crate::table::{FrameworkKey, RoleKey};

#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    /// Apart, for runs seldom look at it and go over many agents.
    pub(crate) info: Box<AgentInfo>,
    pub(crate) capabilities: Capabilities,
    pub(crate) active: bool,
    pub(crate) attention: Attention,
    pub(crate) maintenance: Option<Maintenance>,
    /// Who holds something here, in which role; sorted.
    pub(crate) holders: Vec<(RoleKey, FrameworkKey)>,
    total: Resources,
    /// With the roles it is allocated to.
    allocated: Resources,
    /// What is not shared and not allocated.
    free: Resources,
    /// One copy of each shared resource: they can be offered while in use.
    shared: Resources,
    free_revocable: Quantities,
    /// Whether more is allocated than there is, after the agent shrank.
    overdrawn: bool,
    has_gpus: bool,
    reservations: BTreeMap<Arc<str>, Quantities>,
}

/// Whether runs look at an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attention {
    /// Whether the next run looks at it, whatever else it looks at.
    pub(crate) candidate: bool,
    /// Whether it is on the list of those that the next run over all agents looks at.
    pub(crate) listed: bool,
    /// Whether it is on the list of those that settled because quotas held something back.
    pub(crate) held: bool,
    /// In which age a run found nothing to offer of it; see [`Attentions`](crate::attention::Attentions).
    pub(crate) settled: Option<u64>,
}

/// What an agent understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    pub(crate) multi_role: bool,
    pub(crate) hierarchical_role: bool,
}

impl Capabilities {
    pub(crate) fn of(capabilities: &[agent_info::Capability]) -> Self {
        let has = |wanted| capabilities.iter().any(|capability| capability.r#type() == wanted);
        Self { multi_role: has(Capability::MultiRole), hierarchical_role: has(Capability::HierarchicalRole) }
    }
}

/// That an agent is planned to go away.
#[derive(Debug)]
pub(crate) struct Maintenance {
    pub(crate) unavailability: Unavailability,
    /// Who was asked to leave and has not answered.
    pub(crate) outstanding: BTreeSet<FrameworkId>,
    /// The latest answers.
    pub(crate) statuses: BTreeMap<FrameworkId, InverseOfferStatus>,
}

impl Maintenance {
    pub(crate) fn new(unavailability: Unavailability) -> Self {
        Self { unavailability, outstanding: BTreeSet::new(), statuses: BTreeMap::new() }
    }
}

impl Agent {
    pub(crate) fn new(id: AgentId, info: AgentInfo, capabilities: Capabilities) -> Self {
        Self {
            id,
            info: Box::new(info),
            capabilities,
            active: true,
            attention: Attention::default(),
            maintenance: None,
            holders: Vec::new(),
            total: Resources::new(),
            allocated: Resources::new(),
            free: Resources::new(),
            shared: Resources::new(),
            free_revocable: Quantities::new(),
            overdrawn: false,
            has_gpus: false,
            reservations: BTreeMap::new(),
        }
    }

    pub(crate) fn total(&self) -> &Resources {
        &self.total
    }

    pub(crate) fn free(&self) -> &Resources {
        &self.free
    }

    pub(crate) fn shared(&self) -> &Resources {
        &self.shared
    }

    pub(crate) fn free_revocable(&self) -> &Quantities {
        &self.free_revocable
    }

    pub(crate) fn has_gpus(&self) -> bool {
        self.has_gpus
    }

    /// Whether there is anything that could be offered.
    pub(crate) fn has_something(&self) -> bool {
        !(self.free.is_empty() && self.shared.is_empty())
    }

    /// What is not allocated, shared resources only if no copy is.
    pub(crate) fn available(&self) -> Resources {
        let mut allocated = self.allocated.clone();
        allocated.unallocate();
        &self.total - &allocated
    }

    pub(crate) fn set_total(&mut self, total: Resources) {
        self.shared = total.shared();
        self.has_gpus = total.get_scalar("gpus").is_some();
        self.reservations.clear();
        for resource in &total {
            if let (Some(role), Some(scalar)) = (resource.reservation_role(), resource.scalar()) {
                let amounts = match self.reservations.get_mut(role) {
                    Some(amounts) => amounts,
                    None => self.reservations.entry(Arc::from(role)).or_default(),
                };
                amounts.increase(resource.name(), scalar);
            }
        }
        self.total = total;
        self.recompute();
    }

    /// Allocates resources that carry their role.
    pub(crate) fn allocate(&mut self, resources: &Resources) {
        self.allocated += resources;
        for resource in resources.iter().filter(|resource| !resource.is_shared()) {
            let taken = resource.unallocated();
            self.overdrawn |= !self.free.has(&taken);
            self.free.remove(&taken);
        }
        self.recompute_revocable();
    }

    /// Takes allocated resources back, as far as they are.
    pub(crate) fn recover(&mut self, resources: &Resources) {
        let simple = !self.overdrawn && self.allocated.contains(resources);
        self.allocated -= resources;
        if !simple {
            // Adding would make more of it than there is.
            return self.recompute();
        }
        for resource in resources.iter().filter(|resource| !resource.is_shared()) {
            self.free.insert(resource.unallocated());
        }
        self.recompute_revocable();
    }

    fn recompute(&mut self) {
        let mut allocated = self.allocated.non_shared();
        allocated.unallocate();
        let all = self.total.non_shared();
        self.overdrawn = !all.contains(&allocated);
        self.free = all - &allocated;
        self.recompute_revocable();
    }

    fn recompute_revocable(&mut self) {
        if self.free_revocable.is_empty() && !self.free.iter().any(Resource::is_revocable) {
            return;
        }
        self.free_revocable = Quantities::new();
        for resource in self.free.iter().filter(|resource| resource.is_revocable()) {
            if let Some(scalar) = resource.scalar() {
                self.free_revocable.increase(resource.name(), scalar);
            }
        }
    }

    /// What of the agent is reserved, by role.
    pub(crate) fn reservations(&self) -> &BTreeMap<Arc<str>, Quantities> {
        &self.reservations
    }

    /// Notes whether somebody holds something here.
    pub(crate) fn set_holder(&mut self, role: RoleKey, framework: FrameworkKey, holds: bool) {
        match (self.holders.binary_search(&(role, framework)), holds) {
            (Err(at), true) => self.holders.insert(at, (role, framework)),
            (Ok(at), false) => {
                self.holders.remove(at);
            }
            _ => {}
        }
    }

    /// The amounts of what cannot be taken back.
    pub(crate) fn firm(&self) -> Quantities {
        match self.total.iter().any(Resource::is_revocable) {
            true => self.total.non_revocable().quantities(),
            false => self.total.quantities(),
        }
    }

    /// Whether the agent is in another region than the master.
    pub(crate) fn is_remote(&self, master: Option<&DomainInfo>) -> bool {
        match (region(self.info.domain.as_ref()), region(master)) {
            (Some(agent), Some(master)) => agent != master,
            _ => false,
        }
    }

    pub(crate) fn has_attributes(&self, attributes: &[Attribute]) -> bool {
        let ours = &self.info.attributes;
        ours.len() == attributes.len() && attributes.iter().all(|attribute| ours.contains(attribute))
    }
}

fn region(domain: Option<&DomainInfo>) -> Option<&str> {
    Some(&domain?.fault_domain.as_ref()?.region.name)
}
