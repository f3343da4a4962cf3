//! An agent: its connection, its resources and who uses them.

use std::fmt;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use mesos_api::v1::{
    self, AgentId, AgentInfo, ExecutorId, ExecutorInfo, FrameworkId, MachineId, OfferId, ResourceProviderId,
    ResourceProviderInfo, TaskId, TaskInfo,
};
use mesos_resources::Resources;
use stout::Time;

use crate::capabilities::AgentCapabilities;
use crate::connection::{AgentPeer, Token};

/// A machine: agents of one host name and IP address share its maintenance.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Machine {
    /// The host name, in lower case.
    pub hostname: String,
    /// The IP address.
    pub ip: String,
}

impl From<&MachineId> for Machine {
    fn from(id: &MachineId) -> Self {
        Self { hostname: id.hostname().to_lowercase(), ip: id.ip().to_owned() }
    }
}

impl From<&Machine> for MachineId {
    fn from(machine: &Machine) -> Self {
        let set = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self { hostname: set(&machine.hostname), ip: set(&machine.ip) }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mesos_api::json::to_string(&MachineId::from(self)))
    }
}

/// Whether an agent can be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AgentState {
    /// Its link stands.
    Connected,
    /// Its link broke. It is not offered until it registers again.
    Disconnected {
        /// When that was.
        since: Time,
    },
}

/// A registered agent.
///
/// A clone shares all maps with the original.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its id; `info.id` is the same.
    pub id: AgentId,
    /// What it said about itself.
    pub info: Arc<AgentInfo>,
    /// The machine it runs on.
    pub machine: Machine,
    /// How it is reached.
    pub peer: AgentPeer,
    /// Whether it is reached.
    pub state: AgentState,
    /// Its version of Mesos.
    pub version: String,
    /// What it can do.
    pub capabilities: AgentCapabilities,
    /// When it registered with this master.
    pub registered_time: Time,
    /// When it came back last.
    pub reregistered_time: Option<Time>,
    /// All it has: with reservations, volumes, revocable resources and those of
    /// its resource providers.
    pub total: Resources,
    /// The reservations and volumes that it must remember.
    pub checkpointed: Resources,
    /// What tasks, executors and operations use, by framework.
    pub used: OrdMap<FrameworkId, Resources>,
    /// What is out in offers.
    pub offered: Resources,
    /// The tasks on it, until their last update is acknowledged. The tasks
    /// themselves are with their frameworks.
    pub tasks: OrdMap<FrameworkId, OrdSet<TaskId>>,
    /// The tasks for it that wait for their authorization.
    pub pending_tasks: OrdMap<FrameworkId, OrdMap<TaskId, Arc<TaskInfo>>>,
    /// The executors on it, except command executors.
    pub executors: OrdMap<FrameworkId, OrdMap<ExecutorId, Arc<ExecutorInfo>>>,
    /// The tasks on it that a scheduler wants killed.
    pub killed_tasks: OrdMap<FrameworkId, OrdSet<TaskId>>,
    /// Outstanding offers of its resources.
    pub offers: OrdSet<OfferId>,
    /// Outstanding inverse offers for it.
    pub inverse_offers: OrdSet<OfferId>,
    /// Operations whose result is not known yet, by UUID.
    pub operations: OrdMap<Vec<u8>, Arc<v1::Operation>>,
    /// The version of its own resources, for operations.
    pub resource_version: Option<Vec<u8>>,
    /// Its resource providers and the versions of their resources.
    pub resource_providers: OrdMap<ResourceProviderId, (Arc<ResourceProviderInfo>, Vec<u8>)>,
    /// ACCEPT calls for it that wait for the authorizer.
    pub(crate) accepting: OrdSet<Token>,
    /// Counts the disconnections, so that an old timer is told from a new one.
    pub(crate) epoch: u64,
}

impl Agent {
    /// Whether its link stands.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state == AgentState::Connected
    }

    /// Whether its resources may be offered.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.is_connected()
    }

    /// Whether an executor of this id is on it.
    #[must_use]
    pub fn executor(&self, framework: &FrameworkId, executor: &ExecutorId) -> Option<&Arc<ExecutorInfo>> {
        self.executors.get(framework)?.get(executor)
    }

    /// What is in use, over all frameworks.
    #[must_use]
    pub fn allocated(&self) -> Resources {
        let mut sum = Resources::new();
        for used in self.used.values() {
            sum += used;
        }
        sum
    }
}
