//! Agents, masters and where they are.

use mesos_api::v1;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use super::value::Attributes;

/// What an agent says of itself, without its resources: `id`, `hostname`, `port`, `attributes`,
/// `domain`.
#[derive(Clone, Copy, Debug)]
pub struct AgentInfo<'a>(pub &'a v1::AgentInfo);

impl Serialize for AgentInfo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", info.id.as_ref().map_or("", |id| &id.value))?;
        map.serialize_entry("hostname", &info.hostname)?;
        map.serialize_entry("port", &info.port())?;
        map.serialize_entry("attributes", &Attributes(&info.attributes))?;
        if let Some(domain) = &info.domain {
            map.serialize_entry("domain", &Domain(domain))?;
        }
        map.end()
    }
}

/// A master: `id`, `pid`, `port`, `hostname`, `domain`.
#[derive(Clone, Copy, Debug)]
pub struct MasterInfo<'a>(pub &'a v1::MasterInfo);

impl Serialize for MasterInfo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &info.id)?;
        map.serialize_entry("pid", info.pid())?;
        map.serialize_entry("port", &info.port)?;
        map.serialize_entry("hostname", info.hostname())?;
        if let Some(domain) = &info.domain {
            map.serialize_entry("domain", &Domain(domain))?;
        }
        map.end()
    }
}

/// Where a machine is.
#[derive(Clone, Copy, Debug)]
pub struct Domain<'a>(pub &'a v1::DomainInfo);

impl Serialize for Domain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(domain) = &self.0.fault_domain {
            let (region, zone) = (&domain.region.name, &domain.zone.name);
            map.serialize_entry(
                "fault_domain",
                &json!({ "region": { "name": region }, "zone": { "name": zone } }),
            )?;
        }
        map.end()
    }
}

/// The names of what an agent can do.
#[derive(Clone, Copy, Debug)]
pub struct AgentCapabilities<'a>(pub &'a [v1::agent_info::Capability]);

impl Serialize for AgentCapabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|capability| capability.r#type().as_str_name()))
    }
}

/// The names of what a master can do.
#[derive(Clone, Copy, Debug)]
pub struct MasterCapabilities<'a>(pub &'a [v1::master_info::Capability]);

impl Serialize for MasterCapabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|capability| capability.r#type().as_str_name()))
    }
}
