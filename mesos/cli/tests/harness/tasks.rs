//! Frameworks and tasks in the JSON of the v1 API.

use serde_json::{Value, json};

/// A framework without any capability.
pub(crate) fn framework_info(name: &str) -> Value {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    let user = user.map_or_else(|| "nobody".to_owned(), |user| user.name);
    json!({ "user": user, "name": name, "failover_timeout": 60.0 })
}

/// Unreserved cpus and memory in MB.
pub(crate) fn resources(cpus: f64, mem: f64) -> Value {
    json!([
        { "name": "cpus", "type": "SCALAR", "scalar": { "value": cpus } },
        { "name": "mem", "type": "SCALAR", "scalar": { "value": mem } },
    ])
}

/// The id of a task, or of another thing, as a message.
pub(crate) fn task_id(id: &str) -> Value {
    json!({ "value": id })
}

/// A task that runs a shell command.
pub(crate) fn command_task(id: &str, offer: &Value, command: &str) -> Value {
    json!({
        "name": id,
        "task_id": task_id(id),
        "agent_id": offer["agent_id"],
        "resources": resources(0.1, 32.0),
        "command": { "shell": true, "value": command },
    })
}

/// A task for an executor of its own.
pub(crate) fn executor_task(id: &str, offer: &Value, executor: &str, command: &str) -> Value {
    let executor = json!({
        "executor_id": { "value": executor },
        "command": { "shell": true, "value": command },
        "resources": resources(0.1, 32.0),
    });
    json!({
        "name": id,
        "task_id": task_id(id),
        "agent_id": offer["agent_id"],
        "resources": resources(0.1, 32.0),
        "executor": executor,
    })
}

/// The operation that launches a group of tasks with the default executor.
pub(crate) fn launch_group(
    framework_id: &Value,
    executor: &str,
    executor_resources: Value,
    tasks: &[Value],
) -> Value {
    let executor = json!({
        "type": "DEFAULT",
        "executor_id": { "value": executor },
        "framework_id": framework_id,
        "resources": executor_resources,
    });
    json!({ "type": "LAUNCH_GROUP", "launch_group": { "executor": executor, "task_group": { "tasks": tasks } } })
}

/// What the default executor needs.
pub(crate) fn executor_resources() -> Value {
    let mut all = resources(0.1, 32.0);
    let disk = json!({ "name": "disk", "type": "SCALAR", "scalar": { "value": 32.0 } });
    all.as_array_mut().expect("a list").push(disk);
    all
}

/// The operation that launches tasks.
pub(crate) fn launch(tasks: &[Value]) -> Value {
    json!({ "type": "LAUNCH", "launch": { "task_infos": tasks } })
}

/// How many cpus an offer has.
pub(crate) fn offer_cpus(offer: &Value) -> f64 {
    let resources = offer["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let cpus = resources.iter().filter(|resource| resource["name"] == "cpus");
    cpus.filter_map(|resource| resource["scalar"]["value"].as_f64()).sum()
}
