//! What a call has to say.

use mesos_api::v1::ContainerId;
use mesos_api::v1::agent::Call;
use mesos_api::v1::agent::call::Type;
use mesos_workload::paths::check_id;

/// Checks that a call has the part that its type needs, and what is said there about containers.
pub(super) fn call(call: &Call) -> Result<(), String> {
    if call.r#type.is_none() {
        return Err("Expecting 'type' to be present".to_owned());
    }
    let kind = call.r#type();
    if let Some(part) = missing(kind, call) {
        return Err(format!("Expecting '{part}' to be present"));
    }
    if let Some(id) = container_id(call) {
        check_container_id(id)?;
        let nested_only = matches!(
            kind,
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

/// The part that a call needs and does not have.
fn missing(kind: Type, call: &Call) -> Option<&'static str> {
    let (part, there) = match kind {
        Type::Unknown
        | Type::GetHealth
        | Type::GetFlags
        | Type::GetVersion
        | Type::GetLoggingLevel
        | Type::GetState
        | Type::GetContainers
        | Type::GetFrameworks
        | Type::GetExecutors
        | Type::GetTasks
        | Type::GetAgent
        | Type::GetResourceProviders
        | Type::PruneImages => return None,
        Type::GetMetrics => ("get_metrics", call.get_metrics.is_some()),
        Type::SetLoggingLevel => ("set_logging_level", call.set_logging_level.is_some()),
        Type::ListFiles => ("list_files", call.list_files.is_some()),
        Type::ReadFile => ("read_file", call.read_file.is_some()),
        Type::LaunchNestedContainer => ("launch_nested_container", call.launch_nested_container.is_some()),
        Type::WaitNestedContainer => ("wait_nested_container", call.wait_nested_container.is_some()),
        Type::KillNestedContainer => ("kill_nested_container", call.kill_nested_container.is_some()),
        Type::RemoveNestedContainer => ("remove_nested_container", call.remove_nested_container.is_some()),
        Type::LaunchNestedContainerSession => {
            ("launch_nested_container_session", call.launch_nested_container_session.is_some())
        }
        Type::AttachContainerInput => ("attach_container_input", call.attach_container_input.is_some()),
        Type::AttachContainerOutput => ("attach_container_output", call.attach_container_output.is_some()),
        Type::LaunchContainer => ("launch_container", call.launch_container.is_some()),
        Type::WaitContainer => ("wait_container", call.wait_container.is_some()),
        Type::KillContainer => ("kill_container", call.kill_container.is_some()),
        Type::RemoveContainer => ("remove_container", call.remove_container.is_some()),
        Type::AddResourceProviderConfig => {
            ("add_resource_provider_config", call.add_resource_provider_config.is_some())
        }
        Type::UpdateResourceProviderConfig => {
            ("update_resource_provider_config", call.update_resource_provider_config.is_some())
        }
        Type::RemoveResourceProviderConfig => {
            ("remove_resource_provider_config", call.remove_resource_provider_config.is_some())
        }
    };
    (!there).then_some(part)
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
