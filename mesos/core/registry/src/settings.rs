//! What operators set for roles: quotas and weights.

use mesos_api::internal::registry::{Quota, Weight};
use mesos_api::v1::WeightInfo;
use mesos_api::v1::quota::QuotaInfo;

use crate::Registry;

impl Registry {
    pub(crate) fn update_quota(&mut self, info: QuotaInfo) -> bool {
        let quotas = &mut self.contents.quotas;
        match quotas.iter_mut().find(|quota| quota.info.role() == info.role()) {
            Some(quota) if quota.info == info => return false,
            Some(quota) => quota.info = info,
            None => quotas.push(Quota { info }),
        }
        true
    }

    pub(crate) fn remove_quota(&mut self, role: &str) -> bool {
        let count = self.contents.quotas.len();
        self.contents.quotas.retain(|quota| quota.info.role() != role);
        self.contents.quotas.len() != count
    }

    pub(crate) fn update_weights(&mut self, infos: Vec<WeightInfo>) -> bool {
        let weights = &mut self.contents.weights;
        let mut changed = false;
        for info in infos {
            match weights.iter_mut().find(|weight| weight.info.role() == info.role()) {
                Some(weight) if weight.info.weight == info.weight => continue,
                Some(weight) => weight.info = info,
                None => weights.push(Weight { info }),
            }
            changed = true;
        }
        changed
    }
}
