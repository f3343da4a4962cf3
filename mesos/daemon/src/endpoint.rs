//! Who may read an endpoint.

use libprocess::http::{Request, Response};
use mesos_access::{Action, Object};
use mesos_auth::{Authorizer, subject_of};

/// Asks the authorizer whether the sender of a request may read the endpoint at `path`, such as
/// `/metrics/snapshot`.
///
/// # Errors
///
/// The answer: 403 if not, 500 if the authorizer failed.
pub fn authorize<A: Authorizer + ?Sized>(
    authorizer: &A,
    request: &Request,
    path: &str,
) -> impl Future<Output = Result<(), Response>> + Send + use<A> {
    let subject = subject_of(request.principal.as_ref());
    let allowed = authorizer.authorize(&subject, Action::GetEndpointWithPath, Object::of_value(path));
    async move {
        match allowed.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Response::forbidden("")),
            Err(error) => {
                Err(Response::internal_server_error(format!("failed to authorize the request: {error}")))
            }
        }
    }
}
