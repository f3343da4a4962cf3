//! What runs in containers, and what it uses.

use std::collections::BTreeSet;

use futures::future::join_all;
use libprocess::http::Request;
use mesos_access::{Action, Object};
use mesos_api::v1::{ContainerId, ContainerStatus, ExecutorInfo, ResourceStatistics};
use mesos_workload::ExecutorState;

use super::view::{View, root};
use super::{Refused, gate};

/// Which containers are asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Select {
    /// Only this one.
    pub(super) container: Option<String>,
    /// Those inside of others, too.
    pub(super) nested: bool,
    /// Those that belong to no executor, too.
    pub(super) standalone: bool,
}

/// A container.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) id: ContainerId,
    /// The executor that runs in it; none for nested and standalone ones.
    pub(super) owner: Option<ExecutorInfo>,
    pub(super) status: Option<ContainerStatus>,
    pub(super) usage: Option<ResourceStatistics>,
}

/// The containers that were asked for and may be seen, those of executors first.
pub(super) async fn list(view: &View, request: &Request, select: Select) -> Result<Vec<Found>, Refused> {
    let actions = [Action::ViewContainer, Action::ViewStandaloneContainer];
    let approvers = gate::approvers(view, request, &actions).await?;
    let wanted = |id: &ContainerId| select.container.as_ref().is_none_or(|wanted| id.value == *wanted);
    let mut ids: Vec<(ContainerId, Option<ExecutorInfo>)> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut visible = BTreeSet::new();
    for framework in view.workload.frameworks().values() {
        for executor in framework.executors.values() {
            if executor.state == ExecutorState::Terminated {
                continue;
            }
            seen.insert(executor.container_id.value.clone());
            let object =
                || Object::any().with_executor(executor.info.clone()).with_framework(framework.info.clone());
            if approvers.allow(Action::ViewContainer, object) {
                visible.insert(executor.container_id.value.clone());
                if wanted(&executor.container_id) {
                    ids.push((executor.container_id.clone(), Some(executor.info.clone())));
                }
            }
        }
    }
    let living = view.containerizer.containers().await.map_err(|error| gate::failed(&error))?;
    let standalone: BTreeSet<String> = living
        .iter()
        .filter(|container| container.standalone)
        .map(|container| container.container_id.value.clone())
        .collect();
    for container in living {
        let id = container.container_id;
        let (is_nested, top) = (id.parent.is_some(), root(&id).value.clone());
        if (!is_nested && seen.contains(&id.value)) || !wanted(&id) || (is_nested && !select.nested) {
            continue;
        }
        let is_standalone = standalone.contains(&top);
        if is_standalone && !is_nested && !select.standalone {
            continue;
        }
        let allowed = if is_standalone {
            approvers.allow(Action::ViewStandaloneContainer, || Object::any().with_container(id.clone()))
        } else {
            visible.contains(&top)
        };
        if allowed {
            ids.push((id, None));
        }
    }
    let all = ids.into_iter().map(|(id, owner)| async {
        let (status, usage) = (view.containerizer.status(&id), view.containerizer.usage(&id));
        // One that ended meanwhile has neither.
        Found { status: status.await.ok(), usage: usage.await.ok(), id, owner }
    });
    Ok(join_all(all).await)
}
