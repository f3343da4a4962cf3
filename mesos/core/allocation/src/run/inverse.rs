//! The third stage: asking frameworks to leave agents that are planned to go away.

use std::collections::BTreeMap;

use crate::table::{AgentKey, FrameworkKey};
use crate::{Allocation, Output};

impl Allocation {
    /// Asks every framework that holds something on such an agent, once until it answers. Without
    /// candidates, all agents are.
    pub(super) fn make_inverse_offers(&mut self, candidates: Option<Vec<AgentKey>>, out: &mut Vec<Output>) {
        let mut agents: Vec<_> = match candidates {
            Some(agents) => agents.into_iter().filter(|key| self.maintained.contains(key)).collect(),
            None => self.maintained.iter().copied().collect(),
        };
        agents.sort_unstable();
        let mut all: BTreeMap<FrameworkKey, BTreeMap<_, _>> = BTreeMap::new();
        for key in agents {
            let Some(agent) = self.agents.get_mut(key) else { continue };
            let Some(maintenance) = &mut agent.maintenance else { continue };
            for (_, holder) in &agent.holders {
                let Some(framework) = self.frameworks.get(*holder) else { continue };
                let asked = framework.active
                    && !framework.inverse_refusals.contains_key(&key)
                    && !maintenance.outstanding.contains(&framework.id);
                if asked {
                    maintenance.outstanding.insert(framework.id.clone());
                    let unavailability = maintenance.unavailability;
                    all.entry(*holder).or_default().insert(agent.id.clone(), unavailability);
                }
            }
        }
        for (framework, agents) in all {
            let Some(framework) = self.frameworks.get(framework) else { continue };
            out.push(Output::InverseOffers { framework: framework.id.clone(), agents });
        }
    }
}
