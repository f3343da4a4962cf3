//! What operators set for roles: quotas and weights.

use std::collections::BTreeMap;

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
        // Of several for one role the last counts.
        let mut new: BTreeMap<String, (usize, WeightInfo)> = BTreeMap::new();
        for (place, info) in infos.into_iter().enumerate() {
            new.insert(info.role().to_owned(), (place, info));
        }
        let mut changed = false;
        for weight in weights.iter_mut() {
            if let Some((_, info)) = new.remove(weight.info.role())
                && weight.info.weight != info.weight
            {
                weight.info = info;
                changed = true;
            }
        }
        changed |= !new.is_empty();
        let mut added: Vec<(usize, WeightInfo)> = new.into_values().collect();
        added.sort_unstable_by_key(|(place, _)| *place);
        weights.extend(added.into_iter().map(|(_, info)| Weight { info }));
        changed
    }
}
