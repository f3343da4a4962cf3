//! Inputs about quotas and weights, and recovery after a failover.

use std::collections::BTreeMap;
use std::time::Duration;

use mesos_api::v1::WeightInfo;
use mesos_resources::roles;
use stout::Time;

use crate::allocation::Hold;
use crate::{Allocation, Quota};

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
                self.roles.quotas.touch(role);
            }
        }
    }

    /// Serving quotas from the few agents that are back first would give their roles too much, and take it
    /// from others for long.
    pub(crate) fn recover(&mut self, known: usize, quotas: BTreeMap<String, Quota>, now: Time) {
        if quotas.is_empty() {
            return;
        }
        for (role, quota) in quotas {
            self.set_quota(&role, Some(quota));
        }
        let expected_agents = known.saturating_mul(AGENTS_AWAITED_IN_TEN) / 10;
        if expected_agents > self.agents.len() {
            self.hold = Some(Hold { expected_agents, until: now + HOLD_MAX });
        }
    }

    /// Sets or removes a quota. One that neither guarantees nor limits anything is none.
    pub(crate) fn set_quota(&mut self, role: &str, quota: Option<Quota>) {
        let empty = |quota: &Quota| {
            quota.guarantee.is_empty() && quota.limits.as_ref().is_none_or(BTreeMap::is_empty)
        };
        self.roles.set_quota(role, quota.filter(|quota| !empty(quota)));
        self.attentions.wake_all();
    }
}
