//! Agents.

use std::collections::BTreeMap;

use mesos_api::v1::{self, AgentInfo};
use mesos_cluster::Agent;
use mesos_daemon::model::{Attributes, Entries, Proto, Resources, Seq};
use mesos_resources::format;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::authorization::Visibility;
use crate::view::View;

/// `/slaves`: the agents, with all that is known of their resources.
pub(crate) struct Agents<'a> {
    pub(crate) view: &'a View,
    pub(crate) visibility: &'a Visibility,
    /// Only this agent.
    pub(crate) only: Option<&'a str>,
}

impl Serialize for Agents<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_wanted = |id: &str| self.only.is_none_or(|only| only == id);
        let snapshot = &self.view.snapshot;
        let agents = snapshot.agents.values().filter(|agent| is_wanted(&agent.id.value));
        let recovered = snapshot.recovered_agents.iter().filter(|(id, _)| is_wanted(&id.value));
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("slaves", &Seq(agents.map(|agent| Full { agent, visibility: self.visibility })))?;
        map.serialize_entry("recovered_slaves", &Seq(recovered.map(|(_, info)| Info(info))))?;
        map.end()
    }
}

/// What an agent says about itself.
pub(super) struct Info<'a>(pub(super) &'a AgentInfo);

impl Info<'_> {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let info = self.0;
        map.serialize_entry("id", info.id.as_ref().map_or("", |id| &id.value))?;
        map.serialize_entry("hostname", &info.hostname)?;
        map.serialize_entry("port", &info.port())?;
        map.serialize_entry("attributes", &Attributes(&info.attributes))?;
        if let Some(domain) = &info.domain {
            map.serialize_entry("domain", &Proto(domain))?;
        }
        Ok(())
    }
}

impl Serialize for Info<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

/// An agent with its resources by amount.
#[derive(Clone, Copy)]
pub(super) struct Brief<'a> {
    pub(super) agent: &'a Agent,
    pub(super) visibility: &'a Visibility,
}

impl Brief<'_> {
    pub(super) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let agent = self.agent;
        Info(&agent.info).write(map)?;
        map.serialize_entry("pid", &agent.peer.pid)?;
        map.serialize_entry("registered_time", &agent.registered_time.as_secs_f64())?;
        if let Some(time) = agent.reregistered_time {
            map.serialize_entry("reregistered_time", &time.as_secs_f64())?;
        }
        map.serialize_entry("resources", &Resources(&agent.total))?;
        map.serialize_entry("used_resources", &Resources(&agent.allocated()))?;
        map.serialize_entry("offered_resources", &Resources(&agent.offered))?;
        let reservations = reservations(agent, self.visibility);
        map.serialize_entry(
            "reserved_resources",
            &Entries(reservations.iter().map(|(role, of)| (role, Resources(of)))),
        )?;
        map.serialize_entry("unreserved_resources", &Resources(&agent.total.unreserved()))?;
        map.serialize_entry("active", &agent.is_active())?;
        map.serialize_entry("version", &agent.version)?;
        let capabilities = agent.capabilities.to_proto();
        map.serialize_entry(
            "capabilities",
            &Seq(capabilities.iter().map(|capability| capability.r#type().as_str_name())),
        )
    }
}

impl Serialize for Brief<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

/// An agent with its resources in full: operators need them to unreserve them.
#[derive(Clone, Copy)]
struct Full<'a> {
    agent: &'a Agent,
    visibility: &'a Visibility,
}

impl Serialize for Full<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { agent, visibility } = self;
        let mut map = serializer.serialize_map(None)?;
        Brief { agent, visibility }.write(&mut map)?;
        let reserved: BTreeMap<String, Vec<v1::Resource>> = reservations(agent, visibility)
            .into_iter()
            .map(|(role, resources)| (role, full(&resources, visibility)))
            .collect();
        let reserved = reserved.iter().map(|(role, resources)| (role, Seq(resources.iter().map(Proto))));
        map.serialize_entry("reserved_resources_full", &Entries(reserved))?;
        for (name, resources) in [
            ("unreserved_resources_full", &agent.total.unreserved()),
            ("used_resources_full", &agent.allocated()),
            ("offered_resources_full", &agent.offered),
        ] {
            map.serialize_entry(name, &Seq(full(resources, visibility).iter().map(Proto)))?;
        }
        map.end()
    }
}

/// What is reserved, by the roles that may be seen.
fn reservations(agent: &Agent, visibility: &Visibility) -> BTreeMap<String, mesos_resources::Resources> {
    let mut reservations = agent.total.reservations();
    reservations.retain(|role, _| visibility.role(role));
    reservations
}

/// The wire form, as endpoints show it.
fn full(resources: &mesos_resources::Resources, visibility: &Visibility) -> Vec<v1::Resource> {
    let mut resources = resources.to_protos();
    resources.retain(|resource| visibility.resource(resource));
    resources.iter_mut().for_each(format::endpoint);
    resources
}
