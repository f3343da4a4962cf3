//! Entities for unit tests.

use std::sync::Arc;

use mesos_api::v1::{AgentInfo, FrameworkInfo, MasterInfo};
use mesos_resources::Resources;
use stout::Time;

use crate::agent::{Agent, AgentState, Machine};
use crate::capabilities::AgentCapabilities;
use crate::connection::{AgentPeer, ConnectionId};
use crate::framework::{Framework, FrameworkState};
use crate::options::Options;

/// Resources allocated to the role "web".
pub(crate) fn resources(text: &str) -> Resources {
    let mut resources = Resources::parse(text, "*").unwrap();
    resources.allocate("web");
    resources
}

/// A framework of the role "web".
pub(crate) fn framework(id: &str) -> Framework {
    let info = FrameworkInfo {
        id: Some(id.into()),
        user: "nobody".into(),
        role: Some("web".into()),
        ..FrameworkInfo::default()
    };
    let options = Options::new(MasterInfo::default());
    Framework::new(id.into(), info, FrameworkState::Recovered, Time::EPOCH, &options)
}

/// An agent that knows everything but resource providers, and has nothing.
pub(crate) fn agent(id: &str) -> Agent {
    Agent {
        id: id.into(),
        info: Arc::new(AgentInfo { id: Some(id.into()), hostname: "host".into(), ..AgentInfo::default() }),
        machine: Machine { hostname: "host".into(), ip: "10.0.0.1".into() },
        peer: AgentPeer {
            connection: ConnectionId(1),
            pid: "slave(1)@10.0.0.1:5051".into(),
            ip: "10.0.0.1".into(),
        },
        state: AgentState::Connected,
        version: "1.5.0".into(),
        capabilities: AgentCapabilities {
            multi_role: true,
            hierarchical_role: true,
            reservation_refinement: true,
            resource_provider: false,
        },
        registered_time: Time::EPOCH,
        reregistered_time: None,
        total: Resources::new(),
        checkpointed: Resources::new(),
        used: Default::default(),
        offered: Resources::new(),
        tasks: Default::default(),
        pending_tasks: Default::default(),
        executors: Default::default(),
        killed_tasks: Default::default(),
        offers: Default::default(),
        inverse_offers: Default::default(),
        operations: Default::default(),
        resource_version: None,
        resource_providers: Default::default(),
        accepting: Default::default(),
        epoch: 0,
    }
}
