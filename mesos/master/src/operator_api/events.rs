//! What subscribers of the operator API get to see of a change.

use mesos_api::v1::master::Event;
use mesos_cluster::Observation;

use super::state;
use crate::authorization::Visibility;

/// Whether somebody may hear of a change.
pub(crate) fn is_visible(observation: &Observation, visibility: &Visibility) -> bool {
    match observation {
        Observation::TaskAdded { task, framework } | Observation::TaskUpdated { task, framework, .. } => {
            visibility.framework(framework) && visibility.task(task, framework)
        }
        Observation::FrameworkAdded(framework) | Observation::FrameworkUpdated(framework) => {
            visibility.framework(&framework.info)
        }
        Observation::FrameworkRemoved(info) => visibility.framework(info),
        Observation::AgentAdded(_) | Observation::AgentRemoved(_) => true,
    }
}

/// The event that tells of a change, without what one may not see.
pub(crate) fn event(observation: &Observation, visibility: &Visibility) -> Event {
    let mut event = observation.to_event();
    if let Some(added) = &mut event.agent_added {
        state::hide_resources(&mut added.agent, visibility);
    }
    event
}
