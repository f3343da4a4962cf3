//! The endpoints that came before the v1 API.

pub(crate) mod changes;
pub(crate) mod roles;

use std::sync::Arc;

use libprocess::Pid;
use libprocess::http::{Request, Response};
use mesos_access::{Action, Object};

use crate::authorization::Visibility;
use crate::gate::{self, Refused};
use crate::process::{MASTER_ID, MasterProcess};
use crate::state_json::{self, Agents, Frameworks, Order, Roles, State, Summary, Tasks};
use crate::view::View;

/// How many tasks `/tasks` gives unless it is told.
const TASKS_MAX: usize = 100;

pub(crate) async fn state(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    let flags = gate::approvers(&master, &request, &[Action::ViewFlags]).await?;
    let with_flags = flags.allow(Action::ViewFlags, Object::any);
    show(master, request, move |_, view, visibility| {
        state_json::to_vec(&State { view, visibility, with_flags })
    })
    .await
}

pub(crate) async fn summary(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    show(master, request, |_, view, visibility| state_json::to_vec(&Summary { view, visibility })).await
}

pub(crate) async fn agents(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    show(master, request, |request, view, visibility| {
        state_json::to_vec(&Agents { view, visibility, only: request.query.get("slave_id") })
    })
    .await
}

pub(crate) async fn frameworks(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    show(master, request, |request, view, visibility| {
        state_json::to_vec(&Frameworks { view, visibility, only: request.query.get("framework_id") })
    })
    .await
}

pub(crate) async fn tasks(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    show(master, request, |request, view, visibility| {
        let query = &request.query;
        let number = |name| query.get(name).and_then(|text| text.parse::<i64>().ok());
        state_json::to_vec(&Tasks {
            view,
            visibility,
            framework: query.get("framework_id"),
            task: query.get("task_id"),
            order: if query.get("order") == Some("asc") { Order::Ascending } else { Order::Descending },
            offset: number("offset").and_then(|offset| usize::try_from(offset).ok()).unwrap_or(0),
            // Any negative number is as good as -1: all of them.
            limit: number("limit").map_or(Some(TASKS_MAX), |limit| usize::try_from(limit).ok()),
        })
    })
    .await
}

pub(crate) async fn roles(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    show(master, request, |_, view, visibility| state_json::to_vec(&Roles::new(view, visibility))).await
}

/// Answers with a document, put together and written out on a thread for such work.
async fn show(
    master: Pid<MasterProcess>,
    request: Request,
    document: impl FnOnce(&Request, &View, &Visibility) -> Vec<u8> + Send + 'static,
) -> Result<Response, Refused> {
    gate::has_named_principal(&request)?;
    let view: Arc<View> = gate::view(&master).await?;
    gate::leads(&view, &request)?;
    let visibility = gate::visibility(&master, &request).await?;
    gate::work(&master, move || {
        let json = document(&request, &view, &visibility);
        Response::jsonp(json, request.query.get("jsonp"))
    })
    .await
}

/// Every master tells its own flags.
pub(crate) async fn flags(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    if request.method != libprocess::http::Method::GET {
        return Err(Response::method_not_allowed(&["GET"], &request.method));
    }
    let approvers = gate::approvers(&master, &request, &[Action::ViewFlags]).await?;
    if !approvers.allow(Action::ViewFlags, Object::any) {
        return Err(Response::forbidden("Not authorized to view the flags"));
    }
    let view = gate::view(&master).await?;
    let json =
        state_json::to_vec(&serde_json::json!({ "flags": stout::flags::to_json(&view.identity.flags) }));
    Ok(Response::jsonp(json, request.query.get("jsonp")))
}

/// A master that answers is healthy.
pub(crate) async fn health(_master: Pid<MasterProcess>, _request: Request) -> Result<Response, Refused> {
    Ok(Response::ok())
}

/// The way to the leader. It has no scheme: the client's own is the right one.
pub(crate) async fn redirect(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    let path = if request.process == MASTER_ID { request.rest.as_str() } else { request.path.as_str() };
    // A client that was redirected here and follows would go round in circles.
    if path != "/redirect" {
        return Err(Response::not_found());
    }
    let view = gate::view(&master).await?;
    let leader = view.leader().ok_or_else(gate::no_leader)?;
    Ok(Response::temporary_redirect(&gate::base(leader)))
}
