//! The older endpoints that change something.

use libprocess::Pid;
use libprocess::http::{Method, Request, Response};
use mesos_api::v1::maintenance::Schedule;
use mesos_api::v1::{AgentId, MachineId, Resource};
use mesos_api::{Message, json};
use mesos_cluster::OperatorAction;
use serde_json::Value;

use crate::gate::{self, Refused};
use crate::process::MasterProcess;
use crate::{form, maintenance, operate};

pub(crate) async fn teardown(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    gate::enter(&master, &request).await?;
    let id = form::decode(&request.body)?.take("frameworkId")?;
    operate::run(&master, &request, OperatorAction::Teardown(id.into())).await?;
    Ok(Response::ok())
}

/// What is done to resources of an agent.
type OnAgent = fn(AgentId, Vec<Resource>) -> OperatorAction;

pub(crate) async fn reserve(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    on_agent(master, request, "resources", |agent, resources| OperatorAction::Reserve { agent, resources })
        .await
}

pub(crate) async fn unreserve(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    on_agent(master, request, "resources", |agent, resources| OperatorAction::Unreserve { agent, resources })
        .await
}

pub(crate) async fn create_volumes(
    master: Pid<MasterProcess>,
    request: Request,
) -> Result<Response, Refused> {
    on_agent(master, request, "volumes", |agent, volumes| OperatorAction::CreateVolumes { agent, volumes })
        .await
}

pub(crate) async fn destroy_volumes(
    master: Pid<MasterProcess>,
    request: Request,
) -> Result<Response, Refused> {
    on_agent(master, request, "volumes", |agent, volumes| OperatorAction::DestroyVolumes { agent, volumes })
        .await
}

/// A form with the agent's id and a JSON array of resources.
async fn on_agent(
    master: Pid<MasterProcess>,
    request: Request,
    field: &'static str,
    action: OnAgent,
) -> Result<Response, Refused> {
    gate::enter(&master, &request).await?;
    let mut form = form::decode(&request.body)?;
    let agent = form.take("slaveId")?;
    let resources = array(form.take(field)?.as_bytes()).map_err(|error| {
        Response::bad_request(format!("Error in parsing '{field}' in the request body: {error}"))
    })?;
    operate::run(&master, &request, action(agent.into(), resources)).await?;
    Ok(Response::accepted())
}

pub(crate) async fn machine_down(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    on_machines(master, request, OperatorAction::StartMaintenance).await
}

pub(crate) async fn machine_up(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    on_machines(master, request, OperatorAction::StopMaintenance).await
}

async fn on_machines(
    master: Pid<MasterProcess>,
    request: Request,
    action: fn(Vec<MachineId>) -> OperatorAction,
) -> Result<Response, Refused> {
    gate::enter(&master, &request).await?;
    let machines = array(&request.body).map_err(Response::bad_request)?;
    operate::run(&master, &request, action(machines)).await?;
    Ok(Response::ok())
}

/// GET tells the schedule, POST replaces it.
pub(crate) async fn maintenance_schedule(
    master: Pid<MasterProcess>,
    request: Request,
) -> Result<Response, Refused> {
    if request.method == Method::GET {
        let view = gate::view(&master).await?;
        gate::leads(&view, &request)?;
        let schedule = maintenance::schedule(&master, &request, &view).await?;
        return Ok(Response::jsonp(json::v0::to_vec(&schedule), request.query.get("jsonp")));
    }
    if request.method != Method::POST {
        return Err(Response::method_not_allowed(&["GET", "POST"], &request.method));
    }
    gate::enter(&master, &request).await?;
    let schedule: Schedule =
        json::v0::from_slice(&request.body).map_err(|error| Response::bad_request(error.to_string()))?;
    operate::run(&master, &request, OperatorAction::UpdateMaintenanceSchedule(schedule)).await?;
    Ok(Response::ok())
}

pub(crate) async fn maintenance_status(
    master: Pid<MasterProcess>,
    request: Request,
) -> Result<Response, Refused> {
    if request.method != Method::GET {
        return Err(Response::method_not_allowed(&["GET"], &request.method));
    }
    let view = gate::view(&master).await?;
    gate::leads(&view, &request)?;
    let status = maintenance::status(&master, &request, &view).await?;
    Ok(Response::jsonp(json::v0::to_vec(&status), request.query.get("jsonp")))
}

/// An array of messages.
pub(super) fn array<M: Message>(bytes: &[u8]) -> Result<Vec<M>, String> {
    let values: Value =
        serde_json::from_slice(bytes).map_err(|error| format!("it is not valid JSON: {error}"))?;
    let Value::Array(values) = values else { return Err("it is not a JSON array".to_owned()) };
    values.iter().map(|value| json::v0::from_value(value).map_err(|error| error.to_string())).collect()
}
