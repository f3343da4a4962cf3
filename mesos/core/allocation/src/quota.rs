//! Inputs about quotas and weights, and recovery after a failover.

use std::collections::BTreeMap;
use std::time::Duration;

use mesos_api::v1::WeightInfo;
use mesos_resources::{Quantities, roles};
use stout::Time;

use crate::Allocation;
use crate::allocation::Hold;

/// How many in ten of the known agents must be back before quotas are served.
const AGENTS_AWAITED_IN_TEN: usize = 8;
/// How long to wait for them at most.
const HOLD_MAX: Duration = Duration::from_secs(10 * 60);

impl Allocation {
    pub(crate) fn update_weights(&mut self, weights: &[WeightInfo]) {
        for info in weights {
            if info.weight.is_finite() && info.weight > 0.0 {
                let role = info.role.as_deref().unwrap_or(roles::DEFAULT);
                self.roles.tree.set_weight(role, info.weight);
            }
        }
    }

    /// Serving quotas from the few agents that are back first would give their roles too much, and take it
    /// from others for long.
    pub(crate) fn recover(&mut self, known: usize, quotas: BTreeMap<String, Quantities>, now: Time) {
        if quotas.is_empty() {
            return;
        }
        self.quotas.extend(quotas);
        let expected_agents = known.saturating_mul(AGENTS_AWAITED_IN_TEN) / 10;
        if expected_agents > self.agents.len() {
            self.hold = Some(Hold { expected_agents, until: now + HOLD_MAX });
        }
    }
}
