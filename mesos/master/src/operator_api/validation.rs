//! The syntax of operator calls, before anything is looked up.

use mesos_api::v1::master::Call;
use mesos_api::v1::master::call::Type;

/// Checks that a call has what its type asks for.
pub(super) fn call(call: &Call) -> Result<(), String> {
    mesos_daemon::check_call!(call, Type,
        none: Unknown GetHealth GetFlags GetVersion GetLoggingLevel GetState GetAgents GetFrameworks
            GetExecutors GetTasks GetRoles GetWeights GetMaster Subscribe GetMaintenanceStatus
            GetMaintenanceSchedule GetQuota,
        GetMetrics: get_metrics,
        SetLoggingLevel: set_logging_level,
        ListFiles: list_files,
        ReadFile: read_file,
        UpdateWeights: update_weights,
        ReserveResources: reserve_resources,
        UnreserveResources: unreserve_resources,
        CreateVolumes: create_volumes,
        DestroyVolumes: destroy_volumes,
        UpdateMaintenanceSchedule: update_maintenance_schedule,
        StartMaintenance: start_maintenance,
        StopMaintenance: stop_maintenance,
        SetQuota: set_quota,
        RemoveQuota: remove_quota,
        Teardown: teardown,
        MarkAgentGone: mark_agent_gone,
    )
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
