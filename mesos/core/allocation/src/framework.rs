//! What the allocation knows of a framework.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mesos_api::v1::framework_info::capability::Type as Capability;
use mesos_api::v1::{FrameworkId, FrameworkInfo};
use mesos_resources::Resources;
use stout::Time;

use crate::filter::Refusal;
use crate::table::{AgentKey, RoleKey};

#[derive(Debug)]
pub(crate) struct Framework {
    pub(crate) id: FrameworkId,
    /// Tells its place by identity among all frameworks.
    pub(crate) place: u64,
    pub(crate) added: Time,
    pub(crate) offered: Option<Time>,
    pub(crate) active: bool,
    /// The roles it subscribed in.
    pub(crate) roles: BTreeSet<String>,
    pub(crate) suppressed: BTreeSet<String>,
    /// The roles it counts in: those it subscribed in and those in which it still has something.
    pub(crate) member_of: BTreeSet<RoleKey>,
    pub(crate) capabilities: Capabilities,
    pub(crate) refusals: HashMap<(AgentKey, RoleKey), Vec<Refusal>>,
    /// The refused inverse offers, by number.
    pub(crate) inverse_refusals: BTreeMap<AgentKey, BTreeSet<u64>>,
}

/// What decides which resources a framework can be offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    pub(crate) revocable_resources: bool,
    pub(crate) gpu_resources: bool,
    pub(crate) shared_resources: bool,
    pub(crate) multi_role: bool,
    pub(crate) reservation_refinement: bool,
    pub(crate) region_aware: bool,
}

impl Capabilities {
    fn of(info: &FrameworkInfo) -> Self {
        let mut all = Self::default();
        for capability in &info.capabilities {
            match capability.r#type() {
                Capability::RevocableResources => all.revocable_resources = true,
                Capability::GpuResources => all.gpu_resources = true,
                Capability::SharedResources => all.shared_resources = true,
                Capability::MultiRole => all.multi_role = true,
                Capability::ReservationRefinement => all.reservation_refinement = true,
                Capability::RegionAware => all.region_aware = true,
                Capability::Unknown | Capability::TaskKillingState | Capability::PartitionAware => {}
            }
        }
        all
    }
}

impl Framework {
    pub(crate) fn new(id: FrameworkId, info: &FrameworkInfo, active: bool, added: Time) -> Self {
        let mut framework = Self {
            id,
            place: 0,
            added,
            offered: None,
            active,
            roles: BTreeSet::new(),
            suppressed: BTreeSet::new(),
            member_of: BTreeSet::new(),
            capabilities: Capabilities::default(),
            refusals: HashMap::new(),
            inverse_refusals: BTreeMap::new(),
        };
        framework.update(info);
        framework
    }

    /// Takes over capabilities and roles.
    pub(crate) fn update(&mut self, info: &FrameworkInfo) {
        self.capabilities = Capabilities::of(info);
        self.roles = if self.capabilities.multi_role {
            info.roles.iter().cloned().collect()
        } else {
            #[allow(deprecated)] // What frameworks with one role have.
            let role = info.role().to_owned();
            BTreeSet::from([role])
        };
    }

    /// Whether it is to be offered anything in this role.
    pub(crate) fn wants(&self, role: &str) -> bool {
        self.active && self.roles.contains(role) && !self.suppressed.contains(role)
    }

    /// Whether it refused all of this.
    pub(crate) fn refuses(&self, role: RoleKey, agent: AgentKey, resources: &Resources) -> bool {
        // Few frameworks refuse anything: that is the first question.
        !self.refusals.is_empty()
            && self
                .refusals
                .get(&(agent, role))
                .is_some_and(|refusals| refusals.iter().any(|refusal| refusal.resources.contains(resources)))
    }

    pub(crate) fn forget_refusals(&mut self) {
        self.refusals.clear();
        self.inverse_refusals.clear();
    }

    /// Forgets what it refused of an agent, and returns in which roles it did.
    pub(crate) fn forget_agent(&mut self, agent: AgentKey) -> Vec<RoleKey> {
        self.inverse_refusals.remove(&agent);
        let refused = |role: &RoleKey| self.refusals.remove(&(agent, *role)).is_some();
        self.member_of.iter().copied().filter(refused).collect()
    }
}
