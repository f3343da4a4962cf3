//! What the allocation decides.

use std::collections::BTreeMap;

use mesos_api::v1::allocator::InverseOfferStatus;
use mesos_api::v1::{AgentId, FrameworkId, Unavailability};
use mesos_resources::{ResourceError, Resources};

/// Something the caller must now do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Offer these to a framework. They count as allocated from now on.
    Offers {
        /// To whom.
        framework: FrameworkId,
        /// What, by role and agent; the resources carry the role.
        offers: BTreeMap<String, BTreeMap<AgentId, Resources>>,
    },
    /// Ask a framework to leave agents that are planned to go away.
    InverseOffers {
        /// Whom.
        framework: FrameworkId,
        /// From where, and when it goes away.
        agents: BTreeMap<AgentId, Unavailability>,
    },
    /// Whether an operator's operations were applied to what was free.
    Available {
        /// From the question.
        token: u64,
        /// Why not.
        result: Result<(), ResourceError>,
    },
    /// What frameworks answered to inverse offers, for agents that are planned to go away.
    InverseOfferStatuses {
        /// From the question.
        token: u64,
        /// The latest answers.
        statuses: BTreeMap<AgentId, BTreeMap<FrameworkId, InverseOfferStatus>>,
    },
}
