//! The contents of a registry, and their bytes.

use std::collections::HashMap;

use mesos_api::internal;
use mesos_api::internal::registry::{
    GoneSlave, GoneSlaves, Master, Slave, UnreachableSlave, UnreachableSlaves,
};
use mesos_api::v1::{AgentId, AgentInfo, MasterInfo, TimeInfo};
use stout::{Time, WireMessage};

use crate::roll::Roll;

/// The registry of one cluster.
///
/// Finding an agent takes no longer when there are many.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Everything but the lost agents, as it is stored. Resources are in the form that masters
    /// without reservation refinement read, where it can say them.
    pub(crate) contents: internal::Registry,
    /// Where each admitted agent is in `contents.slaves`.
    positions: HashMap<AgentId, usize>,
    pub(crate) unreachable: Roll,
    pub(crate) gone: Roll,
}

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Registry {
        Registry::default()
    }

    /// Takes over what was stored.
    ///
    /// # Errors
    ///
    /// An agent has no id, or is there twice.
    pub fn from_proto(mut contents: internal::Registry) -> Result<Registry, String> {
        let unreachable = contents.unreachable.take().unwrap_or_default();
        let gone = contents.gone.take().unwrap_or_default();
        let mut positions = HashMap::new();
        for (position, Slave { info }) in contents.slaves.iter().flat_map(|list| &list.slaves).enumerate() {
            let id =
                info.id.clone().ok_or_else(|| format!("the agent on host '{}' has no id", info.hostname))?;
            if let Some(twice) = positions.insert(id, position) {
                return Err(format!("the agents at positions {twice} and {position} have the same id"));
            }
        }
        Ok(Registry {
            contents,
            positions,
            unreachable: unreachable.slaves.into_iter().map(|agent| (agent.id, agent.timestamp)).collect(),
            gone: gone.slaves.into_iter().map(|agent| (agent.id, agent.timestamp)).collect(),
        })
    }

    /// Reads what [`encode`](Self::encode) wrote; no bytes at all are an empty registry.
    ///
    /// # Errors
    ///
    /// The bytes are no registry.
    pub fn decode(bytes: &[u8]) -> Result<Registry, String> {
        Registry::from_proto(internal::Registry::decode_wire(bytes)?)
    }

    /// The bytes to store.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // The encoding of two parts of a message, one after the other, is that of the whole:
        // so the agents need not be copied.
        let mut bytes = self.contents.encode_wire();
        bytes.extend(self.lost().encode_wire());
        bytes
    }

    /// The contents as they are stored.
    #[must_use]
    pub fn to_proto(&self) -> internal::Registry {
        let lost = self.lost();
        internal::Registry { unreachable: lost.unreachable, gone: lost.gone, ..self.contents.clone() }
    }

    /// The contents as the rest of a master uses them: all resources with their list of
    /// reservations.
    #[must_use]
    pub fn to_upgraded_proto(&self) -> internal::Registry {
        let mut contents = self.to_proto();
        for Slave { info } in contents.slaves.iter_mut().flat_map(|list| &mut list.slaves) {
            info.resources.iter_mut().for_each(mesos_resources::format::upgrade);
        }
        contents
    }

    /// The master that was elected last.
    #[must_use]
    pub fn master(&self) -> Option<&MasterInfo> {
        self.contents.master.as_ref().map(|master| &master.info)
    }

    /// How many agents are admitted.
    #[must_use]
    pub fn agent_count(&self) -> usize {
        self.positions.len()
    }

    /// Whether the agent is admitted.
    #[must_use]
    pub fn is_admitted(&self, id: &AgentId) -> bool {
        self.positions.contains_key(id)
    }

    /// Whether the agent is unreachable.
    #[must_use]
    pub fn is_unreachable(&self, id: &AgentId) -> bool {
        self.unreachable.contains(id)
    }

    /// Whether the agent is gone.
    #[must_use]
    pub fn is_gone(&self, id: &AgentId) -> bool {
        self.gone.contains(id)
    }

    pub(crate) fn set_master(&mut self, info: MasterInfo) -> bool {
        self.contents.master = Some(Master { info });
        // Always written: only who can write leads.
        true
    }

    pub(crate) fn agent_mut(&mut self, id: &AgentId) -> Option<&mut AgentInfo> {
        let position = *self.positions.get(id)?;
        Some(&mut self.contents.slaves.as_mut()?.slaves.get_mut(position)?.info)
    }

    /// Adds an agent that is not admitted.
    pub(crate) fn insert_agent(&mut self, id: AgentId, info: AgentInfo) {
        let agents = &mut self.contents.slaves.get_or_insert_default().slaves;
        self.positions.insert(id, agents.len());
        agents.push(Slave { info });
    }

    /// Whether the agent was admitted. The last one takes its place.
    pub(crate) fn take_agent(&mut self, id: &AgentId) -> bool {
        let Some(position) = self.positions.remove(id) else { return false };
        let Some(agents) = &mut self.contents.slaves else { return false };
        agents.slaves.swap_remove(position);
        if let Some(moved) = agents.slaves.get(position).and_then(|agent| agent.info.id.clone()) {
            self.positions.insert(moved, position);
        }
        true
    }

    /// The lost agents as a part of the contents.
    fn lost(&self) -> internal::Registry {
        let unreachable = self.unreachable.iter().cloned();
        let gone = self.gone.iter().cloned();
        internal::Registry {
            unreachable: (!self.unreachable.is_empty()).then(|| UnreachableSlaves {
                slaves: unreachable.map(|(id, timestamp)| UnreachableSlave { id, timestamp }).collect(),
            }),
            gone: (!self.gone.is_empty()).then(|| GoneSlaves {
                slaves: gone.map(|(id, timestamp)| GoneSlave { id, timestamp }).collect(),
            }),
            ..Default::default()
        }
    }
}

pub(crate) fn time_info(time: Time) -> TimeInfo {
    TimeInfo { nanoseconds: time.as_nanos() }
}
