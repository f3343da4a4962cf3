//! The v1 API of operators.

mod events;
mod reads;
mod state;
mod validation;
mod writes;

pub(crate) use events::{event, is_visible};
pub(crate) use state::get_state;

use std::sync::Arc;

use libprocess::Pid;
use libprocess::http::{Request, Response};
use mesos_api::media::ContentType;
use mesos_api::v1::master::Call;
use mesos_api::v1::master::call::Type;

use crate::gate::{self, Refused};
use crate::process::MasterProcess;
use crate::view::View;

/// A call on its way to its handler.
pub(crate) struct Incoming {
    pub(crate) master: Pid<MasterProcess>,
    /// Its headers, and who sent it.
    pub(crate) request: Request,
    /// How its sender wants the answer.
    pub(crate) content_type: ContentType,
    /// The master when the call came in.
    pub(crate) view: Arc<View>,
}

/// Answers a call of an operator: the first check that fails gives the answer.
pub(crate) async fn call(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    let view = gate::enter(&master, &request).await?;
    let call: Call = mesos_daemon::media::decode_call(&request)?;
    validation::call(&call)
        .map_err(|error| Response::bad_request(format!("Failed to validate master::Call: {error}")))?;
    let content_type = mesos_daemon::media::acceptable(&request)?;
    dispatch(Incoming { master, request, content_type, view }, call).await
}

async fn dispatch(incoming: Incoming, call: Call) -> Result<Response, Refused> {
    match call.r#type() {
        Type::Unknown => Err(Response::not_implemented("The call type UNKNOWN means nothing")),
        Type::GetHealth => Ok(reads::health(&incoming)),
        Type::GetFlags => reads::flags(incoming).await,
        Type::GetVersion => Ok(reads::version(&incoming)),
        Type::GetMetrics => reads::metrics(incoming, call.get_metrics.unwrap_or_default()).await,
        Type::GetLoggingLevel => reads::logging_level(incoming).await,
        Type::GetMaster => Ok(reads::master(&incoming)),
        Type::ListFiles => reads::list_files(incoming, call.list_files.unwrap_or_default()).await,
        Type::ReadFile => reads::read_file(incoming, call.read_file.unwrap_or_default()).await,
        Type::GetState => state::answer(incoming, state::of_state).await,
        Type::GetAgents => state::answer(incoming, state::of_agents).await,
        Type::GetFrameworks => state::answer(incoming, state::of_frameworks).await,
        Type::GetExecutors => state::answer(incoming, state::of_executors).await,
        Type::GetTasks => state::answer(incoming, state::of_tasks).await,
        Type::GetRoles => state::answer(incoming, state::of_roles).await,
        Type::GetMaintenanceSchedule => reads::maintenance_schedule(incoming).await,
        Type::GetMaintenanceStatus => reads::maintenance_status(incoming).await,
        Type::Subscribe => subscribe(incoming).await,
        Type::SetLoggingLevel => {
            writes::set_logging_level(incoming, call.set_logging_level.unwrap_or_default()).await
        }
        Type::GetQuota => reads::quota(incoming).await,
        Type::GetWeights => reads::weights(incoming).await,
        Type::SetQuota
        | Type::RemoveQuota
        | Type::UpdateWeights
        | Type::Teardown
        | Type::MarkAgentGone
        | Type::ReserveResources
        | Type::UnreserveResources
        | Type::CreateVolumes
        | Type::DestroyVolumes
        | Type::UpdateMaintenanceSchedule
        | Type::StartMaintenance
        | Type::StopMaintenance => writes::operate(incoming, call).await,
    }
}

async fn subscribe(incoming: Incoming) -> Result<Response, Refused> {
    let visibility = gate::visibility(&incoming.master, &incoming.request).await?;
    let content_type = incoming.content_type;
    gate::ask(&incoming.master, move |master, cx| master.subscribe_operator(cx, content_type, visibility))
        .await
}
