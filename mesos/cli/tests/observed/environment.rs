//! How executors live.

use std::collections::BTreeMap;

use serde_json::json;

use crate::harness::{Cluster, Executor, Framework, executor_task, framework_info, until};

#[test]
fn executor_finds_in_its_environment_what_it_needs() {
    let cluster = Cluster::local(1);
    for (checkpoint, expected) in [(false, "0"), (true, "1")] {
        let mut info = framework_info("environment");
        info["checkpoint"] = checkpoint.into();
        let mut framework = Framework::subscribe(cluster.master(), info);
        let offer = framework.offer();
        let path = cluster.scratch.join(&format!("environment-{checkpoint}"));
        let command = format!(
            "echo PWD=$PWD > {path}.part; env >> {path}.part; mv {path}.part {path}; exec sleep 1000"
        );
        framework.launch(&offer, &[executor_task("task", &offer, "own", &command)]);
        let text = until("the environment", || std::fs::read_to_string(&path).ok());
        let variables: BTreeMap<_, _> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let agent = cluster.agent(0);
        for (name, value) in [
            ("MESOS_AGENT_ENDPOINT", agent),
            ("MESOS_SLAVE_PID", &format!("slave(1)@{agent}")),
            ("MESOS_SLAVE_ID", offer["agent_id"]["value"].as_str().expect("an id")),
            ("MESOS_SANDBOX", variables["PWD"]),
            ("MESOS_DIRECTORY", variables["PWD"]),
            ("MESOS_CHECKPOINT", expected),
            ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "5secs"),
            ("MESOS_FRAMEWORK_ID", framework.id()),
            ("MESOS_EXECUTOR_ID", "own"),
        ] {
            assert_eq!(variables.get(name).copied(), Some(value), "{name}: {text}");
        }
        for name in ["MESOS_RECOVERY_TIMEOUT", "MESOS_SUBSCRIPTION_BACKOFF_MAX"] {
            assert_eq!(variables.contains_key(name), checkpoint, "{name}: {text}");
        }
        framework.teardown();
    }
}

/// An executor without checkpointing is over when its stream breaks; with it, it comes back.
#[test]
fn broken_stream_ends_an_executor_that_does_not_checkpoint() {
    let cluster = Cluster::local(1);
    for checkpoint in [false, true] {
        let mut info = framework_info("broken");
        info["checkpoint"] = checkpoint.into();
        let mut framework = Framework::subscribe(cluster.master(), info);
        let offer = framework.offer();
        framework.launch(&offer, &[executor_task("task", &offer, "own", Executor::COMMAND)]);
        let mut executor = Executor::subscribe(cluster.agent(0), &framework.id, "own");
        executor.next_of("LAUNCH");
        executor.update("task", "TASK_RUNNING");
        framework.updates_to("task", "TASK_RUNNING");
        drop(executor);
        if checkpoint {
            let executor = Executor::subscribe(cluster.agent(0), &framework.id, "own");
            executor.update("task", "TASK_FINISHED");
            framework.updates_to("task", "TASK_FINISHED");
        } else {
            let last = framework.updates_to_end("task").pop().unwrap();
            let seen = [&last["state"], &last["reason"]];
            assert_eq!(seen, [&json!("TASK_FAILED"), &json!("REASON_EXECUTOR_TERMINATED")]);
        }
        framework.teardown();
    }
}
