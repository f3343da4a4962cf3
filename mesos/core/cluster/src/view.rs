//! The entities in the words of the operator API.

use mesos_api::v1::master::response;
use mesos_api::v1::{Resource, TimeInfo};
use mesos_resources::{Resources, format};
use stout::Time;

use crate::agent::Agent;
use crate::framework::Framework;

/// Resources as endpoints show them: both forms of reservations where the older one can say it.
fn shown(resources: &Resources) -> Vec<Resource> {
    let mut protos = resources.to_protos();
    format::endpoint_all(&mut protos);
    protos
}

fn time(time: Time) -> TimeInfo {
    TimeInfo { nanoseconds: time.as_nanos() }
}

/// A time that was set.
fn known(at: Time) -> Option<TimeInfo> {
    (at != Time::EPOCH).then(|| time(at))
}

impl Agent {
    /// The agent in an answer to GET_AGENTS and in AGENT_ADDED.
    #[must_use]
    pub fn to_response(&self) -> response::get_agents::Agent {
        let provider = |(info, _): &(std::sync::Arc<_>, _)| response::get_agents::agent::ResourceProvider {
            resource_provider_info: mesos_api::v1::ResourceProviderInfo::clone(info),
        };
        response::get_agents::Agent {
            agent_info: (*self.info).clone(),
            active: self.is_active(),
            version: self.version.clone(),
            pid: Some(self.peer.pid.clone()),
            registered_time: Some(time(self.registered_time)),
            reregistered_time: self.reregistered_time.map(time),
            total_resources: shown(&self.total),
            allocated_resources: shown(&self.allocated()),
            offered_resources: shown(&self.offered),
            capabilities: self.capabilities.to_proto(),
            resource_providers: self.resource_providers.values().map(provider).collect(),
        }
    }
}

impl Framework {
    /// The framework in an answer to GET_FRAMEWORKS and in FRAMEWORK_ADDED and FRAMEWORK_UPDATED.
    #[must_use]
    pub fn to_response(&self) -> response::get_frameworks::Framework {
        let offered = self.offered.values().sum::<Resources>();
        response::get_frameworks::Framework {
            framework_info: (*self.info).clone(),
            active: self.is_active(),
            connected: self.is_connected(),
            recovered: self.is_recovered(),
            registered_time: known(self.registered_time),
            reregistered_time: known(self.reregistered_time),
            unregistered_time: self.unregistered_time.map(time),
            offers: self.offers.values().map(|offer| offer.info.clone()).collect(),
            inverse_offers: self.inverse_offers.values().map(|offer| (**offer).clone()).collect(),
            allocated_resources: shown(&self.allocated()),
            offered_resources: shown(&offered),
        }
    }

    /// What is in use, over all agents.
    #[must_use]
    pub fn allocated(&self) -> Resources {
        self.used.values().sum()
    }
}
