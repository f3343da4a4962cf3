//! `/quota` and `/weights`.

use libprocess::Pid;
use libprocess::http::{Method, Request, Response};
use mesos_api::json;
use mesos_api::v1::quota::QuotaRequest;
use mesos_cluster::OperatorAction;
use serde_json::Value;

use super::changes::array;
use crate::gate::{self, Refused};
use crate::process::MasterProcess;
use crate::{operate, quotas};

/// GET tells the quotas, POST sets the one of a role, DELETE of `/quota/ROLE` removes it.
pub(crate) async fn quota(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    let view = gate::enter_by_any_method(&master, &request).await?;
    match request.method {
        Method::GET => {
            let status = quotas::status(&master, &request, &view).await?;
            Ok(Response::jsonp(json::v0::to_vec(&status), request.query.get("jsonp")))
        }
        Method::POST => {
            operate::run(&master, &request, quotas::set(parse(&request)?)).await?;
            Ok(Response::ok())
        }
        Method::DELETE => {
            operate::run(&master, &request, OperatorAction::RemoveQuota(named(&request)?)).await?;
            Ok(Response::ok())
        }
        ref other => Err(Response::method_not_allowed(&["GET", "POST", "DELETE"], other)),
    }
}

/// GET tells the weights, PUT sets those of some roles.
pub(crate) async fn weights(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    let view = gate::enter_by_any_method(&master, &request).await?;
    match request.method {
        Method::GET => {
            let weights = quotas::weights(&master, &request, &view).await?;
            let weights: Vec<Value> = weights.iter().map(json::v0::to_value).collect();
            let json = Value::Array(weights).to_string();
            Ok(Response::jsonp(json, request.query.get("jsonp")))
        }
        Method::PUT => {
            let infos = array(&request.body).map_err(|error| {
                Response::bad_request(format!("Failed to parse update weights request JSON: {error}"))
            })?;
            operate::run(&master, &request, OperatorAction::UpdateWeights(infos)).await?;
            Ok(Response::ok())
        }
        ref other => Err(Response::method_not_allowed(&["GET", "PUT"], other)),
    }
}

fn parse(request: &Request) -> Result<QuotaRequest, Refused> {
    json::v0::from_slice(&request.body)
        .map_err(|error| Response::bad_request(format!("Failed to parse set quota request JSON: {error}")))
}

/// The role that the path names behind `/quota`. It may have slashes.
fn named(request: &Request) -> Result<String, Refused> {
    let path = request.path.trim_start_matches('/');
    let role = path.split_once("quota/").map(|(_, role)| role.trim_matches('/')).unwrap_or_default();
    if role.is_empty() {
        let text =
            format!("Failed to parse remove quota request for path '{}': it names no role", request.path);
        return Err(Response::bad_request(text));
    }
    // Each part of it as the first part of a path, which is decoded.
    let parts: Vec<String> = role.split('/').map(|part| Request::get(part).process).collect();
    Ok(parts.join("/"))
}
