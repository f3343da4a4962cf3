//! What a framework says of itself, and what it is offered.

use mesos_api::v1;
use mesos_api::v1::framework_info::capability::Type as Capability;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::resources::Resources;
use super::value::{Labels, Proto};

/// A framework as `/state-summary` shows it, as far as its own description goes: `id`, `name`,
/// `capabilities`, `hostname`, `webui_url`.
#[derive(Clone, Copy, Debug)]
pub struct FrameworkSummary<'a>(pub &'a v1::FrameworkInfo);

impl Serialize for FrameworkSummary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = self.0;
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("id", info.id.as_ref().map_or("", |id| &id.value))?;
        map.serialize_entry("name", &info.name)?;
        let names: Vec<&str> =
            info.capabilities.iter().map(|capability| capability.r#type().as_str_name()).collect();
        map.serialize_entry("capabilities", &names)?;
        map.serialize_entry("hostname", info.hostname())?;
        map.serialize_entry("webui_url", info.webui_url())?;
        map.end()
    }
}

/// What `/state` shows beyond the [summary](FrameworkSummary) of the framework's own description:
/// `user`, `failover_timeout`, `checkpoint`, `principal`, `role` or `roles`, `labels`.
#[derive(Clone, Copy, Debug)]
pub struct FrameworkDetails<'a>(pub &'a v1::FrameworkInfo);

impl Serialize for FrameworkDetails<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("user", &info.user)?;
        map.serialize_entry("failover_timeout", &info.failover_timeout())?;
        map.serialize_entry("checkpoint", &info.checkpoint())?;
        if let Some(principal) = &info.principal {
            map.serialize_entry("principal", principal)?;
        }
        if info.capabilities.iter().any(|capability| capability.r#type() == Capability::MultiRole) {
            map.serialize_entry("roles", &info.roles)?;
        } else {
            #[allow(deprecated)] // Frameworks without the capability have no other.
            map.serialize_entry("role", info.role())?;
        }
        if let Some(labels) = &info.labels {
            map.serialize_entry("labels", &Labels(labels))?;
        }
        map.end()
    }
}

/// An offer.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a>(pub &'a v1::Offer);

impl Serialize for Offer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let offer = self.0;
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("id", &offer.id.value)?;
        map.serialize_entry("framework_id", &offer.framework_id.value)?;
        if let Some(allocation) = &offer.allocation_info {
            map.serialize_entry("allocation_info", &Proto(allocation))?;
        }
        map.serialize_entry("slave_id", &offer.agent_id.value)?;
        map.serialize_entry("resources", &Resources::from(&offer.resources[..]))?;
        map.end()
    }
}
