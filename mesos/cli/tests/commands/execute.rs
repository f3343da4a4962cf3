//! `mesos execute`.

use serde_json::json;

use super::call;
use crate::harness::{Cluster, resources, task_id};

#[test]
fn execute_prints_each_update() {
    let cluster = Cluster::local(1);
    let master = format!("--master={}", cluster.master());
    for content_type in ["--content_type=json", "--content_type=protobuf"] {
        let arguments = ["execute", &master, content_type, "--name=short", "--command=true"];
        let done = call(&cluster.scratch, &[&arguments[..], &["--resources=cpus:0.1;mem:32"]].concat());
        assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
        for state in ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"] {
            assert_eq!(done.stdout.matches(state).count(), 1, "{}", done.stdout);
        }
    }
    let failed = call(&cluster.scratch, &["execute", &master, "--name=failing", "--command=exit 3"]);
    assert!(failed.code.is_some_and(|code| code != 0), "{failed:?}");
    assert!(failed.stdout.contains("TASK_FAILED: Command exited with status 3"), "{}", failed.stdout);
}

#[test]
fn execute_tells_a_wrong_command_line_from_a_failed_task() {
    let cluster = Cluster::local(1);
    let master = format!("--master={}", cluster.master());
    for (wrong, reason) in [("--name=x", "--command is missing"), ("--task={\"x", "--task")] {
        let done = call(&cluster.scratch, &["execute", &master, wrong]);
        assert_eq!(done.code, Some(2), "{}\n{}", done.stdout, done.stderr);
        assert!(done.stderr.contains(reason), "{}", done.stderr);
    }
}

#[test]
fn execute_takes_a_task_as_json() {
    let cluster = Cluster::local(1);
    let task = json!({
        "name": "json",
        "task_id": task_id("json"),
        "resources": resources(0.1, 32.0),
        "command": { "value": "exit 0" },
    });
    let path = cluster.scratch.file("task.json", &task.to_string());
    let master = format!("--master={}", cluster.master());
    for given in [task.to_string(), format!("file://{path}")] {
        let done = call(&cluster.scratch, &["execute", &master, &format!("--task={given}")]);
        assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
    }
}

#[test]
fn task_group_ends_when_all_its_tasks_finished() {
    let cluster = Cluster::local(1);
    let group = |commands: [&str; 2]| {
        let task = |(number, command): (usize, &&str)| {
            json!({
                "name": format!("member-{number}"),
                "task_id": task_id(&format!("member-{number}")),
                "resources": resources(0.1, 32.0),
                "command": { "value": command },
            })
        };
        json!({ "tasks": commands.iter().enumerate().map(task).collect::<Vec<_>>() }).to_string()
    };
    let master = format!("--master={}", cluster.master());
    let done =
        call(&cluster.scratch, &["execute", &master, &format!("--task_group={}", group(["true", "exit 0"]))]);
    assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
    assert_eq!(done.stdout.matches("TASK_FINISHED").count(), 2, "{}", done.stdout);
    let failed = call(
        &cluster.scratch,
        &["execute", &master, &format!("--task_group={}", group(["exit 1", "sleep 1000"]))],
    );
    assert!(failed.code.is_some_and(|code| code != 0), "{failed:?}");
    assert!(failed.stdout.contains("TASK_FAILED"), "{}", failed.stdout);
    assert!(failed.stdout.contains("TASK_KILLED"), "{}", failed.stdout);
}

#[test]
fn task_is_killed_after_its_time() {
    let cluster = Cluster::local(1);
    let master = format!("--master={}", cluster.master());
    let arguments = ["execute", &master, "--name=long", "--command=sleep 1000", "--kill_after=100ms"];
    let killed = call(&cluster.scratch, &arguments);
    assert!(killed.code.is_some_and(|code| code != 0), "{killed:?}");
    assert!(killed.stdout.contains("TASK_KILLED"), "{}", killed.stdout);
}
