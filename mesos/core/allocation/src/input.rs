//! What the allocation is told.

use std::collections::{BTreeMap, BTreeSet};

use mesos_api::v1::allocator::InverseOfferStatus;
use mesos_api::v1::offer::Operation;
use mesos_api::v1::{
    AgentId, AgentInfo, Filters, FrameworkId, FrameworkInfo, Request, Unavailability, WeightInfo, agent_info,
};
use mesos_resources::{Conversion, Resources};

use crate::Quota;

/// Something that happened which matters for who is offered what.
///
/// Resources in `used`, `offered`, `resources` and conversions of allocated resources carry the role they
/// are allocated to; an agent's `total` carries none. What names an unknown framework or agent is
/// ignored: the two sides learn about removals at different times.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A framework subscribed, or the master learned of it from an agent. Allocates if it is active.
    AddFramework {
        /// Its identity.
        id: FrameworkId,
        /// Its roles and capabilities.
        info: FrameworkInfo,
        /// What its tasks and executors use, by agent; agents not added yet are skipped.
        used: BTreeMap<AgentId, Resources>,
        /// Whether it can be sent offers.
        active: bool,
        /// Roles in which it wants no offers for now.
        suppressed_roles: BTreeSet<String>,
    },
    /// A framework is gone; whatever it held is free to the shares, not to the agents.
    RemoveFramework(FrameworkId),
    /// A framework is connected again. Allocates.
    ActivateFramework(FrameworkId),
    /// A framework cannot be sent offers; its filters are dropped.
    DeactivateFramework(FrameworkId),
    /// A framework subscribed again with other roles or capabilities.
    UpdateFramework {
        /// Its identity.
        id: FrameworkId,
        /// Its new roles and capabilities.
        info: FrameworkInfo,
        /// Roles in which it wants no offers for now; all others are revived without an allocation.
        suppressed_roles: BTreeSet<String>,
    },

    /// An agent registered. Allocates it.
    AddAgent {
        /// Its identity.
        id: AgentId,
        /// Its host name, attributes and domain.
        info: AgentInfo,
        /// What it can do.
        capabilities: Vec<agent_info::Capability>,
        /// When it is planned to go away.
        unavailability: Option<Unavailability>,
        /// All it has.
        total: Resources,
        /// What is used of that, by framework.
        used: BTreeMap<FrameworkId, Resources>,
    },
    /// An agent is gone. What frameworks held there must be recovered by the caller.
    RemoveAgent(AgentId),
    /// An agent may be offered again.
    ActivateAgent(AgentId),
    /// An agent must not be offered for now.
    DeactivateAgent(AgentId),
    /// An agent changed. Allocates it if anything is different.
    UpdateAgent {
        /// Its identity.
        id: AgentId,
        /// Its host name, attributes and domain; other attributes drop all filters on the agent.
        info: AgentInfo,
        /// What it can do, if that is known to have changed.
        capabilities: Option<Vec<agent_info::Capability>>,
        /// All it has, if that is known to have changed.
        total: Option<Resources>,
    },
    /// A resource provider on an agent brings more resources.
    AddResourceProvider {
        /// The agent.
        agent: AgentId,
        /// What it brings.
        total: Resources,
        /// What is used of that, by framework.
        used: BTreeMap<FrameworkId, Resources>,
    },
    /// Only agents on these hosts are offered; `None` offers all.
    UpdateWhitelist(Option<BTreeSet<String>>),

    /// A framework asks for resources, which changes nothing.
    RequestResources {
        /// Who asks.
        framework: FrameworkId,
        /// For what.
        requests: Vec<Request>,
    },
    /// An accepted offer turned some of its resources into others.
    UpdateAllocation {
        /// Who accepted.
        framework: FrameworkId,
        /// Where.
        agent: AgentId,
        /// What was offered, allocated to one role.
        offered: Resources,
        /// What became of it. One that consumes nothing adds a copy of a shared resource.
        conversions: Vec<Conversion>,
    },
    /// An operator's operations on what is free on an agent; answered by [`Output::Available`].
    ///
    /// [`Output::Available`]: crate::Output::Available
    UpdateAvailable {
        /// Where.
        agent: AgentId,
        /// Comes back in the answer.
        token: u64,
        /// What to do.
        operations: Vec<Operation>,
    },
    /// An agent's maintenance was planned or cancelled. Allocates it.
    UpdateUnavailability {
        /// The agent.
        agent: AgentId,
        /// When it is planned to go away.
        unavailability: Option<Unavailability>,
    },
    /// An inverse offer ended.
    UpdateInverseOffer {
        /// The agent it was about.
        agent: AgentId,
        /// The framework it went to.
        framework: FrameworkId,
        /// The answer; `None` if it timed out or was rescinded.
        status: Option<InverseOfferStatus>,
        /// How long not to ask again.
        filters: Option<Filters>,
    },
    /// Asks what frameworks answered; answered by [`Output::InverseOfferStatuses`].
    ///
    /// [`Output::InverseOfferStatuses`]: crate::Output::InverseOfferStatuses
    GetInverseOfferStatuses {
        /// Comes back in the answer.
        token: u64,
    },
    /// Resources were declined, left over, rescinded, or are no longer used.
    RecoverResources {
        /// Who had them.
        framework: FrameworkId,
        /// Where.
        agent: AgentId,
        /// What; allocated to one or more roles.
        resources: Resources,
        /// How long not to offer them again.
        filters: Option<Filters>,
    },

    /// No offers in these roles until revived; none named means all.
    Suppress {
        /// Who.
        framework: FrameworkId,
        /// Where.
        roles: BTreeSet<String>,
    },
    /// Offers in these roles again, all filters dropped; none named means all. Allocates.
    Revive {
        /// Who.
        framework: FrameworkId,
        /// Where.
        roles: BTreeSet<String>,
    },

    /// Sets the quota of a role in place of the one that it had.
    SetQuota {
        /// The role.
        role: String,
        /// What it is guaranteed and limited to.
        quota: Quota,
    },
    /// Neither guarantees a role anything nor limits it any more.
    RemoveQuota(String),
    /// Sets the weights of roles; what has none weighs 1.
    UpdateWeights(Vec<WeightInfo>),
    /// A new master starts with these quotas and so many agents in its registry. With quotas, nothing is
    /// offered until most agents are back or ten minutes have passed.
    Recover {
        /// How many agents the registry has.
        expected_agents: usize,
        /// The quotas by role.
        quotas: BTreeMap<String, Quota>,
    },
    /// The allocation interval has passed: allocates all agents.
    Tick,
}
