//! How commands end that are told to, or that are killed.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::call;
use super::run::assert_nothing_is_left;
use crate::harness::{Cluster, Daemon, Scratch, get_json, mesos, mesos_on_a_terminal, until};

/// A task that does not end when it is told to, and says when it runs.
const STUBBORN: &str = "trap '' TERM INT; echo started; while :; do sleep 0.2; done";

/// Starts a stubborn task with more arguments, and waits until it runs.
fn stubborn(scratch: &Scratch, arguments: &[&str]) -> Daemon {
    let mut command = mesos(scratch);
    command.args(["run", "--grace-period", "10mins", STUBBORN]).args(arguments);
    let mut run = Daemon::spawn(scratch, "run", command);
    run.until_printed("the task to print", |output| output.contains("started\n").then_some(()));
    run
}

fn until_logged(daemon: &Daemon, text: &str) {
    until(text, || daemon.log().contains(text).then_some(()));
}

/// The grace period is far longer than a test waits.
#[test]
fn second_ctrl_c_ends_everything_at_once() {
    let scratch = Scratch::new();
    let mut run = stubborn(&scratch, &[]);
    run.signal(Signal::SIGINT);
    until_logged(&run, "TASK_KILLING");
    run.signal(Signal::SIGINT);
    assert_eq!(run.wait().code(), Some(130), "{}", run.log());
    assert_nothing_is_left(&scratch);
}

#[test]
fn second_ctrl_c_ends_the_tasks_of_a_served_cluster_at_once() {
    let mut cluster = Cluster::local(1);
    let master = cluster.master().to_owned();
    let mut run = stubborn(&cluster.scratch, &["--master", &master]);
    // The framework goes, and the agent waits for its executor.
    run.kill();
    let frameworks = || get_json(&master, "/frameworks")["completed_frameworks"].as_array().map(Vec::len);
    until("the framework to be over", || (frameworks() == Some(1)).then_some(()));
    let local = cluster.daemon();
    local.signal(Signal::SIGINT);
    local.signal(Signal::SIGTERM);
    assert_eq!(local.wait().code(), Some(0), "{}", local.log());
}

#[test]
fn closed_terminal_ends_a_served_cluster_and_leaves_nothing() {
    for signal in [Signal::SIGHUP, Signal::SIGINT] {
        let scratch = Scratch::new();
        let mut command = mesos_on_a_terminal(&scratch);
        command.args(["local", "--port=0"]);
        let mut local = Daemon::spawn(&scratch, "local", command);
        local.until_printed("'ready'", |output| output.contains("ready\n").then_some(()));
        local.signal(signal);
        assert_eq!(local.wait().code(), Some(0), "{}", local.log());
        assert_nothing_is_left(&scratch);
    }
}

#[test]
fn start_of_many_agents_can_be_interrupted() {
    let scratch = Scratch::new();
    let arguments = ["local", "--port=0", "--agents=100", "--resources=cpus:1;mem:32"].map(str::to_owned);
    let mut local = Daemon::start(&scratch, "local", &arguments);
    let begun = || fs::read_dir(scratch.temporary()).is_ok_and(|mut entries| entries.next().is_some());
    until("the start to begin", || begun().then_some(()));
    local.signal(Signal::SIGINT);
    assert_eq!(local.wait().code(), Some(0), "{}", local.log());
    assert_nothing_is_left(&scratch);
}

#[test]
fn more_agents_than_there_can_be_are_refused_with_the_limit() {
    let scratch = Scratch::new();
    let done = call(&scratch, &["local", "--port=0", "--agents=100000"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{}", done.stderr);
    for part in ["100000 agents are too many", "allow"] {
        assert!(done.stderr.contains(part), "{}", done.stderr);
    }
    assert_nothing_is_left(&scratch);
}

#[test]
fn directory_of_a_command_that_was_killed_goes_with_the_next() {
    let scratch = Scratch::new();
    let mut local = Daemon::start(&scratch, "local", &["local".to_owned(), "--port=0".to_owned()]);
    local.until_printed("'ready'", |output| output.contains("ready\n").then_some(()));
    let directories = || fs::read_dir(scratch.temporary()).unwrap().count();
    let next = || assert_eq!(call(&scratch, &["run", "true"]).code, Some(0));
    next();
    assert_eq!(directories(), 1, "one that is in use stays");
    local.kill();
    next();
    assert_eq!(directories(), 0);
}

/// What is left running is told, with how it can be ended; which is then done so.
#[test]
fn task_of_a_master_that_is_away_is_told_of() {
    let mut cluster = Cluster::separate(1, &[], &[]);
    let master = cluster.master().to_owned();
    let mut run = stubborn(&cluster.scratch, &["-q", "--master", &master]);
    cluster.daemon().kill();
    run.signal(Signal::SIGINT);
    until_logged(&run, "the task goes on until it can be told");
    assert!(run.log().contains(&format!("the master at {master} is away")), "{}", run.log());
    run.signal(Signal::SIGINT);
    assert_eq!(run.wait().code(), Some(130), "{}", run.log());
    let log = run.log();
    assert!(log.contains("the task is left running") && log.contains("never does by itself"), "{log}");
    let curl = log.split_once("curl -d ").expect("how to kill the task").1.trim();
    assert!(curl.ends_with(&format!(" http://{master}/master/teardown")), "{log}");
    let body = curl.split(' ').next().expect("a body");
    cluster.restart_master();
    cluster.until_agents(1);
    let torn_down = crate::harness::post(
        &master,
        "/master/teardown",
        "application/x-www-form-urlencoded",
        body.as_bytes(),
    );
    assert_eq!(torn_down.status, 200, "{}", torn_down.text());
}

/// Once it has the master back, the command has the task killed as it was told to.
#[test]
fn task_is_killed_when_the_master_is_back() {
    let mut cluster = Cluster::separate(1, &[], &[]);
    let master = cluster.master().to_owned();
    let mut command = mesos(&cluster.scratch);
    command.args(["run", "echo started; exec sleep 1000", "--master", &master]);
    let mut run = Daemon::spawn(&cluster.scratch, "run", command);
    run.until_printed("the task to print", |output| output.contains("started\n").then_some(()));
    cluster.daemon().kill();
    until_logged(&run, "waiting for a master");
    run.signal(Signal::SIGINT);
    until_logged(&run, "the task goes on until it can be told");
    cluster.restart_master();
    assert_eq!(run.wait().code(), Some(130), "{}", run.log());
    let state: Value = get_json(&master, "/frameworks");
    assert_eq!(state["frameworks"].as_array().map(Vec::len), Some(0), "{state}");
    // By the kill, or, where the agent is back after the command, because its framework is over.
    until("the task to end", || {
        let containers: Value = get_json(cluster.agent(0), "/containers");
        containers.as_array().is_some_and(Vec::is_empty).then_some(())
    });
}
