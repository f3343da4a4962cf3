//! What every request passes before anybody looks at what it wants.

use std::sync::Arc;

use libprocess::http::{Method, Request, Response};
use libprocess::{Context, Pid};
use mesos_access::{Action, Subject};
use mesos_api::v1::MasterInfo;
use mesos_auth::{Approvers, subject_of};

use crate::authorization::{VIEW, Visibility};
use crate::process::{MASTER_ID, MasterProcess, NOT_RECOVERED};
use crate::view::View;

/// What a handler gives up with.
pub(crate) type Refused = Response;

/// Runs `f` in the master's process. Without one there is nobody to answer.
pub(crate) async fn ask<T: Send + 'static>(
    master: &Pid<MasterProcess>,
    f: impl FnOnce(&mut MasterProcess, &mut Context<MasterProcess>) -> T + Send + 'static,
) -> Result<T, Refused> {
    master.ask(f).await.map_err(|_| Response::service_unavailable("The master is shutting down"))
}

/// The master as it is now.
pub(crate) async fn view(master: &Pid<MasterProcess>) -> Result<Arc<View>, Refused> {
    ask(master, |master, _cx| master.view()).await
}

/// The first checks of the v1 APIs, in Mesos' order: the principal has a name, this master leads
/// and has recovered, and it is a POST.
pub(crate) async fn enter(master: &Pid<MasterProcess>, request: &Request) -> Result<Arc<View>, Refused> {
    let view = enter_by_any_method(master, request).await?;
    is_post(request)?;
    Ok(view)
}

/// The same but the last, for endpoints that tell by the method what is wanted.
pub(crate) async fn enter_by_any_method(
    master: &Pid<MasterProcess>,
    request: &Request,
) -> Result<Arc<View>, Refused> {
    has_named_principal(request)?;
    let view = view(master).await?;
    leads(&view, request)?;
    is_recovered(&view)?;
    Ok(view)
}

/// Principals that only carry claims mean nothing to a master.
pub(crate) fn has_named_principal(request: &Request) -> Result<(), Refused> {
    if request.principal.as_ref().is_none_or(|principal| principal.value.is_some()) {
        return Ok(());
    }
    Err(Response::forbidden(
        "The request's authenticated principal contains claims, but no value string. The master currently \
         requires that principals have a value",
    ))
}

/// Who does not lead sends the client to the leader.
pub(crate) fn leads(view: &View, request: &Request) -> Result<(), Refused> {
    let info = &view.identity.info;
    match view.leader() {
        Some(leader) if leader.id == info.id => Ok(()),
        Some(leader) => Err(redirect(leader, request)),
        None => Err(no_leader()),
    }
}

/// The registry was read.
pub(crate) fn is_recovered(view: &View) -> Result<(), Refused> {
    if view.is_recovered() { Ok(()) } else { Err(Response::service_unavailable(NOT_RECOVERED)) }
}

/// Calls are posted.
pub(crate) fn is_post(request: &Request) -> Result<(), Refused> {
    if request.method == Method::POST {
        return Ok(());
    }
    Err(Response::method_not_allowed(&["POST"], &request.method))
}

/// What the sender of a request may do.
pub(crate) async fn approvers(
    master: &Pid<MasterProcess>,
    request: &Request,
    actions: &'static [Action],
) -> Result<Approvers, Refused> {
    let subject = subject(request);
    let asked =
        ask(master, move |master, _cx| Approvers::ask(&*master.authorizer, &subject, actions)).await?;
    asked
        .await
        .map_err(|error| Response::internal_server_error(format!("failed to authorize the request: {error}")))
}

/// What the sender of a request may see.
pub(crate) async fn visibility(
    master: &Pid<MasterProcess>,
    request: &Request,
) -> Result<Visibility, Refused> {
    Ok(Visibility::new(approvers(master, request, VIEW).await?))
}

/// Does work that takes a while, such as writing out the state of a large cluster, on a thread for
/// such work.
pub(crate) async fn work(
    master: &Pid<MasterProcess>,
    work: impl FnOnce() -> Response + Send + 'static,
) -> Result<Response, Refused> {
    let done = master.node().run_blocking(work).await;
    done.map_err(|_| Response::internal_server_error("the answer could not be put together"))
}

/// Who asks.
pub(crate) fn subject(request: &Request) -> Subject {
    subject_of(request.principal.as_ref())
}

/// The way to the same place on the leader. The scheme is left to the client.
pub(crate) fn redirect(leader: &MasterInfo, request: &Request) -> Response {
    let path = if request.process == MASTER_ID {
        request.path.clone()
    } else {
        // The path after the delegate was put in front.
        format!("/{MASTER_ID}{}", request.path)
    };
    let mut location = format!("{}{path}", base(leader));
    let mut separator = '?';
    for (name, value) in request.query.iter() {
        location.push(separator);
        location.push_str(&encode(name));
        location.push('=');
        location.push_str(&encode(value));
        separator = '&';
    }
    Response::temporary_redirect(&location)
}

/// `//host:port` of a master.
pub(crate) fn base(leader: &MasterInfo) -> String {
    let host = leader
        .hostname
        .clone()
        .unwrap_or_else(|| leader.address.as_ref().and_then(|a| a.ip.clone()).unwrap_or_default());
    format!("//{host}:{}", leader.port)
}

/// No master leads, as far as this one knows.
pub(crate) fn no_leader() -> Response {
    Response::service_unavailable("No leader elected")
}

/// Percent-encodes a part of a query.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use libprocess::http::Principal;

    fn leader() -> MasterInfo {
        MasterInfo { hostname: Some("m1".into()), port: 5050, ..MasterInfo::default() }
    }

    fn location(request: &Request) -> String {
        redirect(&leader(), request).headers["location"].to_str().unwrap().to_owned()
    }

    #[test]
    fn redirect_keeps_path_and_query() {
        assert_eq!(
            location(&Request::get("/master/state?jsonp=a%20b")),
            "//m1:5050/master/state?jsonp=a%20b"
        );
        assert_eq!(location(&Request::get("/api/v1/scheduler")), "//m1:5050/master/api/v1/scheduler");
    }

    #[test]
    fn principal_needs_a_name() {
        let mut request = Request::get("/state");
        assert!(has_named_principal(&request).is_ok());
        request.principal = Some(Principal::default());
        assert_eq!(has_named_principal(&request).unwrap_err().status, 403);
        request.principal = Some(Principal::new("ops"));
        assert!(has_named_principal(&request).is_ok());
    }

    #[test]
    fn calls_are_posted() {
        assert!(is_post(&Request::post("/api/v1", "")).is_ok());
        let refused = is_post(&Request::get("/api/v1")).unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.headers["allow"].to_str().unwrap()), (405, "POST"));
    }
}
