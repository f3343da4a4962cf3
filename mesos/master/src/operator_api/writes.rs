//! The calls that change something.

use std::time::Duration;

use libprocess::http::Response;
use mesos_access::{Action, Object};
use mesos_api::v1::master::Call;
use mesos_api::v1::master::call::SetLoggingLevel;
use mesos_cluster::OperatorAction;

use super::Incoming;
use crate::gate::{self, Refused};
use crate::operate;
use crate::quotas;

/// Has the model carry out what a call asks for.
pub(super) async fn operate(incoming: Incoming, call: Call) -> Result<Response, Refused> {
    let Some((action, done)) = action(call) else {
        return Err(Response::bad_request("Failed to validate master::Call: its content is missing"));
    };
    operate::run(&incoming.master, &incoming.request, action).await?;
    Ok(done())
}

/// What a call asks for, and the answer when it is done.
fn action(call: Call) -> Option<(OperatorAction, fn() -> Response)> {
    let Call {
        reserve_resources,
        unreserve_resources,
        create_volumes,
        destroy_volumes,
        update_maintenance_schedule,
        start_maintenance,
        stop_maintenance,
        teardown,
        mark_agent_gone,
        set_quota,
        remove_quota,
        update_weights,
        ..
    } = call;
    // Only one of them is of the call's type: the validation has made sure of that one.
    use mesos_api::v1::master::call::Type;
    let r#type = Type::try_from(call.r#type?).ok()?;
    Some(match r#type {
        Type::Teardown => (OperatorAction::Teardown(teardown?.framework_id), Response::ok),
        Type::MarkAgentGone => (OperatorAction::MarkAgentGone(mark_agent_gone?.agent_id), Response::ok),
        Type::ReserveResources => {
            let call = reserve_resources?;
            (OperatorAction::Reserve { agent: call.agent_id, resources: call.resources }, Response::accepted)
        }
        Type::UnreserveResources => {
            let call = unreserve_resources?;
            (
                OperatorAction::Unreserve { agent: call.agent_id, resources: call.resources },
                Response::accepted,
            )
        }
        Type::CreateVolumes => {
            let call = create_volumes?;
            (
                OperatorAction::CreateVolumes { agent: call.agent_id, volumes: call.volumes },
                Response::accepted,
            )
        }
        Type::DestroyVolumes => {
            let call = destroy_volumes?;
            (
                OperatorAction::DestroyVolumes { agent: call.agent_id, volumes: call.volumes },
                Response::accepted,
            )
        }
        Type::UpdateMaintenanceSchedule => {
            let schedule = update_maintenance_schedule?.schedule;
            (OperatorAction::UpdateMaintenanceSchedule(schedule), Response::ok)
        }
        Type::StartMaintenance => {
            (OperatorAction::StartMaintenance(start_maintenance?.machines), Response::ok)
        }
        Type::StopMaintenance => (OperatorAction::StopMaintenance(stop_maintenance?.machines), Response::ok),
        Type::SetQuota => (quotas::set(set_quota?.quota_request), Response::ok),
        Type::RemoveQuota => (OperatorAction::RemoveQuota(remove_quota?.role), Response::ok),
        Type::UpdateWeights => (OperatorAction::UpdateWeights(update_weights?.weight_infos), Response::ok),
        _ => return None,
    })
}

/// Turns the log up for a while.
pub(super) async fn set_logging_level(
    incoming: Incoming,
    call: SetLoggingLevel,
) -> Result<Response, Refused> {
    let approvers = gate::approvers(&incoming.master, &incoming.request, &[Action::SetLogLevel]).await?;
    if !approvers.allow(Action::SetLogLevel, Object::any) {
        return Err(Response::forbidden("Not authorized to set the logging level"));
    }
    let Ok(nanoseconds) = u64::try_from(call.duration.nanoseconds) else {
        return Err(Response::bad_request("'set_logging_level.duration' is negative"));
    };
    let logging = gate::ask(&incoming.master, |master, _cx| master.logging.clone()).await?;
    let set = logging.set_level(call.level, Duration::from_nanos(nanoseconds)).await;
    set.map_err(|error| Response::internal_server_error(error.to_string()))?;
    Ok(Response::ok())
}
