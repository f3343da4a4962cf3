//! RESERVE, UNRESERVE, CREATE and DESTROY, by frameworks and by operators.

use std::collections::BTreeSet;

use mesos_api::v1::offer::operation::{Create, Destroy, Reserve, Unreserve};
use mesos_resources::{Resource, Resources, roles};

use super::{Verdict, resource, within};
use crate::agent::Agent;
use crate::capabilities::AgentCapabilities;
use crate::framework::Framework;
use crate::text::braces;

/// Who wants an operation.
#[derive(Clone, Copy, Debug)]
pub enum Author<'a> {
    /// A framework, out of an offer.
    Framework(&'a Framework),
    /// An operator, out of what is free.
    Operator(Option<&'a str>),
}

impl Author<'_> {
    fn principal(&self) -> Option<&str> {
        match self {
            Self::Framework(framework) => framework.info.principal.as_deref(),
            Self::Operator(principal) => *principal,
        }
    }

    fn roles(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Framework(framework) => Some(&framework.roles),
            Self::Operator(_) => None,
        }
    }
}

fn of_one_provider(protos: &[mesos_api::v1::Resource]) -> Result<Resources, String> {
    let resources = resource::resources(protos).map_err(|error| format!("Invalid resources: {error}"))?;
    within(resource::one_provider(&resources), "Invalid resources")?;
    if resources.is_empty() {
        return Err("Invalid resources: the operation has none".to_owned());
    }
    Ok(resources)
}

fn fits_agent(item: &Resource, agent: AgentCapabilities, what: &str, done: &str) -> Verdict {
    let role = item.reservation_role().unwrap_or(roles::DEFAULT);
    if !agent.hierarchical_role && roles::is_hierarchical(role) {
        return Err(format!(
            "{what} {item} with reservation for hierarchical role '{role}' cannot be {done} on an agent \
             without HIERARCHICAL_ROLE capability"
        ));
    }
    if !agent.reservation_refinement && item.has_refined_reservations() {
        return Err(format!(
            "{what} {item} with reservation refinement cannot be {done} on an agent without \
             RESERVATION_REFINEMENT capability"
        ));
    }
    Ok(())
}

/// Checks a RESERVE.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn reserve(reserve: &Reserve, author: Author<'_>, agent: AgentCapabilities) -> Verdict {
    let resources = of_one_provider(&reserve.resources)?;
    for item in &resources {
        if !item.is_dynamically_reserved() {
            return Err(format!("Resource {item} is not dynamically reserved"));
        }
        fits_agent(item, agent, "Resource", "reserved")?;
        reserved_by(item, author)?;
        match author.roles() {
            Some(roles) => reserved_for(item, roles)?,
            None if item.allocation_role().is_some() => {
                return Err(
                    "A reserve operation was attempted with an allocated resource, but the operator API \
                     only allows reservations to be made to unallocated resources"
                        .to_owned(),
                );
            }
            None => {}
        }
        if item.is_persistent_volume() {
            return Err(format!("A persistent volume {item} must already be reserved"));
        }
    }
    if author.roles().is_some() {
        within(resource::allocated_to_one_role(&resources), "Invalid reservation resources")?;
    }
    Ok(())
}

fn reserved_by(item: &Resource, author: Author<'_>) -> Verdict {
    let Some(principal) = author.principal() else { return Ok(()) };
    match item.reservations().last().and_then(|reservation| reservation.principal.as_deref()) {
        None => Err(format!(
            "A reserve operation was attempted by principal '{principal}', but there is a reserved resource \
             in the request with no principal set"
        )),
        Some(named) if named != principal => Err(format!(
            "A reserve operation was attempted by authenticated principal '{principal}', which does not \
             match a reserved resource in the request with principal '{named}'"
        )),
        Some(_) => Ok(()),
    }
}

fn reserved_for(item: &Resource, roles: &BTreeSet<String>) -> Verdict {
    let role = item.reservation_role().unwrap_or(roles::DEFAULT);
    let Some(allocated) = item.allocation_role() else {
        return Err(format!(
            "A reserve operation was attempted on unallocated resource {item}, but frameworks can only \
             perform reservations on allocated resources"
        ));
    };
    if allocated != role {
        return Err(format!(
            "A reserve operation was attempted for a resource with role '{role}', but the resource was \
             allocated to role '{allocated}'"
        ));
    }
    if !roles.contains(role) {
        return Err(format!(
            "A reserve operation was attempted for a resource allocated to role '{allocated}', but the \
             framework only has roles '{}'",
            braces(roles)
        ));
    }
    Ok(())
}

/// Checks an UNRESERVE.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn unreserve(unreserve: &Unreserve) -> Verdict {
    for item in &of_one_provider(&unreserve.resources)? {
        if !item.is_dynamically_reserved() {
            return Err(format!("Resource {item} is not dynamically reserved"));
        }
        if item.is_persistent_volume() {
            return Err(format!(
                "A dynamically reserved persistent volume {item} cannot be unreserved directly. Please \
                 destroy the persistent volume first then unreserve the resource"
            ));
        }
    }
    Ok(())
}

/// Checks a CREATE on an agent.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn create(create: &Create, author: Author<'_>, agent: &Agent) -> Verdict {
    let volumes = of_one_provider(&create.volumes)?;
    within(resource::persistent_volumes(&volumes), "Not a persistent volume")?;
    let mut unallocated = volumes.clone();
    unallocated.unallocate();
    resource::unique_persistence_ids(&(&agent.checkpointed + &unallocated))?;
    for volume in &volumes {
        if let Author::Framework(framework) = author
            && volume.is_shared()
            && !framework.capabilities.shared_resources
        {
            return Err(format!(
                "Create volume operation for '{volume}' has been attempted by framework '{}' with no \
                 SHARED_RESOURCES capability",
                framework.id
            ));
        }
        fits_agent(volume, agent.capabilities, "Volume", "created")?;
        created_by(volume, author)?;
    }
    if author.roles().is_some() {
        within(resource::allocated_to_one_role(&volumes), "Invalid volume resources")?;
    }
    Ok(())
}

fn created_by(volume: &Resource, author: Author<'_>) -> Verdict {
    let Some(principal) = author.principal() else { return Ok(()) };
    let persistence = volume.disk().and_then(|disk| disk.persistence.as_ref());
    match persistence.and_then(|persistence| persistence.principal.as_deref()) {
        None => Err(format!(
            "Create volume operation attempted by principal '{principal}', but there is a volume in the \
             operation with no principal set in 'disk.persistence'"
        )),
        Some(named) if named != principal => Err(format!(
            "Create volume operation attempted by authenticated principal '{principal}', which does not \
             match a volume in the operation with principal '{named}' set in 'disk.persistence'"
        )),
        Some(_) => Ok(()),
    }
}

/// Checks a DESTROY on an agent.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn destroy(destroy: &Destroy, agent: &Agent) -> Verdict {
    let mut volumes = of_one_provider(&destroy.volumes)?;
    volumes.unallocate();
    within(resource::persistent_volumes(&volumes), "Not a persistent volume")?;
    for volume in &volumes {
        let one = Resources::from(volume.clone());
        if volume.provider_id().is_none() && !agent.checkpointed.contains(&one) {
            return Err("Persistent volumes not found".to_owned());
        }
        // A volume that is not shared cannot be offered while it is in use.
        if agent.used.values().any(|used| has(used, volume)) {
            return Err("Persistent volumes in use".to_owned());
        }
        let wanted = agent.pending_tasks.values().flat_map(|tasks| tasks.values()).any(|task| {
            let executor = task.executor.iter().flat_map(|executor| &executor.resources);
            task.resources.iter().chain(executor).any(|proto| {
                Resource::from_proto(proto.clone()).is_ok_and(|wanted| has(&Resources::from(wanted), volume))
            })
        });
        if wanted {
            return Err("Persistent volume in pending tasks".to_owned());
        }
    }
    Ok(())
}

/// Whether an unallocated volume is among allocated resources.
fn has(resources: &Resources, volume: &Resource) -> bool {
    let mut same = resources.filter(|item| item.persistence_id() == volume.persistence_id());
    same.unallocate();
    same.contains(&Resources::from(volume.clone()))
}

#[cfg(test)]
mod tests;
