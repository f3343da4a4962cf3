//! The calls that show the master itself.

use std::time::Duration;

use libprocess::http::Response;
use mesos_access::{Action, Object};
use mesos_api::v1::master::call::{GetMetrics, ListFiles, ReadFile};
use mesos_api::v1::master::response::{
    self, GetFlags, GetHealth, GetLoggingLevel, GetMaintenanceSchedule, GetMaintenanceStatus, GetMaster,
    GetMetrics as Metrics, GetQuota, GetVersion, GetWeights, Type,
};
use mesos_api::v1::{Flag, Metric, master};
use mesos_daemon::media;
use mesos_daemon::version::version_info;

use super::Incoming;
use crate::gate::{self, Refused};
use crate::maintenance;
use crate::quotas;

fn of(r#type: Type) -> master::Response {
    master::Response { r#type: Some(r#type as i32), ..master::Response::default() }
}

fn answer(incoming: &Incoming, response: &master::Response) -> Response {
    media::answer(incoming.content_type, response)
}

/// A master that answers is healthy.
pub(super) fn health(incoming: &Incoming) -> Response {
    let response = master::Response { get_health: Some(GetHealth { healthy: true }), ..of(Type::GetHealth) };
    answer(incoming, &response)
}

pub(super) async fn flags(incoming: Incoming) -> Result<Response, Refused> {
    let approvers = gate::approvers(&incoming.master, &incoming.request, &[Action::ViewFlags]).await?;
    if !approvers.allow(Action::ViewFlags, Object::any) {
        return Err(Response::forbidden("Not authorized to view the flags"));
    }
    let values = stout::flags::to_json(&incoming.view.identity.flags);
    let flags =
        values.into_iter().map(|(name, value)| Flag { name, value: value.as_str().map(str::to_owned) });
    let response =
        master::Response { get_flags: Some(GetFlags { flags: flags.collect() }), ..of(Type::GetFlags) };
    Ok(answer(&incoming, &response))
}

/// All metrics of the process. Those that are not there within the timeout are left out.
pub(super) async fn metrics(incoming: Incoming, call: GetMetrics) -> Result<Response, Refused> {
    let timeout = match call.timeout.map(|timeout| u64::try_from(timeout.nanoseconds)) {
        None => None,
        Some(Ok(nanoseconds)) => Some(Duration::from_nanos(nanoseconds)),
        Some(Err(_)) => return Err(Response::bad_request("'get_metrics.timeout' is negative")),
    };
    let snapshot = incoming.master.node().metrics().snapshot(timeout).await;
    let metrics = snapshot.into_iter().map(|(name, value)| Metric { name, value: Some(value) });
    let response = master::Response {
        get_metrics: Some(Metrics { metrics: metrics.collect() }),
        ..of(Type::GetMetrics)
    };
    Ok(answer(&incoming, &response))
}

pub(super) fn master(incoming: &Incoming) -> Response {
    let view = &incoming.view;
    let get_master = GetMaster {
        master_info: Some(view.identity.info.clone()),
        start_time: Some(view.identity.start_time.as_secs_f64()),
        elected_time: view.elected_time.map(|time| time.as_secs_f64()),
    };
    answer(incoming, &master::Response { get_master: Some(get_master), ..of(Type::GetMaster) })
}

pub(super) async fn maintenance_schedule(incoming: Incoming) -> Result<Response, Refused> {
    let schedule = maintenance::schedule(&incoming.master, &incoming.request, &incoming.view).await?;
    let response = master::Response {
        get_maintenance_schedule: Some(GetMaintenanceSchedule { schedule }),
        ..of(Type::GetMaintenanceSchedule)
    };
    Ok(answer(&incoming, &response))
}

pub(super) async fn maintenance_status(incoming: Incoming) -> Result<Response, Refused> {
    let status = maintenance::status(&incoming.master, &incoming.request, &incoming.view).await?;
    let response = master::Response {
        get_maintenance_status: Some(GetMaintenanceStatus { status }),
        ..of(Type::GetMaintenanceStatus)
    };
    Ok(answer(&incoming, &response))
}

pub(super) async fn quota(incoming: Incoming) -> Result<Response, Refused> {
    let status = quotas::status(&incoming.master, &incoming.request, &incoming.view).await?;
    let response = master::Response { get_quota: Some(GetQuota { status }), ..of(Type::GetQuota) };
    Ok(answer(&incoming, &response))
}

pub(super) async fn weights(incoming: Incoming) -> Result<Response, Refused> {
    let weight_infos = quotas::weights(&incoming.master, &incoming.request, &incoming.view).await?;
    let response =
        master::Response { get_weights: Some(GetWeights { weight_infos }), ..of(Type::GetWeights) };
    Ok(answer(&incoming, &response))
}

pub(super) fn version(incoming: &Incoming) -> Response {
    let get_version = GetVersion { version_info: version_info() };
    answer(incoming, &master::Response { get_version: Some(get_version), ..of(Type::GetVersion) })
}

pub(super) async fn logging_level(incoming: Incoming) -> Result<Response, Refused> {
    let logging = gate::ask(&incoming.master, |master, _cx| master.logging.clone()).await?;
    let level = logging.level().await.map_err(|error| Response::internal_server_error(error.to_string()))?;
    let response =
        master::Response { get_logging_level: Some(GetLoggingLevel { level }), ..of(Type::GetLoggingLevel) };
    Ok(answer(&incoming, &response))
}

pub(super) async fn list_files(incoming: Incoming, call: ListFiles) -> Result<Response, Refused> {
    let files = gate::ask(&incoming.master, |master, _cx| master.files.clone()).await?;
    let listed = files.browse(call.path, gate::subject(&incoming.request)).await;
    let file_infos = listed.map_err(|error| Response::internal_server_error(error.to_string()))?;
    let list_files = response::ListFiles { file_infos: file_infos.map_err(Response::from)? };
    Ok(answer(&incoming, &master::Response { list_files: Some(list_files), ..of(Type::ListFiles) }))
}

pub(super) async fn read_file(incoming: Incoming, call: ReadFile) -> Result<Response, Refused> {
    let files = gate::ask(&incoming.master, |master, _cx| master.files.clone()).await?;
    let read = files.read(call.path, call.offset, call.length, gate::subject(&incoming.request)).await;
    let chunk = read.map_err(|error| Response::internal_server_error(error.to_string()))?;
    let chunk = chunk.map_err(Response::from)?;
    let read_file = response::ReadFile { size: chunk.size, data: chunk.data };
    Ok(answer(&incoming, &master::Response { read_file: Some(read_file), ..of(Type::ReadFile) }))
}
