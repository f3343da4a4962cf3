//! The endpoints that came before the v1 API.

use libprocess::Pid;
use libprocess::http::{Method, Request, Response};
use mesos_access::{Action, Object};
use mesos_api::json::v0;
use serde_json::{Map, Value, json};

use super::containers::{self, Found, Select};
use super::state_json::StateJson;
use super::view::{VIEW, Visibility};
use super::{Refused, gate};
use crate::process::AgentProcess;

fn is_get(request: &Request) -> Result<(), Refused> {
    if request.method == Method::GET {
        return Ok(());
    }
    Err(Response::method_not_allowed(&["GET"], &request.method))
}

/// JSON, or a script that hands it to a function.
fn answer(request: &Request, json: Vec<u8>) -> Response {
    Response::jsonp(json, request.query.get("jsonp"))
}

pub(super) async fn state(agent: Pid<AgentProcess>, request: Request) -> Result<Response, Refused> {
    let view = gate::view(&agent).await?;
    gate::is_recovered(&view)?;
    let visibility = Visibility(gate::approvers(&view, &request, VIEW).await?);
    gate::work(&agent, move || {
        match serde_json::to_vec(&StateJson { view: &view, visibility: &visibility }) {
            Ok(json) => answer(&request, json),
            Err(error) => Response::internal_server_error(error.to_string()),
        }
    })
    .await
}

pub(super) async fn flags(agent: Pid<AgentProcess>, request: Request) -> Result<Response, Refused> {
    is_get(&request)?;
    let view = gate::view(&agent).await?;
    let approvers = gate::approvers(&view, &request, &[Action::ViewFlags]).await?;
    if !approvers.allow(Action::ViewFlags, Object::any) {
        return Err(Response::forbidden(""));
    }
    let flags = json!({ "flags": stout::flags::to_json(&view.setup.flags) });
    Ok(answer(&request, flags.to_string().into_bytes()))
}

pub(super) async fn containers(agent: Pid<AgentProcess>, request: Request) -> Result<Response, Refused> {
    let view = gate::view(&agent).await?;
    gate::is_recovered(&view)?;
    mesos_daemon::endpoint::authorize(&*view.setup.authorizer, &request, "/containers").await?;
    let container = request.query.get("container_id").map(str::to_owned);
    let found = containers::list(&view, &request, Select { container, ..Select::default() }).await?;
    let all: Vec<Value> = found.iter().map(container_json).collect();
    Ok(answer(&request, Value::Array(all).to_string().into_bytes()))
}

fn container_json(found: &Found) -> Value {
    let mut entry = Map::new();
    if let Some(executor) = &found.owner {
        let framework = executor.framework_id.as_ref().map_or("", |id| &id.value);
        entry.insert("framework_id".into(), framework.into());
        entry.insert("executor_id".into(), executor.executor_id.value.clone().into());
        entry.insert("executor_name".into(), executor.name.clone().unwrap_or_default().into());
        entry.insert("source".into(), executor.source.clone().unwrap_or_default().into());
    }
    entry.insert("container_id".into(), found.id.value.clone().into());
    if let Some(status) = &found.status {
        entry.insert("status".into(), v0::to_value(status));
    }
    if let Some(usage) = &found.usage {
        entry.insert("statistics".into(), v0::to_value(usage));
    }
    Value::Object(entry)
}

pub(super) async fn statistics(agent: Pid<AgentProcess>, request: Request) -> Result<Response, Refused> {
    let view = gate::view(&agent).await?;
    let path = "/monitor/statistics";
    mesos_daemon::endpoint::authorize(&*view.setup.authorizer, &request, path).await?;
    let wait = gate::ask(&agent, |agent, cx| agent.statistics_wait(cx.now())).await?;
    // A clock that is gone lets everybody through.
    let _ = agent.node().clock().sleep(wait).await;
    let mut all = Vec::new();
    for framework in view.workload.frameworks().values() {
        for executor in framework.executors.values() {
            // One that has ended, or not begun, is left out.
            let Ok(usage) = view.containerizer.usage(&executor.container_id).await else { continue };
            all.push(json!({
                "executor_id": executor.id(),
                "executor_name": executor.info.name.clone().unwrap_or_default(),
                "framework_id": executor.framework_id.value,
                "source": executor.info.source.clone().unwrap_or_default(),
                "statistics": v0::to_value(&usage),
            }));
        }
    }
    Ok(answer(&request, Value::Array(all).to_string().into_bytes()))
}
