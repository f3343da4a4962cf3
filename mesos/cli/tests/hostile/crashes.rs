//! Executors, agents and masters that are killed.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::harness::{
    Cluster, Framework, command_task, executor_task, framework_info, get_json, processes_of, task_id, until,
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

/// The process of a cluster whose command line has a text in it.
fn process_with(cluster: &Cluster, text: &str) -> Pid {
    let command = |pid: &Pid| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let has = |pid: &Pid| String::from_utf8_lossy(&command(pid)).replace('\0', " ").starts_with(text);
    until("a process", || processes_of(cluster.scratch.path()).into_iter().find(has))
}

#[test]
fn killed_executor_fails_its_task_and_takes_its_processes_along() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("executor"));
    framework.run(|offer| command_task("task", offer, "sleep 1234"));
    let task = process_with(&cluster, "sleep 1234");
    kill(process_with(&cluster, "mesos-executor "), Signal::SIGKILL).expect("the executor lives");
    let last = framework.updates_to_end("task").pop().unwrap();
    let seen = [&last["state"], &last["reason"], &last["source"]];
    assert_eq!(seen, [&json!("TASK_FAILED"), &json!("REASON_EXECUTOR_TERMINATED"), &json!("SOURCE_AGENT")]);
    until("the process of the task to end", || kill(task, None).err());

    let offer = framework.offer();
    framework.launch(&offer, &[executor_task("on own", &offer, "own", "exec sleep 4321")]);
    kill(process_with(&cluster, "sleep 4321"), Signal::SIGKILL).expect("the executor lives");
    let last = framework.updates_to_end("on own").pop().unwrap();
    let seen = [&last["state"], &last["reason"], &last["source"]];
    assert_eq!(seen, [&json!("TASK_FAILED"), &json!("REASON_EXECUTOR_TERMINATED"), &json!("SOURCE_AGENT")]);
    // Of an executor that the framework brought along, the end is told, too.
    let failure = framework.next_of("FAILURE");
    assert_eq!((&failure["executor_id"]["value"], &failure["status"]), (&json!("own"), &json!(9)));
    framework.run(|offer| command_task("again", offer, "sleep 1000"));
}

/// What runs goes on running, and what ends meanwhile is told. An update comes again if its acknowledgement was still
/// on its way.
#[test]
fn killed_agent_comes_back_with_its_tasks_and_updates() {
    let mut cluster = Cluster::separate(1, &[], &[]);
    let mut framework = Framework::subscribe(cluster.master(), checkpointing("agent"));
    let go = cluster.scratch.join("go");
    let waiting = format!("while [ ! -e {go} ]; do sleep 0.05; done; touch {go}.seen");
    let first = framework.run(|offer| command_task("living", offer, "sleep 1000"));
    let second = framework.run(|offer| command_task("ending", offer, &waiting));
    cluster.agent_daemon(0).kill();
    cluster.scratch.file("go", "");
    until("the task to end while the agent is away", || std::fs::metadata(format!("{go}.seen")).ok());
    cluster.restart_agent(0);
    let new =
        framework.updates_to_end("ending").into_iter().filter(|status| status["uuid"] != second["uuid"]);
    let new: Vec<_> = new.collect();
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(new[0]["state"], "TASK_FINISHED");
    assert_eq!(new[0]["agent_id"], first["agent_id"], "the agent kept its id");
    kill(executor_pid(&first), None).expect("the executor of the other task lives");
    framework.kill("living");
    let new = framework.updates_to_end("living").into_iter().filter(|status| status["uuid"] != first["uuid"]);
    assert_eq!(new.map(|status| status["state"].clone()).collect::<Vec<_>>(), ["TASK_KILLED"]);
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
    // The last update may come again, if its acknowledgement went down with the master.
    let mut status = framework.update_of("task");
    while status["reason"] != "REASON_RECONCILIATION" {
        assert_eq!(status["state"], "TASK_RUNNING", "{status}");
        status = framework.update_of("task");
    }
    assert_eq!(status["state"], "TASK_RUNNING", "{status}");
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
