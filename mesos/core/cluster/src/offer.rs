//! An outstanding offer.

use mesos_api::v1::{AgentId, FrameworkId, OfferId};
use mesos_resources::Resources;

/// Resources of one agent, for one role of one framework, until the scheduler
/// answers or the offer is rescinded.
#[derive(Clone, PartialEq, Debug)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// Whom it was made to.
    pub framework: FrameworkId,
    /// Whose resources.
    pub agent: AgentId,
    /// The role that the resources are allocated to.
    pub role: String,
    /// What is offered, allocated to `role`.
    pub resources: Resources,
    /// The wire form, always with allocation info and in the form that allows
    /// refined reservations (not as an older framework gets it).
    pub info: mesos_api::v1::Offer,
}
