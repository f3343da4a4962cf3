//! Agents come, change and go.

use mesos_api::v1::{AgentId, AgentInfo};
use stout::Time;

use crate::registry::time_info;
use crate::{OperationError, Registry};

impl Registry {
    pub(crate) fn admit_agent(&mut self, info: AgentInfo) -> Result<bool, OperationError> {
        let id = id_of(&info)?;
        if self.is_admitted(&id) {
            return Err(OperationError::AlreadyAdmitted(id));
        }
        self.insert_agent(id, stored(info));
        Ok(true)
    }

    pub(crate) fn update_agent(&mut self, info: AgentInfo) -> Result<bool, OperationError> {
        let id = id_of(&info)?;
        let info = stored(info);
        let present = self.agent_mut(&id).ok_or(OperationError::NotAdmitted(id))?;
        let changed = *present != info;
        *present = info;
        Ok(changed)
    }

    pub(crate) fn mark_unreachable(&mut self, id: AgentId, at: Time) -> Result<bool, OperationError> {
        self.remove_agent(&id)?;
        self.unreachable.push(id, time_info(at));
        Ok(true)
    }

    /// An agent in neither list was lost for so long that it was forgotten: it may return.
    pub(crate) fn mark_reachable(&mut self, info: AgentInfo) -> Result<bool, OperationError> {
        let id = id_of(&info)?;
        if self.is_admitted(&id) {
            return Ok(false);
        }
        self.unreachable.remove(&id);
        self.insert_agent(id, stored(info));
        Ok(true)
    }

    pub(crate) fn remove_agent(&mut self, id: &AgentId) -> Result<(), OperationError> {
        if self.take_agent(id) { Ok(()) } else { Err(OperationError::NotAdmitted(id.clone())) }
    }

    pub(crate) fn mark_gone(&mut self, id: AgentId, at: Time) -> Result<bool, OperationError> {
        if self.is_gone(&id) {
            return Err(OperationError::AlreadyGone(id));
        }
        if !self.take_agent(&id) && !self.unreachable.remove(&id) {
            return Err(OperationError::Unknown(id));
        }
        self.gone.push(id, time_info(at));
        Ok(true)
    }

    pub(crate) fn prune(&mut self, unreachable: &[AgentId], gone: &[AgentId]) -> bool {
        let unreachable = unreachable.iter().filter(|id| self.unreachable.remove(id)).count();
        let gone = gone.iter().filter(|id| self.gone.remove(id)).count();
        unreachable + gone > 0
    }
}

fn id_of(info: &AgentInfo) -> Result<AgentId, OperationError> {
    info.id.clone().ok_or_else(|| OperationError::MissingId(info.hostname.clone()))
}

/// As older masters read it, too. A resource with several reservations cannot be said in their
/// form and keeps its own.
fn stored(mut info: AgentInfo) -> AgentInfo {
    for resource in &mut info.resources {
        let _ = mesos_resources::format::downgrade(resource);
    }
    info
}
