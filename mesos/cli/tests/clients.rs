//! Frameworks and executors in Python: with pymesos, with a client of our own in JSON and in protobuf, and in the old
//! protocol. All of them must see the same.

use serde_json::{Value, json};

use crate::harness::{Cluster, descriptors, interpreter, transcript};

/// What every client of the v1 API sees in `python/scenario.py`.
fn v1_expected() -> Value {
    let executor = "SOURCE_EXECUTOR";
    json!({
        "short_tasks": {
            "tasks": 100,
            "agents": 2,
            "runs": [[
                ["TASK_STARTING", "-", executor],
                ["TASK_RUNNING", "-", executor],
                ["TASK_FINISHED", "-", executor],
            ]],
        },
        "kill": [
            ["TASK_STARTING", "-", executor],
            ["TASK_RUNNING", "-", executor],
            ["TASK_KILLED", "-", executor],
        ],
        "reconcile": {
            "implicit": [
                ["long-1", "TASK_RUNNING", "REASON_RECONCILIATION", "SOURCE_MASTER", false],
                ["long-2", "TASK_RUNNING", "REASON_RECONCILIATION", "SOURCE_MASTER", false],
            ],
            "known": [["long-1", "TASK_RUNNING", "REASON_RECONCILIATION", "SOURCE_MASTER", false]],
            "unknown": [["unknown", "TASK_LOST", "REASON_RECONCILIATION", "SOURCE_MASTER", false]],
        },
        "decline": { "offers": 3, "of the declined agent": 0 },
        "suppress_and_revive": { "offers while suppressed": 0, "revived": true },
        "executor": {
            "states": [
                ["TASK_RUNNING", "-", executor],
                ["TASK_FAILED", "REASON_EXECUTOR_TERMINATED", "SOURCE_AGENT"],
            ],
            "own": {
                "executor_id": false,
                "container": ["container_id", "executor_pid", "network_infos"],
                "agent": true,
            },
            "message": ["ZWNobzogaGVsbG8=", { "value": "own" }, true],
            "end": "Executor terminated",
            "status": [7 << 8],
        },
        "teardown": { "long-1": "TASK_KILLED", "long-2": "TASK_KILLED" },
    })
}

/// What every driver of the old protocol sees in `python/v0_scheduler.py`.
fn v0_expected() -> Value {
    let executor = "SOURCE_EXECUTOR";
    json!({
        "register": { "id": true, "master": true },
        "short_tasks": {
            "tasks": 10,
            "runs": [[
                ["TASK_STARTING", "-", executor],
                ["TASK_RUNNING", "-", executor],
                ["TASK_FINISHED", "-", executor],
            ]],
        },
        "executor": {
            "finishing": [["TASK_RUNNING", "-", executor], ["TASK_FINISHED", "-", executor]],
            "waiting": [["TASK_RUNNING", "-", executor], ["TASK_KILLED", "-", executor]],
            "message": "echo: hello",
            "acknowledged": "4 acknowledged",
            "exited": ["old", 7 << 8],
        },
        "decline_and_revive": true,
        "fail_over": { "same id": true, "told to the old one": "Framework failed over" },
        "reconcile": [
            ["long", "TASK_RUNNING", "REASON_RECONCILIATION", "SOURCE_MASTER"],
            ["never", "TASK_LOST", "REASON_RECONCILIATION", "SOURCE_MASTER"],
        ],
        "teardown": { "long": "TASK_KILLED" },
    })
}

/// Compares step by step, so that a failure names the step.
#[track_caller]
fn compare(seen: &Value, expected: &Value) {
    for (step, expected) in expected.as_object().expect("steps") {
        assert_eq!(seen[step], *expected, "{step}");
    }
    assert_eq!(seen, expected);
}

#[test]
fn pymesos_framework_and_executor_work() {
    let Some(interpreter) = interpreter() else { return };
    let cluster = Cluster::local(2);
    let seen = transcript(&cluster.scratch, &interpreter, "pymesos_scheduler.py", &[cluster.master()]);
    compare(&seen, &v1_expected());
}

#[track_caller]
fn v1(encoding: &str) {
    let Some(interpreter) = interpreter() else { return };
    let cluster = Cluster::local(2);
    let arguments = [cluster.master(), &descriptors(&cluster.scratch), encoding];
    let seen = transcript(&cluster.scratch, &interpreter, "v1_scheduler.py", &arguments);
    compare(&seen, &v1_expected());
}

#[test]
fn v1_client_in_json_sees_what_pymesos_sees() {
    v1("json");
}

#[test]
fn v1_client_in_protobuf_sees_what_pymesos_sees() {
    v1("protobuf");
}

#[track_caller]
fn v0(what: &str, form: &str) {
    let Some(interpreter) = interpreter() else { return };
    let cluster = Cluster::local(1);
    let arguments = [cluster.master(), &descriptors(&cluster.scratch), what, form];
    let seen = transcript(&cluster.scratch, &interpreter, "v0_scheduler.py", &arguments);
    compare(&seen, &v0_expected());
}

#[test]
fn driver_of_1_5_sends_every_call_in_one_message() {
    v0("calls", "1.5");
}

#[test]
fn older_driver_sends_a_message_for_each_call() {
    v0("messages", "1.5");
}

#[test]
fn old_driver_may_speak_http_1_0_with_keep_alive() {
    v0("messages", "1.0");
}

#[test]
fn pymesos_frameworks_get_what_quota_weights_and_reservations_say() {
    let Some(interpreter) = interpreter() else { return };
    let cluster = Cluster::local(6);
    let seen = transcript(&cluster.scratch, &interpreter, "roles.py", &[cluster.master()]);
    let expected = json!({
        "quota": {
            "agents of n while q is away": 5,
            "n is told why": true,
            "q": [1.0, 512.0],
            "n gets the rest": [11.0, 11776.0],
        },
        "reservation": { "n": 0.5, "q": 0 },
        "weights": { "n": 2, "q": 4 },
    });
    compare(&seen, &expected);
}
