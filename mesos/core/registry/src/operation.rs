//! What can be done to a registry.

use mesos_api::v1::maintenance::Schedule;
use mesos_api::v1::quota::QuotaInfo;
use mesos_api::v1::{AgentId, AgentInfo, MachineId, MasterInfo, WeightInfo};
use stout::Time;

use crate::Registry;

/// One change to the registry.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// A master was elected.
    SetMaster(Box<MasterInfo>),
    /// A new agent joins.
    AdmitAgent(Box<AgentInfo>),
    /// An admitted agent comes back with another description.
    UpdateAgent(Box<AgentInfo>),
    /// An admitted agent is lost.
    MarkUnreachable {
        /// Which.
        id: AgentId,
        /// When it was lost.
        at: Time,
    },
    /// An agent is back: a lost one, or one that was forgotten.
    MarkReachable(Box<AgentInfo>),
    /// An admitted agent leaves for good.
    RemoveAgent(AgentId),
    /// An operator says that an admitted or lost agent will never come back.
    MarkGone {
        /// Which.
        id: AgentId,
        /// When the operator said so.
        at: Time,
    },
    /// Forget agents. Those that are not in the list named are skipped: they may have come back
    /// meanwhile.
    Prune {
        /// Lost agents to forget.
        unreachable: Vec<AgentId>,
        /// Gone agents to forget.
        gone: Vec<AgentId>,
    },
    /// Set the quota of a role.
    UpdateQuota(QuotaInfo),
    /// Remove the quota of a role.
    RemoveQuota(String),
    /// Set the weights of roles; those of other roles stay.
    UpdateWeights(Vec<WeightInfo>),
    /// Replace the maintenance schedule: machines that are new in it begin to drain, those that
    /// are no longer in it are up.
    UpdateSchedule(Schedule),
    /// These machines go down.
    StartMaintenance(Vec<MachineId>),
    /// These machines are up again and leave the schedule.
    StopMaintenance(Vec<MachineId>),
}

/// Why an operation does not fit the registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// The description of an agent lacks its id.
    #[error("the agent on host '{0}' has no id")]
    MissingId(String),
    /// The agent is admitted already.
    #[error("agent '{}' is already admitted", .0.value)]
    AlreadyAdmitted(AgentId),
    /// The agent is not admitted.
    #[error("agent '{}' is not admitted", .0.value)]
    NotAdmitted(AgentId),
    /// The agent was marked gone before.
    #[error("agent '{}' is already marked as gone", .0.value)]
    AlreadyGone(AgentId),
    /// The agent is neither admitted nor unreachable.
    #[error("agent '{}' is neither admitted nor unreachable", .0.value)]
    Unknown(AgentId),
}

impl Registry {
    /// Does the operation and says whether that changed anything.
    ///
    /// # Errors
    ///
    /// The operation does not fit what is there; nothing was changed.
    pub fn apply(&mut self, operation: Operation) -> Result<bool, OperationError> {
        match operation {
            Operation::SetMaster(info) => Ok(self.set_master(*info)),
            Operation::AdmitAgent(info) => self.admit_agent(*info),
            Operation::UpdateAgent(info) => self.update_agent(*info),
            Operation::MarkUnreachable { id, at } => self.mark_unreachable(id, at),
            Operation::MarkReachable(info) => self.mark_reachable(*info),
            Operation::RemoveAgent(id) => self.remove_agent(&id).map(|()| true),
            Operation::MarkGone { id, at } => self.mark_gone(id, at),
            Operation::Prune { unreachable, gone } => Ok(self.prune(&unreachable, &gone)),
            Operation::UpdateQuota(info) => Ok(self.update_quota(info)),
            Operation::RemoveQuota(role) => Ok(self.remove_quota(&role)),
            Operation::UpdateWeights(infos) => Ok(self.update_weights(infos)),
            Operation::UpdateSchedule(schedule) => Ok(self.update_schedule(schedule)),
            Operation::StartMaintenance(machines) => Ok(self.start_maintenance(&machines)),
            Operation::StopMaintenance(machines) => Ok(self.stop_maintenance(&machines)),
        }
    }
}
