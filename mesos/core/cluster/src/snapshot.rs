//! The whole cluster at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;
use mesos_api::v1::quota::QuotaInfo;
use mesos_api::v1::{
    AgentId, AgentInfo, FrameworkId, InverseOffer, MachineInfo, OfferId, TaskState, maintenance,
};
use stout::Time;

use crate::agent::{Agent, Machine};
use crate::framework::Framework;
use crate::history::History;
use crate::offer::Offer;
use crate::options::Options;

/// The cluster's entities. A clone is cheap, shares everything that does not
/// change, and stays as it is.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Frameworks that are subscribed, disconnected or recovered.
    pub frameworks: OrdMap<FrameworkId, Arc<Framework>>,
    /// Frameworks that are over, oldest first.
    pub completed_frameworks: History<FrameworkId, Arc<Framework>>,
    /// Registered agents.
    pub agents: OrdMap<AgentId, Arc<Agent>>,
    /// Agents of the registry that have not come back since this master was elected.
    pub recovered_agents: OrdMap<AgentId, Arc<AgentInfo>>,
    /// Agents that are unreachable, and since when.
    pub unreachable_agents: OrdMap<AgentId, Time>,
    /// Agents that were marked gone, and when.
    pub gone_agents: OrdMap<AgentId, Time>,
    /// Outstanding offers.
    pub offers: OrdMap<OfferId, Arc<Offer>>,
    /// Outstanding inverse offers.
    pub inverse_offers: OrdMap<OfferId, Arc<InverseOffer>>,
    /// The frameworks that are subscribed to a role or hold resources of it.
    pub roles: OrdMap<String, OrdMap<FrameworkId, ()>>,
    /// Machines that are known from agents or from maintenance.
    pub machines: OrdMap<Machine, Arc<MachineState>>,
    /// The maintenance schedules; at most one.
    pub schedules: Vec<maintenance::Schedule>,
    /// The quotas of roles.
    pub quotas: OrdMap<String, Arc<QuotaInfo>>,
    /// The weights of roles, where they are not 1.
    pub weights: OrdMap<String, f64>,
    /// How many tasks on registered agents are in each state.
    pub tasks_by_state: TaskStates,
}

/// A machine, and the agents on it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MachineState {
    /// Mode and unavailability.
    pub info: MachineInfo,
    /// The registered agents on it.
    pub agents: imbl::OrdSet<AgentId>,
}

/// How many tasks are in each state.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TaskStates(BTreeMap<i32, u64>);

impl TaskStates {
    /// How many tasks are in this state.
    #[must_use]
    pub fn get(&self, state: TaskState) -> u64 {
        self.0.get(&(state as i32)).copied().unwrap_or(0)
    }

    pub(crate) fn add(&mut self, state: TaskState) {
        *self.0.entry(state as i32).or_default() += 1;
    }

    pub(crate) fn remove(&mut self, state: TaskState) {
        if let Some(count) = self.0.get_mut(&(state as i32)) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Snapshot {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            frameworks: OrdMap::new(),
            completed_frameworks: History::new(options.max_completed_frameworks),
            agents: OrdMap::new(),
            recovered_agents: OrdMap::new(),
            unreachable_agents: OrdMap::new(),
            gone_agents: OrdMap::new(),
            offers: OrdMap::new(),
            inverse_offers: OrdMap::new(),
            roles: OrdMap::new(),
            machines: OrdMap::new(),
            schedules: Vec::new(),
            quotas: OrdMap::new(),
            weights: OrdMap::new(),
            tasks_by_state: TaskStates::default(),
        }
    }

    /// A framework that is not completed.
    #[must_use]
    pub fn framework(&self, id: &FrameworkId) -> Option<&Arc<Framework>> {
        self.frameworks.get(id)
    }

    /// A registered agent.
    #[must_use]
    pub fn agent(&self, id: &AgentId) -> Option<&Arc<Agent>> {
        self.agents.get(id)
    }
}
