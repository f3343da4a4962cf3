//! The syntax of operator calls, before anything is looked up.

use mesos_api::v1::master::Call;
use mesos_api::v1::master::call::Type;

/// Checks that a call has what its type asks for.
pub(super) fn call(call: &Call) -> Result<(), String> {
    if call.r#type.is_none() {
        return Err("Expecting 'type' to be present".to_owned());
    }
    let (name, present) = match call.r#type() {
        Type::Unknown
        | Type::GetHealth
        | Type::GetFlags
        | Type::GetVersion
        | Type::GetLoggingLevel
        | Type::GetState
        | Type::GetAgents
        | Type::GetFrameworks
        | Type::GetExecutors
        | Type::GetTasks
        | Type::GetRoles
        | Type::GetWeights
        | Type::GetMaster
        | Type::Subscribe
        | Type::GetMaintenanceStatus
        | Type::GetMaintenanceSchedule
        | Type::GetQuota => return Ok(()),
        Type::GetMetrics => ("get_metrics", call.get_metrics.is_some()),
        Type::SetLoggingLevel => ("set_logging_level", call.set_logging_level.is_some()),
        Type::ListFiles => ("list_files", call.list_files.is_some()),
        Type::ReadFile => ("read_file", call.read_file.is_some()),
        Type::UpdateWeights => ("update_weights", call.update_weights.is_some()),
        Type::ReserveResources => ("reserve_resources", call.reserve_resources.is_some()),
        Type::UnreserveResources => ("unreserve_resources", call.unreserve_resources.is_some()),
        Type::CreateVolumes => ("create_volumes", call.create_volumes.is_some()),
        Type::DestroyVolumes => ("destroy_volumes", call.destroy_volumes.is_some()),
        Type::UpdateMaintenanceSchedule => {
            ("update_maintenance_schedule", call.update_maintenance_schedule.is_some())
        }
        Type::StartMaintenance => ("start_maintenance", call.start_maintenance.is_some()),
        Type::StopMaintenance => ("stop_maintenance", call.stop_maintenance.is_some()),
        Type::SetQuota => ("set_quota", call.set_quota.is_some()),
        Type::RemoveQuota => ("remove_quota", call.remove_quota.is_some()),
        Type::Teardown => ("teardown", call.teardown.is_some()),
        Type::MarkAgentGone => ("mark_agent_gone", call.mark_agent_gone.is_some()),
    };
    if present { Ok(()) } else { Err(format!("Expecting '{name}' to be present")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_the_type_asks_for_must_be_there() {
        assert_eq!(super::call(&Call::default()), Err("Expecting 'type' to be present".to_owned()));
        let of = |r#type: Type| Call { r#type: Some(r#type as i32), ..Call::default() };
        assert_eq!(super::call(&of(Type::GetState)), Ok(()));
        for (r#type, name) in
            [(Type::Teardown, "teardown"), (Type::ReadFile, "read_file"), (Type::GetMetrics, "get_metrics")]
        {
            assert_eq!(super::call(&of(r#type)), Err(format!("Expecting '{name}' to be present")));
        }
    }
}
