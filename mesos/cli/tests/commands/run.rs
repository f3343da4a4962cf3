//! `mesos run`, on a cluster made for it.

use std::fs;

use nix::sys::signal::Signal;

use super::call;
use crate::harness::{Cluster, Daemon, Scratch, mesos, mesos_on_a_terminal, processes_of, until};

/// Nothing of a command is left: neither processes nor files.
#[track_caller]
pub(super) fn assert_nothing_is_left(scratch: &Scratch) {
    let left: Vec<_> =
        fs::read_dir(scratch.temporary()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
    let processes = processes_of(scratch.path());
    let command =
        |pid| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " ");
    assert!(processes.is_empty(), "{:?}", processes.iter().map(command).collect::<Vec<_>>());
}

#[test]
fn run_prints_what_the_command_prints() {
    let scratch = Scratch::new();
    let run = call(&scratch, &["run", "echo hello from Mesos"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "hello from Mesos\n"), "{}", run.stderr);
    assert_nothing_is_left(&scratch);
}

#[test]
fn run_keeps_the_two_outputs_apart() {
    let scratch = Scratch::new();
    let run = call(&scratch, &["run", "--quiet", "echo out; echo err >&2"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "out\n"), "{}", run.stderr);
    // Nothing but that: what the executor writes is not the command's.
    assert_eq!(run.stderr, "err\n");
    assert_nothing_is_left(&scratch);
}

#[test]
fn flags_may_follow_the_command() {
    let scratch = Scratch::new();
    let run = call(&scratch, &["run", "echo a; echo $B", "--quiet", "--env", "B=b"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "a\nb\n", ""));
}

#[test]
fn what_a_cluster_of_ones_own_cannot_have_fails_with_the_numbers() {
    let scratch = Scratch::new();
    for resources in ["cpus:9999", "foo:1"] {
        let run = call(&scratch, &["run", "--quiet", "--resources", resources, "true"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{}", run.stderr);
        for part in [&format!("the task needs {resources}"), "cpus:", "mem:"] {
            assert!(run.stderr.contains(part), "{}", run.stderr);
        }
    }
    assert_nothing_is_left(&scratch);
}

#[test]
fn command_that_waits_for_resources_says_what_there_is() {
    let cluster = Cluster::local(1);
    for quiet in [&["--quiet"][..], &[]] {
        let mut command = mesos(&cluster.scratch);
        command.args(["run", "--master", cluster.master(), "--resources", "cpus:9999", "true"]).args(quiet);
        let name = format!("run-{}", quiet.len());
        let mut run = Daemon::spawn(&cluster.scratch, &name, command);
        let said = "has no room for cpus:9999: it has cpus:2; ";
        until("what there is to be told", || run.log().contains(said).then_some(()));
        run.signal(Signal::SIGINT);
        assert_eq!(run.wait().code(), Some(130), "{}", run.log());
        assert_eq!(run.log().lines().count(), 1, "{}", run.log());
    }
}

#[test]
fn run_exits_with_the_status_of_the_command() {
    let scratch = Scratch::new();
    let run = call(&scratch, &["run", "exit 7"]);
    assert_eq!(run.code, Some(7), "{}", run.stderr);
    assert_nothing_is_left(&scratch);
}

#[test]
fn run_of_a_command_that_does_not_exist_fails() {
    let cluster = Cluster::local(1);
    let shell = call(&cluster.scratch, &["run", "--master", cluster.master(), "no-such-command"]);
    assert_eq!(shell.code, Some(127), "{}", shell.stderr);
    assert!(shell.stderr.contains("no-such-command"), "{}", shell.stderr);
    let program =
        call(&cluster.scratch, &["run", "--master", cluster.master(), "--", "/no/such/program", "argument"]);
    assert!(program.code.is_some_and(|code| code != 0), "{program:?}");
    assert!(program.stderr.contains("TASK_FAILED"), "{}", program.stderr);
    assert!(program.stderr.contains("/no/such/program"), "{}", program.stderr);
}

#[test]
fn command_after_dashes_runs_without_a_shell() {
    let cluster = Cluster::local(1);
    let run = call(&cluster.scratch, &["run", "--master", cluster.master(), "--", "echo", "$HOME", "a  b"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "$HOME a  b\n"), "{}", run.stderr);
}

#[test]
fn variables_and_resources_reach_the_command() {
    let cluster = Cluster::local(1);
    let arguments =
        ["run", "--master", cluster.master(), "--env", "NAME=a value", "--resources", "cpus:0.5;mem:64"];
    let run = call(&cluster.scratch, &[&arguments[..], &["echo $NAME"]].concat());
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "a value\n"), "{}", run.stderr);
}

#[test]
fn ctrl_c_or_a_closed_terminal_kills_the_command_and_leaves_nothing() {
    for signal in [Signal::SIGINT, Signal::SIGHUP] {
        let scratch = Scratch::new();
        let mut command = mesos_on_a_terminal(&scratch);
        // The marker is printed by the task itself: then it runs.
        command.args(["run", "--grace-period", "1secs", "echo started; sleep 1000"]);
        let mut run = Daemon::spawn(&scratch, "run", command);
        run.until_printed("the task to print", |output| output.contains("started\n").then_some(()));
        run.signal(signal);
        assert_eq!(run.wait().code(), Some(130), "{}", run.log());
        assert!(run.log().contains("TASK_KILLED"), "{}", run.log());
        assert_nothing_is_left(&scratch);
    }
}

#[test]
fn command_that_forks_away_is_ended_too() {
    let scratch = Scratch::new();
    let run = call(&scratch, &["run", "setsid sleep 1000 & echo forked"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "forked\n"), "{}", run.stderr);
    until("the forked process to end", || processes_of(scratch.path()).is_empty().then_some(()));
}

#[test]
fn uri_is_fetched_into_the_sandbox() {
    let cluster = Cluster::local(1);
    let path = cluster.scratch.file("data.txt", "fetched\n");
    for uri in [path.clone(), format!("file://{path}")] {
        let run =
            call(&cluster.scratch, &["run", "--master", cluster.master(), "--uri", &uri, "cat data.txt"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "fetched\n"), "{uri}: {}", run.stderr);
    }
    let absent = cluster.scratch.join("absent");
    let run = call(&cluster.scratch, &["run", "--master", cluster.master(), "--uri", &absent, "true"]);
    assert!(run.code.is_some_and(|code| code != 0), "{run:?}");
    assert!(run.stderr.contains("TASK_FAILED") && run.stderr.contains(&absent), "{}", run.stderr);
}

#[test]
fn run_as_a_user_who_does_not_exist_fails_with_the_name() {
    let cluster = Cluster::local(1);
    let run =
        call(&cluster.scratch, &["run", "--master", cluster.master(), "--user", "no-such-user", "true"]);
    assert!(run.code.is_some_and(|code| code != 0), "{run:?}");
    assert!(run.stderr.contains("no-such-user"), "{}", run.stderr);
}
