//! Which agents a run has to look at.
//!
//! Once a run has found nothing of an agent to offer to anybody, the next one would find the same, until
//! something happens: to the agent, to filters on it, to any framework, to quotas, or to what they hold
//! back. Such agents are settled and cost later runs nothing.

use crate::agent::Agent;
use crate::table::{AgentKey, Table};
use mesos_api::v1::AgentId;
use mesos_resources::Quantities;

/// Keeps the agents that runs must look at.
#[derive(Debug, Default)]
pub(crate) struct Attentions {
    /// Whether the next run is over all agents.
    all: bool,
    /// Those that the next run looks at in any case.
    candidates: Vec<AgentKey>,
    /// Those that are not settled, unless the age has changed.
    listed: Vec<AgentKey>,
    /// Those that settled because quotas held something back, with what was held back then.
    held: Vec<AgentKey>,
    /// Grows when something happens that may unsettle every agent.
    age: u64,
    /// The age of the last run over all agents.
    swept: Option<u64>,
    /// What had to stay free, and what was free, at the end of the last run over all agents.
    headroom: (Quantities, Quantities),
}

/// The agents of a run.
#[derive(Debug, Default)]
pub(crate) struct Visit {
    /// All that something may be offered of.
    pub(crate) agents: Vec<AgentKey>,
    /// Those settled, of which only roles that lack more than before may be offered something.
    pub(crate) settled: Vec<AgentKey>,
    /// The ones that something happened to; all if there is none.
    pub(crate) candidates: Option<Vec<AgentKey>>,
}

type Agents = Table<AgentId, AgentKey, Agent>;

impl Attentions {
    /// The next run is over all agents.
    pub(crate) fn mark_all(&mut self) {
        self.all = true;
    }

    /// The next run looks at this agent.
    pub(crate) fn mark(&mut self, key: AgentKey, agent: &mut Agent) {
        if !agent.attention.candidate {
            agent.attention.candidate = true;
            self.candidates.push(key);
        }
    }

    /// Something happened to this agent.
    pub(crate) fn wake(&mut self, key: AgentKey, agent: &mut Agent) {
        agent.attention.settled = None;
        if !agent.attention.listed {
            agent.attention.listed = true;
            self.listed.push(key);
        }
    }

    /// Something happened that may matter for every agent.
    pub(crate) fn wake_all(&mut self) {
        self.age += 1;
    }

    /// Whether a run has nothing to look for on an agent.
    fn is_settled(&self, agent: &Agent) -> bool {
        agent.attention.settled == Some(self.age)
    }

    /// Whether the next run is over all agents.
    pub(crate) fn is_for_all(&self) -> bool {
        self.all
    }

    /// Takes the agents for a run. `risen` tells that some role lacks more than before, `loosened` that a limit
    /// may leave more room, `headroom` what must stay free and what is free.
    pub(crate) fn take(
        &mut self,
        agents: &mut Agents,
        risen: bool,
        loosened: bool,
        headroom: (&Quantities, &Quantities),
    ) -> Visit {
        let mut candidates = std::mem::take(&mut self.candidates);
        // The key of a removed agent may be there twice.
        candidates.retain(|key| {
            agents.get_mut(*key).is_some_and(|agent| std::mem::take(&mut agent.attention.candidate))
        });
        if !std::mem::take(&mut self.all) {
            return Visit { agents: candidates.clone(), settled: Vec::new(), candidates: Some(candidates) };
        }
        if loosened || (&self.headroom.0, &self.headroom.1) != headroom {
            for key in std::mem::take(&mut self.held) {
                if let Some(agent) = agents.get_mut(key).filter(|agent| agent.attention.held) {
                    agent.attention.held = false;
                    self.wake(key, agent);
                }
            }
        }
        let mut listed = std::mem::take(&mut self.listed);
        let mut settled = Vec::new();
        if self.swept == Some(self.age) {
            listed.retain(|key| {
                agents.get_mut(*key).is_some_and(|agent| std::mem::take(&mut agent.attention.listed))
            });
            if risen {
                let settled_ones = agents.iter().filter(|(_, agent)| self.is_settled(agent));
                settled
                    .extend(settled_ones.filter(|(_, agent)| !agent.free().is_empty()).map(|(key, _)| key));
            }
        } else {
            self.held.clear();
            listed.clear();
            for (key, agent) in agents.iter_mut() {
                (agent.attention.listed, agent.attention.held) = (false, false);
                listed.push(key);
            }
        }
        self.swept = Some(self.age);
        Visit { agents: listed, settled, candidates: None }
    }

    /// Notes what a run found on an agent.
    pub(crate) fn note(&mut self, key: AgentKey, agent: &mut Agent, found: Found) {
        match found {
            Found::Nothing { held } => {
                agent.attention.settled = Some(self.age);
                if held && !std::mem::replace(&mut agent.attention.held, true) {
                    self.held.push(key);
                }
            }
            Found::Something => self.wake(key, agent),
        }
    }

    /// Notes what must stay free and what is free at the end of a run.
    pub(crate) fn note_headroom(&mut self, required: Quantities, available: Quantities) {
        self.headroom = (required, available);
    }
}

/// What a run found on an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing that anybody gets.
    Nothing {
        /// Whether quotas held something back.
        held: bool,
    },
    /// Something was given, or may be next time.
    Something,
}
