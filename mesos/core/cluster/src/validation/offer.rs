//! The offers that an ACCEPT names.

use std::collections::BTreeSet;

use mesos_api::v1::{FrameworkId, OfferId};

use super::Verdict;
use crate::snapshot::Snapshot;

/// Checks that offers may be accepted together by a framework.
///
/// # Errors
///
/// Names the offer that may not.
pub fn accepted(offers: &[OfferId], framework: &FrameworkId, state: &Snapshot) -> Verdict {
    if offers.is_empty() {
        return Err("No offers specified".to_owned());
    }
    let mut seen = BTreeSet::new();
    if let Some(id) = offers.iter().find(|id| !seen.insert(*id)) {
        return Err(format!("Duplicate offer {id} in offer list"));
    }
    let mut found = Vec::with_capacity(offers.len());
    for id in offers {
        match state.offers.get(id) {
            Some(offer) => found.push(offer),
            None => return Err(format!("Offer {id} is no longer valid")),
        }
    }
    if let Some(offer) = found.iter().find(|offer| offer.framework != *framework) {
        return Err(format!(
            "Offer {} has invalid framework {} while framework {framework} is expected",
            offer.id, offer.framework
        ));
    }
    let Some(first) = found.first() else { return Ok(()) };
    if let Some(offer) = found.iter().find(|offer| offer.role != first.role) {
        return Err(format!(
            "Aggregated offers must be allocated to the same role. Offer {} uses role '{}' but another is \
             using role '{}'",
            offer.id, offer.role, first.role
        ));
    }
    if let Some(offer) = found.iter().find(|offer| offer.agent != first.agent) {
        return Err(format!(
            "Aggregated offers must belong to one single agent. Offer {} uses agent {} and agent {}",
            offer.id, offer.agent, first.agent
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mesos_api::v1::MasterInfo;
    use mesos_resources::Resources;

    use super::*;
    use crate::offer::Offer;
    use crate::options::Options;

    fn state(offers: &[(&str, &str, &str, &str)]) -> Snapshot {
        let mut state = Snapshot::new(&Options::new(MasterInfo::default()));
        for (id, framework, agent, role) in offers {
            let offer = Offer {
                id: (*id).into(),
                framework: (*framework).into(),
                agent: (*agent).into(),
                role: (*role).into(),
                resources: Resources::new(),
                info: mesos_api::v1::Offer::default(),
            };
            state.offers.insert(offer.id.clone(), Arc::new(offer));
        }
        state
    }

    #[test]
    fn offers_of_one_framework_role_and_agent_go_together() {
        let state = state(&[
            ("1", "f", "a", "r"),
            ("2", "f", "a", "r"),
            ("3", "g", "a", "r"),
            ("4", "f", "b", "r"),
            ("5", "f", "a", "s"),
        ]);
        for (offers, error) in [
            (&["1"][..], None),
            (&["1", "2"], None),
            (&[], Some("No offers specified")),
            (&["1", "1"], Some("Duplicate offer 1 in offer list")),
            (&["1", "9"], Some("Offer 9 is no longer valid")),
            (&["3"], Some("has invalid framework g while framework f is expected")),
            (&["1", "4"], Some("must belong to one single agent")),
            (&["1", "5"], Some("must be allocated to the same role")),
        ] {
            let ids: Vec<OfferId> = offers.iter().map(|id| (*id).into()).collect();
            match (accepted(&ids, &"f".into(), &state), error) {
                (Ok(()), None) => {}
                (Err(found), Some(expected)) if found.contains(expected) => {}
                (found, expected) => panic!("{offers:?}: {found:?} instead of {expected:?}"),
            }
        }
    }
}
