//! Agents.

use std::collections::BTreeMap;

use mesos_cluster::Agent;
use mesos_daemon::model::{AgentCapabilities, AgentInfo, Resources, ResourcesFull};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::seq::Seq;
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
        let agents = || {
            let agents = snapshot.agents.values().filter(|agent| is_wanted(&agent.id.value));
            agents.map(|agent| Full::new(agent, self.visibility))
        };
        let recovered = || {
            let recovered = snapshot.recovered_agents.iter().filter(|(id, _)| is_wanted(&id.value));
            recovered.map(|(_, info)| AgentInfo(info))
        };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("slaves", &Seq(agents))?;
        map.serialize_entry("recovered_slaves", &Seq(recovered))?;
        map.end()
    }
}

/// An agent with its resources by amount.
#[derive(Serialize)]
pub(super) struct Brief<'a> {
    #[serde(flatten)]
    info: AgentInfo<'a>,
    pid: &'a str,
    registered_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reregistered_time: Option<f64>,
    resources: Resources,
    used_resources: Resources,
    offered_resources: Resources,
    reserved_resources: BTreeMap<String, Resources>,
    unreserved_resources: Resources,
    active: bool,
    version: &'a str,
    #[serde(serialize_with = "capabilities")]
    capabilities: mesos_cluster::AgentCapabilities,
}

impl<'a> Brief<'a> {
    pub(super) fn new(agent: &'a Agent, visibility: &Visibility) -> Self {
        let reserved = reservations(agent, visibility).into_iter();
        Self {
            info: AgentInfo(&agent.info),
            pid: &agent.peer.pid,
            registered_time: agent.registered_time.as_secs_f64(),
            reregistered_time: agent.reregistered_time.map(|time| time.as_secs_f64()),
            resources: Resources::from(&agent.total),
            used_resources: Resources::from(&agent.allocated()),
            offered_resources: Resources::from(&agent.offered),
            reserved_resources: reserved.map(|(role, of_role)| (role, Resources::from(&of_role))).collect(),
            unreserved_resources: Resources::from(&agent.total.unreserved()),
            active: agent.is_active(),
            version: &agent.version,
            capabilities: agent.capabilities,
        }
    }
}

fn capabilities<S: Serializer>(
    capabilities: &mesos_cluster::AgentCapabilities,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    AgentCapabilities(&capabilities.to_proto()).serialize(serializer)
}

/// An agent with its resources in full: operators need them to unreserve them.
#[derive(Serialize)]
struct Full<'a> {
    #[serde(flatten)]
    brief: Brief<'a>,
    reserved_resources_full: BTreeMap<String, ResourcesFull>,
    unreserved_resources_full: ResourcesFull,
    used_resources_full: ResourcesFull,
    offered_resources_full: ResourcesFull,
}

impl<'a> Full<'a> {
    fn new(agent: &'a Agent, visibility: &Visibility) -> Self {
        let reserved = reservations(agent, visibility).into_iter();
        Self {
            brief: Brief::new(agent, visibility),
            reserved_resources_full: reserved.map(|(role, of)| (role, full(&of, visibility))).collect(),
            unreserved_resources_full: full(&agent.total.unreserved(), visibility),
            used_resources_full: full(&agent.allocated(), visibility),
            offered_resources_full: full(&agent.offered, visibility),
        }
    }
}

/// What is reserved, by the roles that may be seen.
fn reservations(agent: &Agent, visibility: &Visibility) -> BTreeMap<String, mesos_resources::Resources> {
    let mut reservations = agent.total.reservations();
    reservations.retain(|role, _| visibility.role(role));
    reservations
}

fn full(resources: &mesos_resources::Resources, visibility: &Visibility) -> ResourcesFull {
    let mut resources = resources.to_protos();
    resources.retain(|resource| visibility.resource(resource));
    ResourcesFull::from(resources)
}
