//! The calls that show the cluster.

use libprocess::http::Response;
use mesos_api::v1::master::response::{
    GetAgents, GetExecutors, GetFrameworks, GetRoles, GetState, GetTasks, Type, get_agents, get_executors,
};
use mesos_api::v1::{AgentInfo, Resource, Role, master};
use mesos_cluster::{Framework, Snapshot};

use super::Incoming;
use crate::authorization::Visibility;
use crate::gate::{self, Refused};
use crate::{roles, view::View};

/// Answers with a part of the state, put together and written out on a thread for such work.
pub(super) async fn answer(
    incoming: Incoming,
    part: fn(&View, &Visibility) -> master::Response,
) -> Result<Response, Refused> {
    let visibility = gate::visibility(&incoming.master, &incoming.request).await?;
    let Incoming { master, content_type, view, .. } = incoming;
    gate::work(&master, move || mesos_daemon::media::answer(content_type, &part(&view, &visibility))).await
}

fn of(r#type: Type) -> master::Response {
    master::Response { r#type: Some(r#type as i32), ..master::Response::default() }
}

pub(super) fn of_state(view: &View, visibility: &Visibility) -> master::Response {
    master::Response { get_state: Some(get_state(&view.snapshot, visibility)), ..of(Type::GetState) }
}

pub(super) fn of_agents(view: &View, visibility: &Visibility) -> master::Response {
    master::Response { get_agents: Some(agents(&view.snapshot, visibility)), ..of(Type::GetAgents) }
}

pub(super) fn of_frameworks(view: &View, visibility: &Visibility) -> master::Response {
    master::Response {
        get_frameworks: Some(frameworks(&view.snapshot, visibility)),
        ..of(Type::GetFrameworks)
    }
}

pub(super) fn of_executors(view: &View, visibility: &Visibility) -> master::Response {
    master::Response { get_executors: Some(executors(&view.snapshot, visibility)), ..of(Type::GetExecutors) }
}

pub(super) fn of_tasks(view: &View, visibility: &Visibility) -> master::Response {
    master::Response { get_tasks: Some(tasks(&view.snapshot, visibility)), ..of(Type::GetTasks) }
}

pub(super) fn of_roles(view: &View, visibility: &Visibility) -> master::Response {
    let roles = roles::visible(view, visibility).into_iter().map(|role| Role {
        name: role.name.to_owned(),
        weight: role.weight,
        frameworks: role.frameworks.into_iter().cloned().collect(),
        resources: role.resources.to_protos(),
    });
    master::Response { get_roles: Some(GetRoles { roles: roles.collect() }), ..of(Type::GetRoles) }
}

/// The whole state.
pub(crate) fn get_state(snapshot: &Snapshot, visibility: &Visibility) -> GetState {
    GetState {
        get_tasks: Some(tasks(snapshot, visibility)),
        get_executors: Some(executors(snapshot, visibility)),
        get_frameworks: Some(frameworks(snapshot, visibility)),
        get_agents: Some(agents(snapshot, visibility)),
    }
}

/// All frameworks that may be seen, completed ones last.
fn visible<'a>(snapshot: &'a Snapshot, visibility: &'a Visibility) -> impl Iterator<Item = &'a Framework> {
    let all = snapshot.frameworks.values().chain(snapshot.completed_frameworks.values());
    all.map(|framework| &**framework).filter(|framework| visibility.framework(&framework.info))
}

fn frameworks(snapshot: &Snapshot, visibility: &Visibility) -> GetFrameworks {
    let shown = |framework: &&std::sync::Arc<Framework>| visibility.framework(&framework.info);
    GetFrameworks {
        frameworks: snapshot.frameworks.values().filter(shown).map(|it| it.to_response()).collect(),
        completed_frameworks: snapshot
            .completed_frameworks
            .values()
            .filter(shown)
            .map(|it| it.to_response())
            .collect(),
        ..GetFrameworks::default()
    }
}

fn executors(snapshot: &Snapshot, visibility: &Visibility) -> GetExecutors {
    let mut executors = Vec::new();
    for framework in visible(snapshot, visibility) {
        for (agent, of_agent) in &framework.executors {
            let of_agent =
                of_agent.values().filter(|executor| visibility.executor(executor, &framework.info));
            executors.extend(of_agent.map(|executor| get_executors::Executor {
                executor_info: (**executor).clone(),
                agent_id: agent.clone(),
            }));
        }
    }
    GetExecutors { executors, ..GetExecutors::default() }
}

fn tasks(snapshot: &Snapshot, visibility: &Visibility) -> GetTasks {
    let mut tasks = GetTasks::default();
    for framework in visible(snapshot, visibility) {
        let info = &framework.info;
        for (pending, task) in framework.pending_tasks.values().zip(framework.pending()) {
            if visibility.pending_task(pending, info) {
                tasks.pending_tasks.push(task);
            }
        }
        let shown = |task: &&std::sync::Arc<mesos_cluster::Task>| visibility.task(task, info);
        tasks.tasks.extend(framework.tasks.values().filter(shown).map(|task| task.info.clone()));
        let unreachable = framework.unreachable_tasks.values().filter(shown);
        tasks.unreachable_tasks.extend(unreachable.map(|task| task.info.clone()));
        let completed = framework.completed_tasks.values().filter(shown);
        tasks.completed_tasks.extend(completed.map(|task| task.info.clone()));
    }
    tasks
}

fn agents(snapshot: &Snapshot, visibility: &Visibility) -> GetAgents {
    let agents = snapshot.agents.values().map(|agent| {
        let mut agent = agent.to_response();
        hide_resources(&mut agent, visibility);
        agent
    });
    let recovered = snapshot.recovered_agents.values().map(|info| {
        let mut info = (**info).clone();
        retain_visible(&mut info.resources, visibility);
        info
    });
    GetAgents { agents: agents.collect(), recovered_agents: recovered.collect::<Vec<AgentInfo>>() }
}

/// Leaves out the resources of roles that one may not see.
pub(super) fn hide_resources(agent: &mut get_agents::Agent, visibility: &Visibility) {
    if visibility.every_role() {
        return;
    }
    retain_visible(&mut agent.agent_info.resources, visibility);
    retain_visible(&mut agent.total_resources, visibility);
    retain_visible(&mut agent.allocated_resources, visibility);
    retain_visible(&mut agent.offered_resources, visibility);
}

fn retain_visible(resources: &mut Vec<Resource>, visibility: &Visibility) {
    resources.retain(|resource| visibility.resource(resource));
}
