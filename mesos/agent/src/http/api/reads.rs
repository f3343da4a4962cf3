//! The calls that show the agent itself.

use std::time::Duration;

use libprocess::http::Response;
use mesos_access::{Action, Object};
use mesos_api::v1::agent::Response as Message;
use mesos_api::v1::agent::call::{GetMetrics, ListFiles, ReadFile, SetLoggingLevel};
use mesos_api::v1::agent::response::{
    self, GetAgent, GetFlags, GetHealth, GetLoggingLevel, GetResourceProviders, GetVersion, Type,
};
use mesos_api::v1::{Flag, Metric};
use mesos_daemon::version::version_info;

use super::Incoming;
use crate::http::{Refused, gate};

fn of(r#type: Type) -> Message {
    Message { r#type: Some(r#type as i32), ..Message::default() }
}

/// An agent that answers is healthy.
pub(super) fn health(incoming: &Incoming) -> Response {
    incoming.answer(&Message { get_health: Some(GetHealth { healthy: true }), ..of(Type::GetHealth) })
}

pub(super) fn version(incoming: &Incoming) -> Response {
    let get_version = GetVersion { version_info: version_info() };
    incoming.answer(&Message { get_version: Some(get_version), ..of(Type::GetVersion) })
}

pub(super) fn agent(incoming: &Incoming) -> Response {
    let get_agent = GetAgent { agent_info: Some(incoming.view.workload.info().clone()) };
    incoming.answer(&Message { get_agent: Some(get_agent), ..of(Type::GetAgent) })
}

pub(super) fn resource_providers(incoming: &Incoming) -> Response {
    let get_resource_providers = Some(GetResourceProviders::default());
    incoming.answer(&Message { get_resource_providers, ..of(Type::GetResourceProviders) })
}

pub(super) async fn flags(incoming: Incoming) -> Result<Response, Refused> {
    allowed(&incoming, Action::ViewFlags).await?;
    let values = stout::flags::to_json(&incoming.view.setup.flags);
    let flags =
        values.into_iter().map(|(name, value)| Flag { name, value: value.as_str().map(str::to_owned) });
    let get_flags = GetFlags { flags: flags.collect() };
    Ok(incoming.answer(&Message { get_flags: Some(get_flags), ..of(Type::GetFlags) }))
}

/// Whether the sender may do something that has no object.
async fn allowed(incoming: &Incoming, action: Action) -> Result<(), Refused> {
    let approvers = gate::approvers(&incoming.view, &incoming.request, &[action]).await?;
    if approvers.allow(action, Object::any) { Ok(()) } else { Err(Response::forbidden("")) }
}

/// All metrics of the process. Those that are not there within the timeout are left out.
pub(super) async fn metrics(incoming: Incoming, call: GetMetrics) -> Result<Response, Refused> {
    let timeout = match call.timeout.map(|timeout| u64::try_from(timeout.nanoseconds)) {
        None => None,
        Some(Ok(nanoseconds)) => Some(Duration::from_nanos(nanoseconds)),
        Some(Err(_)) => return Err(Response::bad_request("'get_metrics.timeout' is negative")),
    };
    let snapshot = incoming.agent.node().metrics().snapshot(timeout).await;
    let metrics = snapshot.into_iter().map(|(name, value)| Metric { name, value: Some(value) });
    let get_metrics = response::GetMetrics { metrics: metrics.collect() };
    Ok(incoming.answer(&Message { get_metrics: Some(get_metrics), ..of(Type::GetMetrics) }))
}

pub(super) async fn logging_level(incoming: Incoming) -> Result<Response, Refused> {
    let level = incoming.view.setup.logging.level().await.map_err(|error| gate::failed(&error))?;
    let get_logging_level = Some(GetLoggingLevel { level });
    Ok(incoming.answer(&Message { get_logging_level, ..of(Type::GetLoggingLevel) }))
}

pub(super) async fn set_logging_level(
    incoming: Incoming,
    call: SetLoggingLevel,
) -> Result<Response, Refused> {
    let Ok(nanoseconds) = u64::try_from(call.duration.nanoseconds) else {
        return Err(Response::bad_request("'set_logging_level.duration' is negative"));
    };
    allowed(&incoming, Action::SetLogLevel).await?;
    let set = incoming.view.setup.logging.set_level(call.level, Duration::from_nanos(nanoseconds)).await;
    set.map_err(|error| gate::failed(&error))?;
    Ok(Response::ok())
}

pub(super) async fn list_files(incoming: Incoming, call: ListFiles) -> Result<Response, Refused> {
    let listed = incoming.view.setup.files.browse(call.path, gate::subject(&incoming.request)).await;
    let file_infos = listed.map_err(|error| gate::failed(&error))?.map_err(Response::from)?;
    let list_files = Some(response::ListFiles { file_infos });
    Ok(incoming.answer(&Message { list_files, ..of(Type::ListFiles) }))
}

pub(super) async fn read_file(incoming: Incoming, call: ReadFile) -> Result<Response, Refused> {
    let subject = gate::subject(&incoming.request);
    let read = incoming.view.setup.files.read(call.path, call.offset, call.length, subject).await;
    let chunk = read.map_err(|error| gate::failed(&error))?.map_err(Response::from)?;
    let read_file = Some(response::ReadFile { size: chunk.size, data: chunk.data });
    Ok(incoming.answer(&Message { read_file, ..of(Type::ReadFile) }))
}

/// There is no image store, so there is nothing to remove from it.
pub(super) async fn prune_images(incoming: Incoming) -> Result<Response, Refused> {
    allowed(&incoming, Action::PruneImages).await?;
    Ok(Response::ok())
}

/// An agent without a directory for such configurations takes none.
pub(super) async fn resource_provider_config(incoming: Incoming) -> Result<Response, Refused> {
    allowed(&incoming, Action::ModifyResourceProviderConfig).await?;
    Err(Response::internal_server_error("This agent has no directory for resource provider configurations"))
}
