//! Quotas and weights of roles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mesos_api::v1::quota::QuotaInfo;
use mesos_api::v1::{WeightInfo, value};
use mesos_resources::{Quantities, Resources, format, roles, validate};

use super::Verdict;
use crate::snapshot::Snapshot;

/// What a role is guaranteed.
pub(crate) fn guarantee(info: &QuotaInfo) -> Quantities {
    Resources::from_protos(info.guarantee.iter().cloned()).unwrap_or_default().quantities()
}

/// Checks a quota that is to be set for a role that has none.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn set(info: &QuotaInfo, whitelist: Option<&BTreeSet<String>>, state: &Snapshot) -> Verdict {
    const WHAT: &str = "Failed to validate set quota request";
    validate::resources(&info.guarantee)
        .map_err(|error| format!("{WHAT}: QuotaInfo with invalid resource: {error}"))?;
    content(info).map_err(|error| format!("{WHAT}: {error}"))?;
    // Such as one of more names than an agent may have.
    Resources::from_protos(info.guarantee.iter().cloned())
        .map_err(|error| format!("{WHAT}: QuotaInfo with invalid resource: {error}"))?;
    let role = info.role();
    if whitelist.is_some_and(|known| !known.contains(role)) {
        return Err(format!("{WHAT}: Unknown role '{role}'"));
    }
    if state.quotas.contains_key(role) {
        return Err(format!("{WHAT}: Cannot set quota for role '{role}' which already has quota"));
    }
    let all = state.quotas.values().map(|quota| &**quota).chain([info]);
    tree(all).map_err(|error| format!("{WHAT}: {error}"))?;
    if roles::is_hierarchical(role) {
        return Err(format!("Setting quota on nested role '{role}' is not supported yet"));
    }
    Ok(())
}

/// Checks that the quota of a role can go.
///
/// # Errors
///
/// Names the rule that stands against it.
pub fn remove(role: &str, whitelist: Option<&BTreeSet<String>>, state: &Snapshot) -> Verdict {
    if whitelist.is_some_and(|known| !known.contains(role)) {
        return Err(format!("Failed to validate remove quota request: Unknown role '{role}'"));
    }
    if !state.quotas.contains_key(role) {
        return Err(format!("Failed to remove quota: Role '{role}' has no quota set"));
    }
    let left = state.quotas.iter().filter(|(name, _)| *name != role).map(|(_, quota)| &**quota);
    tree(left).map_err(|error| format!("Failed to remove quota: {error}"))
}

fn content(info: &QuotaInfo) -> Verdict {
    let Some(role) = &info.role else { return Err("QuotaInfo must specify a role".to_owned()) };
    roles::validate(role).map_err(|error| format!("QuotaInfo with invalid role: {error}"))?;
    if role == roles::DEFAULT {
        return Err("QuotaInfo must not specify the default '*' role".to_owned());
    }
    if info.guarantee.is_empty() {
        return Err("QuotaInfo with empty 'guarantee'".to_owned());
    }
    let mut names = BTreeSet::new();
    for resource in &info.guarantee {
        // Both forms of a reservation.
        let reserved = !resource.reservations.is_empty()
            || resource.reservation.is_some()
            || resource.role.as_deref().is_some_and(|role| role != roles::DEFAULT);
        let broken = if reserved {
            "must not contain any ReservationInfo"
        } else if resource.disk.is_some() {
            "must not contain DiskInfo"
        } else if resource.revocable.is_some() {
            "must not contain RevocableInfo"
        } else if resource.r#type() != value::Type::Scalar {
            "must not include non-scalar resources"
        } else if !names.insert(resource.name.as_str()) {
            return Err(format!("QuotaInfo contains duplicate resource name '{}'", resource.name));
        } else {
            continue;
        };
        return Err(format!("QuotaInfo {broken}"));
    }
    Ok(())
}

/// What a role guarantees must cover what the roles right below it are guaranteed.
fn tree<'a>(quotas: impl Iterator<Item = &'a QuotaInfo>) -> Verdict {
    let quotas: BTreeMap<&str, Quantities> = quotas.map(|quota| (quota.role(), guarantee(quota))).collect();
    let mut children: BTreeMap<&str, Quantities> = BTreeMap::new();
    for (role, quantities) in &quotas {
        if let Some(parent) = roles::parent(role) {
            *children.entry(parent).or_default() += quantities;
        }
    }
    let none = Quantities::new();
    for (parent, sum) in children {
        let own = quotas.get(parent).unwrap_or(&none);
        if !own.contains(&sum) {
            return Err(format!(
                "Invalid quota configuration. Parent role '{parent}' with quota {own} does not contain the \
                 sum of its children's resources ({sum})"
            ));
        }
    }
    Ok(())
}

/// Whether the unreserved resources of the agents that take part in allocation cover all guarantees and
/// this one. What is reserved only for a while counts: it can be freed.
///
/// # Errors
///
/// Says that they do not.
pub fn capacity(info: &QuotaInfo, state: &Snapshot) -> Verdict {
    let top_level = state.quotas.values().filter(|quota| !roles::is_hierarchical(quota.role()));
    let wanted = top_level.fold(guarantee(info), |sum, quota| sum + &guarantee(quota));
    let mut found = Quantities::new();
    for agent in state.agents.values().filter(|agent| agent.is_connected() && agent.is_active()) {
        if found.contains(&wanted) {
            break;
        }
        let own = Resources::from_protos(agent.info.resources.iter().cloned()).unwrap_or_default();
        found += &own.unreserved().quantities();
    }
    if found.contains(&wanted) {
        return Ok(());
    }
    Err("Heuristic capacity check for set quota request failed: Not enough available cluster capacity to \
         reasonably satisfy quota request; the force flag can be used to override this check"
        .to_owned())
}

/// Checks new weights, and takes the blanks around the names of the roles off.
///
/// # Errors
///
/// Names the rule that one of them breaks.
pub fn weights(infos: &mut [WeightInfo], whitelist: Option<&BTreeSet<String>>) -> Verdict {
    const WHAT: &str = "Failed to validate update weights request JSON";
    for info in infos {
        let role = info.role().trim().to_owned();
        roles::validate(&role).map_err(|error| format!("{WHAT}: Invalid role '{role}': {error}"))?;
        if whitelist.is_some_and(|known| !known.contains(&role)) {
            return Err(format!("{WHAT}: Unknown role '{role}'"));
        }
        if !(info.weight > 0.0 && info.weight.is_finite()) {
            let weight = info.weight;
            return Err(format!(
                "{WHAT} for role '{role}': Invalid weight '{weight}': Weights must be positive"
            ));
        }
        info.role = Some(role);
    }
    Ok(())
}

/// The quota that a request asks for.
#[must_use]
pub fn requested(request: mesos_api::v1::quota::QuotaRequest) -> Arc<QuotaInfo> {
    let mut info = QuotaInfo { role: request.role, guarantee: request.guarantee, principal: None };
    info.guarantee.iter_mut().for_each(format::upgrade);
    Arc::new(info)
}
