//! Operators' changes, from whichever API they come.

use libprocess::Pid;
use libprocess::http::{Request, Response, StatusCode};
use mesos_cluster::{OperatorAction, OperatorError};

use crate::gate::{self, Refused};
use crate::process::MasterProcess;

/// Has the model carry out an action for the sender of a request.
pub(crate) async fn run(
    master: &Pid<MasterProcess>,
    request: &Request,
    action: OperatorAction,
) -> Result<(), Refused> {
    let subject = gate::subject(request);
    let done = gate::ask(master, move |master, cx| master.operate(cx, subject, action)).await?;
    match done.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(refusal(&error)),
        Err(_) => Err(Response::service_unavailable("The master is shutting down")),
    }
}

/// The answer that tells why an action was not carried out.
fn refusal(error: &OperatorError) -> Refused {
    let status = match error {
        OperatorError::Invalid(_) => StatusCode::BAD_REQUEST,
        OperatorError::Forbidden => StatusCode::FORBIDDEN,
        OperatorError::NotFound(_) => StatusCode::NOT_FOUND,
        OperatorError::Conflict(_) => StatusCode::CONFLICT,
        OperatorError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Response::new(status).with_text(error.to_string())
}
