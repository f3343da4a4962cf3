//! Calls of which one member is something else than it should be.

use serde_json::{Value, json};

use crate::harness::{
    Cluster, Connection, Framework, command_task, executor_resources, framework_info, launch, launch_group,
    request_bytes, resources, task_id,
};

/// What a member may be instead.
fn replacements() -> Vec<Value> {
    vec![
        Value::Null,
        json!(-1),
        json!(0),
        json!(1e308),
        json!(u64::MAX),
        json!(""),
        json!("../\u{0}\n"),
        json!("x".repeat(5000)),
        json!([]),
        json!([[]]),
        json!({}),
        json!(true),
    ]
}

/// All forms of a call in which one member is replaced.
fn mutations(call: &Value) -> Vec<Value> {
    let mut paths = Vec::new();
    collect(call, String::new(), &mut paths);
    let mut all = Vec::new();
    for path in paths {
        for replacement in replacements() {
            let mut mutation = call.clone();
            *mutation.pointer_mut(&path).expect("a path of the call") = replacement;
            all.push(mutation);
        }
    }
    all
}

/// The paths of all members below a value.
fn collect(value: &Value, path: String, paths: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(values) => {
            values.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (key, value) in members {
        let path = format!("{path}/{key}");
        paths.push(path.clone());
        collect(value, path, paths);
    }
}

/// Makes calls; gives how many there were.
#[track_caller]
fn make(address: &str, path: &str, stream_id: Option<&str>, calls: &[Value]) -> usize {
    let mut connection = Connection::open(address);
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(stream_id.map(|id| ("Mesos-Stream-Id", id)));
    let mut count = 0;
    for call in calls.iter().flat_map(mutations) {
        count += 1;
        connection.send(&request_bytes("POST", path, &headers, call.to_string().as_bytes()));
        let head = connection.head().unwrap_or_else(|| panic!("no answer to {call}"));
        let refused = (400..500).contains(&head.status) || head.status == 501;
        assert!(refused || [200, 202].contains(&head.status), "{call}: {head:?}");
        let length = head.header("content-length").and_then(|length| length.parse().ok());
        match length {
            Some(length) => drop(connection.bytes(length)),
            // A stream: nobody waits for its end.
            None => connection = Connection::open(address),
        }
    }
    count
}

fn info() -> Value {
    let mut info = framework_info("mutated");
    for (key, value) in [
        ("principal", json!("someone")),
        ("hostname", json!("host")),
        ("webui_url", json!("http://host")),
        ("roles", json!(["a", "b/c"])),
        ("capabilities", json!([{ "type": "MULTI_ROLE" }])),
        ("labels", json!({ "labels": [{ "key": "k", "value": "v" }] })),
        ("id", task_id("mutated")),
    ] {
        info[key] = value;
    }
    info["failover_timeout"] = json!(0.0);
    info
}

#[test]
fn mutated_calls_of_schedulers_are_answered() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("victim"));
    let status = framework.run(|offer| command_task("task", offer, "sleep 1000"));
    let agent_id = &status["agent_id"];
    let id = &framework.id;
    let filters = json!({ "refuse_seconds": 0.0 });
    let reconcile = json!({ "tasks": [{ "task_id": task_id("task"), "agent_id": agent_id }] });
    let call = |kind: &str, member: Value| {
        let mut call = json!({ "type": kind, "framework_id": id });
        call[kind.to_lowercase()] = member;
        call
    };
    let message = json!({ "agent_id": agent_id, "executor_id": task_id("task"), "data": "AAAA" });
    let calls = [
        call("DECLINE", json!({ "offer_ids": [task_id("o")], "filters": filters })),
        call("REVIVE", json!({ "roles": ["*"] })),
        call("SUPPRESS", json!({ "roles": ["*"] })),
        call(
            "KILL",
            json!({ "task_id": task_id("x"), "agent_id": agent_id,
            "kill_policy": { "grace_period": { "nanoseconds": 1 } } }),
        ),
        call("SHUTDOWN", json!({ "executor_id": task_id("x"), "agent_id": agent_id })),
        call(
            "ACKNOWLEDGE",
            json!({ "task_id": task_id("task"), "agent_id": agent_id,
            "uuid": "AAAAAAAAAAAAAAAAAAAAAA==" }),
        ),
        call("RECONCILE", reconcile),
        call("MESSAGE", message),
        call("REQUEST", json!({ "requests": [{ "agent_id": agent_id, "resources": resources(1.0, 1.0) }] })),
        call("ACCEPT_INVERSE_OFFERS", json!({ "inverse_offer_ids": [task_id("o")], "filters": filters })),
        call("DECLINE_INVERSE_OFFERS", json!({ "inverse_offer_ids": [task_id("o")], "filters": filters })),
    ];
    let mut count = make(cluster.master(), "/api/v1/scheduler", Some(&framework.stream_id), &calls);
    let subscribe = json!({ "framework_info": info(), "suppressed_roles": ["a"] });
    let subscribe =
        json!({ "type": "SUBSCRIBE", "framework_id": task_id("mutated"), "subscribe": subscribe });
    count += make(cluster.master(), "/api/v1/scheduler", None, &[subscribe]);
    assert!(count > 1000, "{count}");
    framework.kill("task");
    framework.updates_to("task", "TASK_KILLED");
}

#[test]
fn mutated_calls_of_operators_and_executors_are_answered() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("victim"));
    let status = framework.run(|offer| command_task("task", offer, "sleep 1000"));
    let agent_id = &status["agent_id"];
    let call = |kind: &str, member: Value| {
        let mut call = json!({ "type": kind });
        call[kind.to_lowercase()] = member;
        call
    };
    let files = [
        call("GET_METRICS", json!({ "timeout": { "nanoseconds": 1_000_000 } })),
        call("SET_LOGGING_LEVEL", json!({ "level": 0, "duration": { "nanoseconds": 1_000_000 } })),
        call("LIST_FILES", json!({ "path": "/" })),
        call("READ_FILE", json!({ "path": "/", "offset": 0, "length": 10 })),
    ];
    let reserved = json!([{ "name": "cpus", "type": "SCALAR", "scalar": { "value": 0.1 },
        "reservations": [{ "type": "DYNAMIC", "role": "r", "principal": "p" }] }]);
    let volume = json!([{ "name": "disk", "type": "SCALAR", "scalar": { "value": 1.0 },
        "reservations": [{ "type": "DYNAMIC", "role": "r", "principal": "p" }],
        "disk": { "persistence": { "id": "v", "principal": "p" },
            "volume": { "mode": "RW", "container_path": "v" } } }]);
    let machine = json!({ "hostname": "h", "ip": "10.0.0.1" });
    let unavailability = json!({ "start": { "nanoseconds": 1 }, "duration": { "nanoseconds": 1 } });
    let windows = json!([{ "machine_ids": [machine], "unavailability": unavailability }]);
    let master = [
        call("RESERVE_RESOURCES", json!({ "agent_id": agent_id, "resources": reserved })),
        call("UNRESERVE_RESOURCES", json!({ "agent_id": agent_id, "resources": reserved })),
        call("CREATE_VOLUMES", json!({ "agent_id": agent_id, "volumes": volume })),
        call("DESTROY_VOLUMES", json!({ "agent_id": agent_id, "volumes": volume })),
        call("TEARDOWN", json!({ "framework_id": task_id("x") })),
        call("MARK_AGENT_GONE", json!({ "agent_id": task_id("x") })),
        call("UPDATE_WEIGHTS", json!({ "weight_infos": [{ "role": "r", "weight": 2.0 }] })),
        call("UPDATE_MAINTENANCE_SCHEDULE", json!({ "schedule": { "windows": windows } })),
        call("START_MAINTENANCE", json!({ "machines": [machine] })),
        call("STOP_MAINTENANCE", json!({ "machines": [machine] })),
    ];
    let container = json!({ "value": "c", "parent": { "value": "p" } });
    let agent = [
        call("GET_CONTAINERS", json!({ "show_nested": true, "show_standalone": true })),
        call("LAUNCH_NESTED_CONTAINER", json!({ "container_id": container, "command": { "value": "true" } })),
        call("WAIT_NESTED_CONTAINER", json!({ "container_id": container })),
        call("KILL_NESTED_CONTAINER", json!({ "container_id": container, "signal": 9 })),
        call("REMOVE_NESTED_CONTAINER", json!({ "container_id": container })),
        call("WAIT_CONTAINER", json!({ "container_id": container })),
        call("KILL_CONTAINER", json!({ "container_id": container, "signal": 9 })),
        call("REMOVE_CONTAINER", json!({ "container_id": container })),
    ];
    let executor = |kind: &str, member: Value| {
        let mut call = call(kind, member);
        call["framework_id"] = framework.id.clone();
        call["executor_id"] = task_id("nobody");
        call
    };
    let update = json!({ "task_id": task_id("t"), "state": "TASK_RUNNING", "source": "SOURCE_EXECUTOR",
        "uuid": "AAAAAAAAAAAAAAAAAAAAAA==", "timestamp": 1.0, "executor_id": task_id("nobody") });
    let executors = [
        executor("SUBSCRIBE", json!({ "unacknowledged_updates": [{ "status": update }] })),
        executor("UPDATE", json!({ "status": update })),
        executor("MESSAGE", json!({ "data": "AAAA" })),
    ];
    let mut count = 0;
    for (address, path, calls) in [
        (cluster.master(), "/api/v1", &files[..]),
        (cluster.master(), "/api/v1", &master),
        (cluster.agent(0), "/api/v1", &files),
        (cluster.agent(0), "/api/v1", &agent),
        (cluster.agent(0), "/api/v1/executor", &executors),
    ] {
        count += make(address, path, None, calls);
    }
    assert!(count > 2000, "{count}");
    framework.kill("task");
    framework.updates_to("task", "TASK_KILLED");
}

/// On offers of their own, so that each is looked at in all depth.
#[test]
fn mutated_operations_are_refused_or_carried_out() {
    let cluster =
        Cluster::separate(1, &["--allocation_interval=5ms"], &["--executor_shutdown_grace_period=1secs"]);
    let mut info = framework_info("victim");
    info["roles"] = json!(["r"]);
    info["principal"] = json!("p");
    info["capabilities"] = json!([{ "type": "MULTI_ROLE" }, { "type": "RESERVATION_REFINEMENT" }]);
    let mut framework = Framework::subscribe(cluster.master(), info);
    let offer = framework.offer();
    let mut task = command_task("mutated", &offer, "true");
    for (key, value) in [
        ("labels", json!({ "labels": [{ "key": "k", "value": "v" }] })),
        ("kill_policy", json!({ "grace_period": { "nanoseconds": 1 } })),
        ("discovery", json!({ "visibility": "CLUSTER", "ports": { "ports": [{ "number": 80 }] } })),
        ("container", json!({ "type": "MESOS", "volumes": [] })),
        (
            "health_check",
            json!({ "type": "COMMAND", "command": { "value": "true" }, "timeout_seconds": 1.0 }),
        ),
        (
            "check",
            json!({ "type": "TCP", "tcp": { "port": 80 }, "interval": { "nanoseconds": 1_000_000_000 } }),
        ),
    ] {
        task[key] = value;
    }
    task["command"]["environment"] = json!({ "variables": [{ "name": "N", "value": "V" }] });
    task["command"]["user"] = framework.info["user"].clone();
    let ports = json!({ "name": "ports", "type": "RANGES", "ranges": { "range": [{ "begin": 31000, "end": 31001 }] } });
    task["resources"].as_array_mut().unwrap().push(ports);
    let reservations = json!([{ "type": "DYNAMIC", "role": "r", "principal": "p" }]);
    let disk =
        json!({ "name": "disk", "type": "SCALAR", "scalar": { "value": 1.0 }, "reservations": reservations });
    let mut volume = disk.clone();
    volume["disk"] = json!({
        "persistence": { "id": "v", "principal": "p" },
        "volume": { "mode": "RW", "container_path": "v" },
    });
    let member = [command_task("member", &offer, "true")];
    let operations = [
        launch(&[task]),
        launch_group(&framework.id, "default", executor_resources(), &member),
        json!({ "type": "RESERVE", "reserve": { "resources": [disk] } }),
        json!({ "type": "CREATE", "create": { "volumes": [volume] } }),
        json!({ "type": "DESTROY", "destroy": { "volumes": [volume] } }),
        json!({ "type": "UNRESERVE", "unreserve": { "resources": [disk] } }),
    ];
    let mut offer = Some(offer);
    for operation in operations.iter().flat_map(mutations) {
        let current = offer.take().unwrap_or_else(|| framework.offer());
        let accept = json!({ "offer_ids": [current["id"]], "operations": [operation],
            "filters": { "refuse_seconds": 0.0 } });
        let answer = framework.try_call(json!({ "type": "ACCEPT", "accept": accept }));
        match answer.status {
            202 => {}
            // The offer was not touched.
            400 => offer = Some(current),
            status => panic!("{operation}: {status} {}", answer.text()),
        }
    }
    framework.decline(&offer.into_iter().collect::<Vec<_>>(), 0.0);
    framework.run(|offer| command_task("sound", offer, "sleep 1000"));
}
