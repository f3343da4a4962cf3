//! Agents in the order in which they were entered.

use std::collections::{BTreeMap, HashMap};

use mesos_api::v1::{AgentId, TimeInfo};

/// Agents with the time each was entered, oldest entry first, found and removed by id in
/// logarithmic time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roll {
    entries: BTreeMap<u64, (AgentId, TimeInfo)>,
    positions: HashMap<AgentId, u64>,
    next: u64,
}

impl Roll {
    pub(crate) fn contains(&self, id: &AgentId) -> bool {
        self.positions.contains_key(id)
    }

    /// Enters the agent at the end; one that is there already moves.
    pub(crate) fn push(&mut self, id: AgentId, time: TimeInfo) {
        self.remove(&id);
        self.positions.insert(id.clone(), self.next);
        self.entries.insert(self.next, (id, time));
        self.next += 1;
    }

    /// Whether the agent was there.
    pub(crate) fn remove(&mut self, id: &AgentId) -> bool {
        let position = self.positions.remove(id);
        position.is_some_and(|position| self.entries.remove(&position).is_some())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(AgentId, TimeInfo)> {
        self.entries.values()
    }
}

impl FromIterator<(AgentId, TimeInfo)> for Roll {
    fn from_iter<I: IntoIterator<Item = (AgentId, TimeInfo)>>(entries: I) -> Roll {
        let mut roll = Roll::default();
        entries.into_iter().for_each(|(id, time)| roll.push(id, time));
        roll
    }
}
