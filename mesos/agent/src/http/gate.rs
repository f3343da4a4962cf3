//! What every request passes before anybody looks at what it wants.

use libprocess::http::{Method, Request, Response};
use libprocess::{Context, FutureError, Pid};
use mesos_access::{Action, Subject};
use mesos_auth::{Approvers, subject_of};
use mesos_workload::Phase;

use super::Refused;
use super::view::View;
use crate::process::AgentProcess;

/// Runs `f` in the agent's process. Without one there is nobody to answer.
pub(super) async fn ask<T: Send + 'static>(
    agent: &Pid<AgentProcess>,
    f: impl FnOnce(&mut AgentProcess, &mut Context<AgentProcess>) -> T + Send + 'static,
) -> Result<T, Refused> {
    agent.ask(f).await.map_err(|_| Response::service_unavailable("The agent is shutting down"))
}

/// The agent as it is now.
pub(super) async fn view(agent: &Pid<AgentProcess>) -> Result<View, Refused> {
    ask(agent, |agent, cx| View::of(agent, cx)).await
}

/// Executors of before a restart had their time.
pub(super) fn is_recovered(view: &View) -> Result<(), Refused> {
    if view.workload.phase() == Phase::Recovering {
        return Err(Response::service_unavailable("Agent has not finished recovery"));
    }
    Ok(())
}

/// Calls are posted.
pub(super) fn is_post(request: &Request) -> Result<(), Refused> {
    if request.method == Method::POST {
        return Ok(());
    }
    Err(Response::method_not_allowed(&["POST"], &request.method))
}

/// Who asks.
pub(super) fn subject(request: &Request) -> Subject {
    subject_of(request.principal.as_ref())
}

/// What the sender of a request may do.
pub(super) async fn approvers(
    view: &View,
    request: &Request,
    actions: &[Action],
) -> Result<Approvers, Refused> {
    let asked = Approvers::ask(&*view.setup.authorizer, &subject(request), actions);
    asked
        .await
        .map_err(|error| Response::internal_server_error(format!("failed to authorize the request: {error}")))
}

/// Does work that takes a while, such as writing out a large state, on a thread for such work.
pub(super) async fn work(
    agent: &Pid<AgentProcess>,
    work: impl FnOnce() -> Response + Send + 'static,
) -> Result<Response, Refused> {
    let done = agent.node().run_blocking(work).await;
    done.map_err(|_| Response::internal_server_error("the answer could not be put together"))
}

/// Something that was to be done failed. What was left undone because the agent ends will be asked of the
/// next one.
pub(super) fn failed(error: &FutureError) -> Refused {
    match error {
        FutureError::Abandoned => Response::service_unavailable("The agent is shutting down"),
        error => Response::internal_server_error(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use libprocess::http::StatusCode;

    use super::*;

    #[test]
    fn what_an_ending_agent_leaves_undone_may_be_asked_again() {
        assert_eq!(failed(&FutureError::Abandoned).status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(failed(&FutureError::Discarded).status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
