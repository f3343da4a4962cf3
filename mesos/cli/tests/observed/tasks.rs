//! What becomes of tasks.

use serde_json::{Value, json};

use crate::harness::{
    Cluster, Executor, Framework, command_task, executor_resources, executor_task, framework_info, get_json,
    launch_group, until,
};

fn states(statuses: &[Value]) -> Vec<&str> {
    statuses.iter().filter_map(|status| status["state"].as_str()).collect()
}

#[test]
fn command_task_starts_runs_and_ends() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("command"));
    let offer = framework.offer();
    framework.launch(&offer, &[command_task("command", &offer, "exit 0")]);
    let statuses = framework.updates_to_end("command");
    assert_eq!(states(&statuses), ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
    for status in &statuses {
        assert_eq!(status["source"], "SOURCE_EXECUTOR", "{status}");
        assert_eq!(status["agent_id"], offer["agent_id"], "{status}");
        assert!(status["uuid"].is_string() && status["timestamp"].is_f64(), "{status}");
        assert!(status["container_status"]["container_id"]["value"].is_string(), "{status}");
    }
    assert_eq!(statuses[2]["message"], "Command exited with status 0");
}

#[test]
fn custom_executor_alone_sends_updates_and_the_agent_completes_them() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("custom"));
    let offer = framework.offer();
    framework.launch(&offer, &[executor_task("task", &offer, "own", Executor::COMMAND)]);
    let mut executor = Executor::subscribe(cluster.agent(0), &framework.id, "own");
    assert_eq!(executor.next_of("LAUNCH")["task"]["task_id"]["value"], "task");
    for state in ["TASK_RUNNING", "TASK_FINISHED"] {
        let uuid = executor.update("task", state);
        let status = framework.update_of("task");
        assert_eq!((&status["state"], &status["uuid"]), (&json!(state), &uuid));
        assert_eq!(status["source"], "SOURCE_EXECUTOR");
        assert_eq!(status["agent_id"], offer["agent_id"]);
        assert!(status.get("executor_id").is_none(), "{status}");
        let container = &status["container_status"];
        assert!(container["container_id"]["value"].is_string(), "{status}");
        assert!(container["executor_pid"].is_u64(), "{status}");
        assert_eq!(container["network_infos"][0]["ip_addresses"][0]["ip_address"], "127.0.0.1", "{status}");
        assert_eq!(executor.next_of("ACKNOWLEDGED")["uuid"], uuid);
    }
}

#[test]
fn exit_status_is_in_the_message_and_a_reason_only_from_the_default_executor() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("status"));
    let offer = framework.offer();
    framework.launch(&offer, &[command_task("alone", &offer, "exit 3")]);
    let last = framework.updates_to_end("alone").pop().unwrap();
    assert_eq!(
        (&last["state"], &last["message"]),
        (&json!("TASK_FAILED"), &json!("Command exited with status 3"))
    );
    assert!(last.get("reason").is_none(), "{last}");

    let offer = framework.offer();
    let tasks = [command_task("member", &offer, "exit 3")];
    framework.accept(&offer, &[launch_group(&framework.id, "default", executor_resources(), &tasks)]);
    let last = framework.updates_to_end("member").pop().unwrap();
    assert_eq!(last["state"], "TASK_FAILED");
    assert!(
        last["message"].as_str().is_some_and(|text| text.contains("Command exited with status 3")),
        "{last}"
    );
    assert_eq!(last["reason"], "REASON_COMMAND_EXECUTOR_FAILED");
}

/// `python/pymesos_executor.py` does this, too.
#[test]
fn exit_of_an_executor_fails_its_tasks_and_is_told_with_the_wait_status() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("exit"));
    let stop = cluster.scratch.join("stop");
    let command = format!("while [ ! -e {stop} ]; do sleep 0.05; done; exit 7");
    let offer = framework.offer();
    framework.launch(&offer, &[executor_task("task", &offer, "own", &command)]);
    let mut executor = Executor::subscribe(cluster.agent(0), &framework.id, "own");
    executor.next_of("LAUNCH");
    executor.update("task", "TASK_RUNNING");
    framework.updates_to("task", "TASK_RUNNING");
    cluster.scratch.file("stop", "");
    let last = framework.updates_to_end("task").pop().unwrap();
    assert_eq!(last["state"], "TASK_FAILED");
    assert_eq!(last["reason"], "REASON_EXECUTOR_TERMINATED");
    assert_eq!(last["message"], "Executor terminated");
    assert_eq!(last["source"], "SOURCE_AGENT");
    let failure = framework.next_of("FAILURE");
    assert_eq!(failure["executor_id"]["value"], "own");
    assert_eq!(failure["agent_id"], offer["agent_id"]);
    assert_eq!(failure["status"], 7 << 8);
}

/// 0.1 cpus and 32 MB, which the master does not know of.
#[test]
fn agent_alone_counts_what_a_command_executor_needs() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("overhead"));
    framework.run(|offer| command_task("task", offer, "sleep 1000"));
    let state = get_json(cluster.agent(0), "/state");
    let resources = &state["frameworks"][0]["executors"][0]["resources"];
    assert_eq!(
        (resources["cpus"].as_f64(), resources["mem"].as_f64()),
        (Some(0.2), Some(64.0)),
        "{resources}"
    );
    until("the master to count the task", || {
        let state = get_json(cluster.master(), "/state");
        let used = &state["slaves"][0]["used_resources"];
        (used["cpus"].as_f64() == Some(0.1) && used["mem"].as_f64() == Some(32.0)).then_some(())
    });
}
