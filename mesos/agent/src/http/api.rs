//! The v1 API of operators: `POST /api/v1`.

mod nested;
mod reads;
mod state;
mod validation;

use libprocess::Pid;
use libprocess::http::{Request, Response};
use mesos_api::v1::agent::Call;
use mesos_api::v1::agent::call::Type;
use mesos_daemon::media::answer;
use mesos_daemon::streaming::Media;

use super::view::View;
use super::{Refused, gate};
use crate::process::AgentProcess;

/// A call on its way to its handler.
struct Incoming {
    agent: Pid<AgentProcess>,
    /// Its headers, and who sent it.
    request: Request,
    media: Media,
    /// The agent when the call came in.
    view: View,
}

impl Incoming {
    fn answer(&self, response: &mesos_api::v1::agent::Response) -> Response {
        answer(self.media.answer.message(), response)
    }
}

/// Answers a call of an operator: the first check that fails gives the answer.
pub(super) async fn call(agent: Pid<AgentProcess>, request: Request) -> Result<Response, Refused> {
    let view = gate::view(&agent).await?;
    gate::is_recovered(&view)?;
    gate::is_post(&request)?;
    let media = Media::negotiate(&request)?;
    let call: Call = media.decode_call(&request.body)?;
    validation::call(&call)
        .map_err(|error| Response::bad_request(format!("Failed to validate agent::Call: {error}")))?;
    let kind = call.r#type();
    media.check_call(kind.as_str_name(), kind == Type::AttachContainerInput)?;
    dispatch(Incoming { agent, request, media, view }, call).await
}

async fn dispatch(incoming: Incoming, call: Call) -> Result<Response, Refused> {
    match call.r#type() {
        Type::Unknown => Err(Response::not_implemented("The call type UNKNOWN means nothing")),
        Type::GetHealth => Ok(reads::health(&incoming)),
        Type::GetFlags => reads::flags(incoming).await,
        Type::GetVersion => Ok(reads::version(&incoming)),
        Type::GetMetrics => reads::metrics(incoming, call.get_metrics.unwrap_or_default()).await,
        Type::GetLoggingLevel => reads::logging_level(incoming).await,
        Type::SetLoggingLevel => {
            reads::set_logging_level(incoming, call.set_logging_level.unwrap_or_default()).await
        }
        Type::ListFiles => reads::list_files(incoming, call.list_files.unwrap_or_default()).await,
        Type::ReadFile => reads::read_file(incoming, call.read_file.unwrap_or_default()).await,
        Type::GetAgent => Ok(reads::agent(&incoming)),
        Type::GetResourceProviders => Ok(reads::resource_providers(&incoming)),
        Type::GetState => state::answer(incoming, state::of_state).await,
        Type::GetFrameworks => state::answer(incoming, state::of_frameworks).await,
        Type::GetExecutors => state::answer(incoming, state::of_executors).await,
        Type::GetTasks => state::answer(incoming, state::of_tasks).await,
        Type::GetContainers => nested::list(incoming, call.get_containers.unwrap_or_default()).await,
        Type::LaunchNestedContainer | Type::LaunchContainer => nested::launch(incoming, call).await,
        Type::WaitNestedContainer | Type::WaitContainer => nested::wait(incoming, call).await,
        Type::KillNestedContainer | Type::KillContainer => nested::kill(incoming, call).await,
        Type::RemoveNestedContainer | Type::RemoveContainer => nested::remove(incoming, call).await,
        Type::LaunchNestedContainerSession | Type::AttachContainerInput | Type::AttachContainerOutput => {
            nested::attach(incoming, call).await
        }
        Type::PruneImages => reads::prune_images(incoming).await,
        Type::AddResourceProviderConfig
        | Type::UpdateResourceProviderConfig
        | Type::RemoveResourceProviderConfig => reads::resource_provider_config(incoming).await,
    }
}
