//! How executors live.

use std::collections::BTreeMap;

use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::harness::{
    Cluster, Executor, Framework, command_task, executor_task, framework_info, processes_of, until,
};

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

/// With checkpointing it waits for the agent to come back; without, it is over when its stream breaks.
#[test]
fn broken_stream_ends_an_executor_that_does_not_checkpoint() {
    let mut cluster = Cluster::separate(1, &[], &[]);
    for checkpoint in [false, true] {
        let mut info = framework_info("broken");
        info["checkpoint"] = checkpoint.into();
        let mut framework = Framework::subscribe(cluster.master(), info);
        framework.run(|offer| command_task("task", offer, "exec sleep 1111"));
        let task = until("the task to run", || {
            let runs = |pid: &Pid| {
                std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == b"sleep\x001111\0")
            };
            processes_of(cluster.scratch.path()).into_iter().find(runs)
        });
        cluster.agent_daemon(0).kill();
        if checkpoint {
            cluster.restart_agent(0);
            kill(task, None).expect("the task lives");
            framework.kill("task");
            framework.updates_to("task", "TASK_KILLED");
        } else {
            until("the task to end", || kill(task, None).err());
            cluster.restart_agent(0);
        }
        framework.teardown();
    }
}

/// An executor that subscribes again goes on where it was.
#[test]
fn executor_over_http_may_subscribe_again() {
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
        let executor = Executor::subscribe(cluster.agent(0), &framework.id, "own");
        executor.update("task", "TASK_FINISHED");
        framework.updates_to("task", "TASK_FINISHED");
        framework.teardown();
    }
}
