//! The calls about containers: those of executors, nested and standalone ones.

use libprocess::FutureError;
use libprocess::http::Response;
use mesos_access::{Action, Object};
use mesos_api::v1::agent::call::{GetContainers, Type};
use mesos_api::v1::agent::response::{self, WaitContainer, WaitNestedContainer};
use mesos_api::v1::agent::{Call, Response as Message};
use mesos_api::v1::{CommandInfo, ContainerId, ContainerInfo, Resource, TaskResourceLimitation};
use mesos_containerizer::{ContainerConfig, ContainerError, Launched, Termination};
use mesos_resources::Resources;
use mesos_workload::paths::container_text;
use nix::sys::signal::Signal;

use super::{Incoming, validation};
use crate::http::containers::{self, Select};
use crate::http::{Refused, gate};

/// What is asked of a container, for nested ones and for others.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Launch,
    Wait,
    Kill,
    Remove,
}

impl Deed {
    fn action(self, id: &ContainerId) -> Action {
        match (self, id.parent.is_some()) {
            (Deed::Launch, true) => Action::LaunchNestedContainer,
            (Deed::Launch, false) => Action::LaunchStandaloneContainer,
            (Deed::Wait, true) => Action::WaitNestedContainer,
            (Deed::Wait, false) => Action::WaitStandaloneContainer,
            (Deed::Kill, true) => Action::KillNestedContainer,
            (Deed::Kill, false) => Action::KillStandaloneContainer,
            (Deed::Remove, true) => Action::RemoveNestedContainer,
            (Deed::Remove, false) => Action::RemoveStandaloneContainer,
        }
    }
}

/// The container of a call; validation saw to it that there is one.
fn container_of(call: &Call) -> Result<ContainerId, Refused> {
    let id = validation::container_id(call);
    id.cloned().ok_or_else(|| Response::bad_request("Expecting 'container_id' to be present"))
}

async fn authorize(
    incoming: &Incoming,
    action: Action,
    id: &ContainerId,
    command: Option<&CommandInfo>,
) -> Result<(), Refused> {
    let approvers = gate::approvers(&incoming.view, &incoming.request, &[action]).await?;
    let object = || {
        let mut object = Object::any().with_container(id.clone());
        if let Some((framework, executor)) = incoming.view.owner(id) {
            object = object.with_executor(executor.info.clone()).with_framework(framework.info.clone());
        }
        match command {
            Some(command) => object.with_command(command.clone()),
            None => object,
        }
    };
    if approvers.allow(action, object) { Ok(()) } else { Err(Response::forbidden("")) }
}

fn not_found(id: &ContainerId) -> Refused {
    Response::not_found().with_text(format!("Container {} cannot be found", container_text(id)))
}

/// What a launch asks for.
struct Wanted {
    command: CommandInfo,
    container: Option<ContainerInfo>,
    resources: Vec<Resource>,
}

fn wanted(call: Call) -> Wanted {
    if let Some(launch) = call.launch_container {
        let command = launch.command.unwrap_or_default();
        return Wanted { command, container: launch.container, resources: launch.resources };
    }
    let launch = call.launch_nested_container.unwrap_or_default();
    Wanted { command: launch.command.unwrap_or_default(), container: launch.container, resources: Vec::new() }
}

pub(super) async fn launch(incoming: Incoming, call: Call) -> Result<Response, Refused> {
    let id = container_of(&call)?;
    let Wanted { command, container, resources } = wanted(call);
    authorize(&incoming, Deed::Launch.action(&id), &id, Some(&command)).await?;
    check_resources(&id, &resources).map_err(Response::bad_request)?;
    let options = incoming.view.workload.options();
    let user = command.user.clone().filter(|_| options.switch_user);
    let standalone = id.parent.is_none();
    let config = ContainerConfig {
        user,
        container,
        resources,
        standalone,
        ..ContainerConfig::new(command, incoming.view.workload.layout().container(&id.value))
    };
    match incoming.view.containerizer.launch(&id, config).await {
        Ok(Launched::New) => Ok(Response::ok()),
        Ok(Launched::Already) => Ok(Response::accepted()),
        Err(error @ FutureError::Abandoned) => Err(gate::failed(&error)),
        Err(error) => Err(Response::bad_request(error.to_string())),
    }
}

/// A standalone container uses what nobody else counts on; a nested one what its root has.
fn check_resources(id: &ContainerId, resources: &[Resource]) -> Result<(), String> {
    if resources.is_empty() {
        return Ok(());
    }
    if id.parent.is_some() {
        return Err(
            "Resources may not be specified when using 'LAUNCH_CONTAINER' to launch nested containers".into(),
        );
    }
    let all =
        Resources::from_protos(resources.to_vec()).map_err(|error| format!("Invalid resources: {error}"))?;
    for resource in &all {
        if resource.is_reserved() || resource.is_revocable() || resource.is_persistent_volume() {
            return Err(format!(
                "Resource {resource} cannot be used by a standalone container: it is reserved, revocable or a volume"
            ));
        }
    }
    Ok(())
}

pub(super) async fn wait(incoming: Incoming, call: Call) -> Result<Response, Refused> {
    let id = container_of(&call)?;
    authorize(&incoming, Deed::Wait.action(&id), &id, None).await?;
    let ended = incoming.view.containerizer.wait(&id).await.map_err(|error| gate::failed(&error))?;
    let ended = ended.ok_or_else(|| not_found(&id))?;
    Ok(incoming.answer(&ended_message(call.r#type(), ended)))
}

fn ended_message(kind: Type, ended: Termination) -> Message {
    let limitation = (!ended.limited_resources.is_empty())
        .then_some(TaskResourceLimitation { resources: ended.limited_resources });
    let (exit_status, message) = (ended.status, ended.message);
    let (state, reason) = (ended.state.map(|state| state as i32), ended.reason.map(|reason| reason as i32));
    if kind == Type::WaitNestedContainer {
        let wait = WaitNestedContainer { exit_status, state, reason, limitation, message };
        let r#type = Some(response::Type::WaitNestedContainer as i32);
        return Message { r#type, wait_nested_container: Some(wait), ..Message::default() };
    }
    let wait = WaitContainer { exit_status, state, reason, limitation, message };
    let r#type = Some(response::Type::WaitContainer as i32);
    Message { r#type, wait_container: Some(wait), ..Message::default() }
}

pub(super) async fn kill(incoming: Incoming, call: Call) -> Result<Response, Refused> {
    let id = container_of(&call)?;
    authorize(&incoming, Deed::Kill.action(&id), &id, None).await?;
    let nested = call.kill_nested_container.and_then(|kill| kill.signal);
    let number = nested.or(call.kill_container.and_then(|kill| kill.signal));
    let signal = number.map_or(Ok(Signal::SIGKILL), Signal::try_from);
    let signal = signal.map_err(|_| Response::bad_request("there is no such signal"))?;
    let found = incoming.view.containerizer.kill(&id, signal).await.map_err(|error| gate::failed(&error))?;
    if found { Ok(Response::ok()) } else { Err(not_found(&id)) }
}

pub(super) async fn remove(incoming: Incoming, call: Call) -> Result<Response, Refused> {
    let id = container_of(&call)?;
    authorize(&incoming, Deed::Remove.action(&id), &id, None).await?;
    if id.parent.is_none() {
        return Err(Response::bad_request("Only nested containers can be removed"));
    }
    match incoming.view.containerizer.remove(&id).await {
        Ok(()) => Ok(Response::ok()),
        Err(error) => match ContainerError::of(&error) {
            Some(ContainerError::Running { .. }) => {
                Err(Response::internal_server_error("Nested container has not terminated yet"))
            }
            _ => Err(gate::failed(&error)),
        },
    }
}

/// Containers have files for their output and nothing for their input: nobody can attach to them.
pub(super) async fn attach(incoming: Incoming, call: Call) -> Result<Response, Refused> {
    let id = container_of(&call)?;
    let action = match call.r#type() {
        Type::AttachContainerInput => Action::AttachContainerInput,
        Type::AttachContainerOutput => Action::AttachContainerOutput,
        _ => Action::LaunchNestedContainerSession,
    };
    authorize(&incoming, action, &id, None).await?;
    if incoming.view.owner(&id).is_none() {
        return Err(not_found(&id));
    }
    Err(Response::internal_server_error("I/O switchboard server was disabled for this container"))
}

pub(super) async fn list(incoming: Incoming, call: GetContainers) -> Result<Response, Refused> {
    let select = Select {
        container: None,
        nested: call.show_nested.unwrap_or(false),
        standalone: call.show_standalone.unwrap_or(false),
    };
    let found = containers::list(&incoming.view, &incoming.request, select).await?;
    let containers: Vec<_> = found
        .into_iter()
        .map(|found| response::get_containers::Container {
            framework_id: found.owner.as_ref().and_then(|executor| executor.framework_id.clone()),
            executor_id: found.owner.as_ref().map(|executor| executor.executor_id.clone()),
            executor_name: found.owner.as_ref().map(|executor| executor.name.clone().unwrap_or_default()),
            container_id: found.id,
            container_status: found.status,
            resource_statistics: found.usage,
        })
        .collect();
    let message = Message {
        r#type: Some(response::Type::GetContainers as i32),
        get_containers: (!containers.is_empty()).then_some(response::GetContainers { containers }),
        ..Message::default()
    };
    Ok(incoming.answer(&message))
}
