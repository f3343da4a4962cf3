//! What the allocation knows of an agent.

use std::collections::{BTreeMap, BTreeSet};

use mesos_api::v1::agent_info::{self, capability::Type as Capability};
use mesos_api::v1::allocator::InverseOfferStatus;
use mesos_api::v1::{AgentId, AgentInfo, Attribute, DomainInfo, FrameworkId, Unavailability};
use mesos_resources::{Quantities, Resource, Resources};

#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) info: AgentInfo,
    pub(crate) capabilities: Capabilities,
    pub(crate) active: bool,
    /// Whether the next run looks at it.
    pub(crate) candidate: bool,
    pub(crate) maintenance: Option<Maintenance>,
    total: Resources,
    /// With the roles it is allocated to.
    allocated: Resources,
    /// What is not shared and not allocated.
    free: Resources,
    /// One copy of each shared resource: they can be offered while in use.
    shared: Resources,
    free_revocable: Quantities,
    has_gpus: bool,
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
            info,
            capabilities,
            active: true,
            candidate: false,
            maintenance: None,
            total: Resources::new(),
            allocated: Resources::new(),
            free: Resources::new(),
            shared: Resources::new(),
            free_revocable: Quantities::new(),
            has_gpus: false,
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
        self.total = total;
        self.recompute();
    }

    /// Allocates resources that carry their role.
    pub(crate) fn allocate(&mut self, resources: &Resources) {
        self.allocated += resources;
        let mut taken = resources.non_shared();
        taken.unallocate();
        self.free -= &taken;
        self.recompute_revocable();
    }

    /// Takes allocated resources back, as far as they are.
    pub(crate) fn recover(&mut self, resources: &Resources) {
        self.allocated -= resources;
        // What is allocated may be more than the total once that has shrunk, so adding would be wrong.
        self.recompute();
    }

    fn recompute(&mut self) {
        let mut allocated = self.allocated.non_shared();
        allocated.unallocate();
        self.free = self.total.non_shared() - &allocated;
        self.recompute_revocable();
    }

    fn recompute_revocable(&mut self) {
        self.free_revocable = Quantities::new();
        for resource in self.free.iter().filter(|resource| resource.is_revocable()) {
            if let Some(scalar) = resource.scalar() {
                self.free_revocable.increase(resource.name(), scalar);
            }
        }
    }

    /// What of the agent is reserved, by role.
    pub(crate) fn reservations(&self) -> BTreeMap<&str, Quantities> {
        let mut all: BTreeMap<&str, Quantities> = BTreeMap::new();
        for resource in &self.total {
            if let (Some(role), Some(scalar)) = (resource.reservation_role(), resource.scalar()) {
                all.entry(role).or_default().increase(resource.name(), scalar);
            }
        }
        all
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
        let region = |domain: Option<&DomainInfo>| Some(domain?.fault_domain.as_ref()?.region.name.clone());
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
