//! Executors, agents and masters that are killed.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::harness::{
    Cluster, Framework, command_task, framework_info, get_json, processes_of, task_id, until,
};

fn checkpointing(name: &str) -> Value {
    let mut info = framework_info(name);
    info["checkpoint"] = true.into();
    info
}

/// The process of the executor that an update is of.
fn executor_pid(status: &Value) -> Pid {
    let pid = status["container_status"]["executor_pid"].as_i64().expect("a process id");
    Pid::from_raw(i32::try_from(pid).expect("a process id"))
}

#[test]
fn killed_executor_fails_its_task_and_takes_its_processes_along() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("executor"));
    let marker = cluster.scratch.path().join("marker");
    let status = framework
        .run(|offer| command_task("task", offer, &format!("cd {0} && exec sleep 1000", marker_dir(&marker))));
    assert!(!processes_of(&marker).is_empty(), "the task runs");
    kill(executor_pid(&status), Signal::SIGKILL).expect("the executor lives");
    let last = framework.updates_to_end("task").pop().unwrap();
    let seen = [&last["state"], &last["reason"], &last["source"]];
    assert_eq!(
        seen,
        [&json!("TASK_FAILED"), &json!("REASON_EXECUTOR_TERMINATED"), &json!("SOURCE_AGENT")],
        "{last}"
    );
    let failure = framework.next_of("FAILURE");
    assert_eq!((&failure["executor_id"]["value"], &failure["status"]), (&json!("task"), &json!(9)));
    until("the processes of the task to end", || processes_of(&marker).is_empty().then_some(()));
    let again = framework.run(|offer| command_task("again", offer, "sleep 1000"));
    assert_eq!(again["state"], "TASK_RUNNING");
}

/// A directory that is made, as text.
fn marker_dir(path: &std::path::Path) -> String {
    std::fs::create_dir(path).expect("a directory");
    path.display().to_string()
}

/// What was acknowledged does not come again, what was not comes once, and what runs goes on running.
#[test]
fn killed_agent_comes_back_with_its_tasks_and_updates() {
    let mut cluster = Cluster::separate(1, &[], &[]);
    let mut framework = Framework::subscribe(cluster.master(), checkpointing("agent"));
    let go = cluster.scratch.join("go");
    let waiting = format!("while [ ! -e {go} ]; do sleep 0.05; done; touch {go}.seen");
    let first = framework.run(|offer| command_task("living", offer, "sleep 1000"));
    framework.run(|offer| command_task("ending", offer, &waiting));
    cluster.agent_daemon(0).kill();
    cluster.scratch.file("go", "");
    until("the task to end while the agent is away", || std::fs::metadata(format!("{go}.seen")).ok());
    cluster.restart_agent(0);
    let statuses = framework.updates_to_end("ending");
    assert_eq!(statuses.len(), 1, "{statuses:?}");
    assert_eq!(statuses[0]["state"], "TASK_FINISHED");
    assert_eq!(statuses[0]["agent_id"], first["agent_id"], "the agent kept its id");
    kill(executor_pid(&first), None).expect("the executor of the other task lives");
    framework.kill("living");
    let statuses = framework.updates_to_end("living");
    assert_eq!(statuses.len(), 1, "{statuses:?}");
    assert_eq!(statuses[0]["state"], "TASK_KILLED");
    let slaves = get_json(cluster.master(), "/state")["slaves"].clone();
    assert_eq!(slaves.as_array().map(Vec::len), Some(1), "{slaves}");
}

/// An update that the framework has not acknowledged is sent again by the agent that comes back, with the same uuid.
#[test]
fn unacknowledged_update_survives_the_agent() {
    let mut cluster = Cluster::separate(1, &[], &[]);
    let mut framework = Framework::subscribe(cluster.master(), checkpointing("updates"));
    framework.acknowledges = false;
    let offer = framework.offer();
    framework.launch(&offer, &[command_task("task", &offer, "exit 0")]);
    let first = framework.update_of("task");
    cluster.agent_daemon(0).kill();
    cluster.restart_agent(0);
    let again = framework.update_of("task");
    assert_eq!((&first["uuid"], &first["state"]), (&again["uuid"], &again["state"]));
    framework.acknowledges = true;
    framework.acknowledge(&again);
    let mut states: Vec<_> = framework
        .updates_to_end("task")
        .iter()
        .map(|status| status["state"].as_str().unwrap().to_owned())
        .collect();
    states.dedup();
    assert_eq!(states.last().map(String::as_str), Some("TASK_FINISHED"), "{states:?}");
}

#[test]
fn task_that_is_not_checkpointed_ends_with_its_agent() {
    let mut cluster = Cluster::separate(1, &[], &[]);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("not checkpointed"));
    framework.run(|offer| command_task("task", offer, "sleep 1000"));
    cluster.agent_daemon(0).kill();
    let last = framework.updates_to_end("task").pop().unwrap();
    assert_eq!((&last["state"], &last["source"]), (&json!("TASK_LOST"), &json!("SOURCE_MASTER")), "{last}");
    cluster.restart_agent(0);
    cluster.until_agents(1);
    framework.run(|offer| command_task("next", offer, "sleep 1000"));
}

#[test]
fn killed_master_comes_back_to_its_agents_and_frameworks() {
    let mut cluster = Cluster::separate(1, &[], &[]);
    let mut framework = Framework::subscribe(cluster.master(), checkpointing("master"));
    let id = framework.id().to_owned();
    framework.run(|offer| command_task("task", offer, "sleep 1000"));
    cluster.restart_master();
    cluster.until_agents(1);
    framework.fail_over();
    assert_eq!(framework.id(), id);
    framework
        .call(json!({ "type": "RECONCILE", "reconcile": { "tasks": [{ "task_id": task_id("task") }] } }));
    let status = framework.update_of("task");
    assert_eq!(
        (&status["state"], &status["reason"]),
        (&json!("TASK_RUNNING"), &json!("REASON_RECONCILIATION"))
    );
    framework.kill("task");
    framework.updates_to("task", "TASK_KILLED");
}

/// SIGTERM ends everything that an agent of a cluster of one process runs.
#[test]
fn cluster_that_is_told_to_end_leaves_no_process() {
    let mut cluster = Cluster::local(2);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("left"));
    for id in ["one", "two", "three"] {
        framework.run(|offer| command_task(id, offer, "trap '' TERM; sleep 1000 & sleep 1000"));
    }
    cluster.daemon().signal(Signal::SIGTERM);
    assert!(cluster.daemon().wait().success(), "{}", cluster.daemon().log());
    let left = processes_of(cluster.scratch.path());
    assert!(left.is_empty(), "{left:?}");
}
