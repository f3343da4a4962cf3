//! What a call has to say.

use mesos_api::v1::ContainerId;
use mesos_api::v1::agent::Call;
use mesos_api::v1::agent::call::Type;
use mesos_workload::paths::check_id;

/// Checks that a call has the part that its type needs, and what is said there about containers.
pub(super) fn call(call: &Call) -> Result<(), String> {
    parts(call)?;
    if let Some(id) = container_id(call) {
        check_container_id(id)?;
        let nested_only = matches!(
            call.r#type(),
            Type::LaunchNestedContainer
                | Type::WaitNestedContainer
                | Type::KillNestedContainer
                | Type::RemoveNestedContainer
                | Type::LaunchNestedContainerSession
        );
        if nested_only && id.parent.is_none() {
            return Err("Expecting 'container_id.parent' to be present".to_owned());
        }
    }
    Ok(())
}

/// Checks that a call has the part that its type needs.
fn parts(call: &Call) -> Result<(), String> {
    mesos_daemon::check_call!(call, Type,
        none: Unknown GetHealth GetFlags GetVersion GetLoggingLevel GetState GetContainers
            GetFrameworks GetExecutors GetTasks GetAgent GetResourceProviders PruneImages,
        GetMetrics: get_metrics,
        SetLoggingLevel: set_logging_level,
        ListFiles: list_files,
        ReadFile: read_file,
        LaunchNestedContainer: launch_nested_container,
        WaitNestedContainer: wait_nested_container,
        KillNestedContainer: kill_nested_container,
        RemoveNestedContainer: remove_nested_container,
        LaunchNestedContainerSession: launch_nested_container_session,
        AttachContainerInput: attach_container_input,
        AttachContainerOutput: attach_container_output,
        LaunchContainer: launch_container,
        WaitContainer: wait_container,
        KillContainer: kill_container,
        RemoveContainer: remove_container,
        AddResourceProviderConfig: add_resource_provider_config,
        UpdateResourceProviderConfig: update_resource_provider_config,
        RemoveResourceProviderConfig: remove_resource_provider_config,
    )
}

/// The container that a call is about.
pub(super) fn container_id(call: &Call) -> Option<&ContainerId> {
    match call.r#type() {
        Type::LaunchNestedContainer => call.launch_nested_container.as_ref().map(|it| &it.container_id),
        Type::WaitNestedContainer => call.wait_nested_container.as_ref().map(|it| &it.container_id),
        Type::KillNestedContainer => call.kill_nested_container.as_ref().map(|it| &it.container_id),
        Type::RemoveNestedContainer => call.remove_nested_container.as_ref().map(|it| &it.container_id),
        Type::LaunchNestedContainerSession => {
            call.launch_nested_container_session.as_ref().map(|it| &it.container_id)
        }
        Type::AttachContainerInput => {
            call.attach_container_input.as_ref().and_then(|it| it.container_id.as_ref())
        }
        Type::AttachContainerOutput => call.attach_container_output.as_ref().map(|it| &it.container_id),
        Type::LaunchContainer => call.launch_container.as_ref().map(|it| &it.container_id),
        Type::WaitContainer => call.wait_container.as_ref().map(|it| &it.container_id),
        Type::KillContainer => call.kill_container.as_ref().map(|it| &it.container_id),
        Type::RemoveContainer => call.remove_container.as_ref().map(|it| &it.container_id),
        _ => None,
    }
}

/// How deep containers may be nested in a request; more is a mistake, or malice.
const DEPTH_MAX: usize = 32;

/// Checks an id and those above it: they become directories, and parts of each other's names.
fn check_container_id(id: &ContainerId) -> Result<(), String> {
    let mut next = Some(id);
    for _ in 0..DEPTH_MAX {
        let Some(id) = next else { return Ok(()) };
        check_id(&id.value).map_err(|error| error.to_string())?;
        if id.value.contains(['.', ' ']) {
            return Err(format!("'ContainerID.value' '{}' contains invalid characters", id.value));
        }
        next = id.parent.as_deref();
    }
    Err(format!("containers are nested more than {DEPTH_MAX} deep"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<(), String> {
        call(&mesos_api::json::from_slice(json.as_bytes()).unwrap())
    }

    #[test]
    fn each_call_needs_its_part() {
        for (json, expected) in [
            ("{}", "Expecting 'type' to be present"),
            (r#"{"type":"GET_METRICS"}"#, "Expecting 'get_metrics' to be present"),
            (r#"{"type":"READ_FILE"}"#, "Expecting 'read_file' to be present"),
            (r#"{"type":"WAIT_CONTAINER"}"#, "Expecting 'wait_container' to be present"),
            (
                r#"{"type":"WAIT_NESTED_CONTAINER","wait_nested_container":{"container_id":{"value":"a"}}}"#,
                "Expecting 'container_id.parent' to be present",
            ),
            (
                r#"{"type":"KILL_CONTAINER","kill_container":{"container_id":{"value":"a.b"}}}"#,
                "'ContainerID.value' 'a.b' contains invalid characters",
            ),
            (
                r#"{"type":"KILL_CONTAINER","kill_container":{"container_id":{"value":"a","parent":{"value":".."}}}}"#,
                "'..' is no usable id: it is a directory of its own meaning",
            ),
        ] {
            assert_eq!(check(json), Err(expected.to_owned()), "{json}");
        }
        assert_eq!(check(r#"{"type":"GET_HEALTH"}"#), Ok(()));
        assert_eq!(check(r#"{"type":"UNKNOWN"}"#), Ok(()));
    }
}
