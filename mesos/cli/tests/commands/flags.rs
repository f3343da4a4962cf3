//! Names, flags, and what is wrong with them.

use std::os::unix::fs::symlink;
use std::process::Command;

use super::call;
use crate::harness::{Scratch, finish};

#[test]
fn program_is_the_one_that_it_is_called() {
    let scratch = Scratch::new();
    for (name, flag) in [
        ("mesos-master", "--agent_ping_timeout"),
        ("mesos-agent", "--work_dir"),
        ("mesos-slave", "--work_dir"),
        ("mesos-local", "--agents"),
        ("mesos-execute", "--task_group"),
    ] {
        let link = scratch.path().join(name);
        symlink(env!("CARGO_BIN_EXE_mesos"), &link).expect("a link");
        let help = finish(Command::new(&link).arg("--help"));
        assert_eq!(help.code, Some(0), "{name}: {}", help.stderr);
        assert!(help.stdout.contains(flag), "{name}: {}", help.stdout);
    }
}

#[test]
fn help_lists_the_commands() {
    let scratch = Scratch::new();
    let help = call(&scratch, &["help"]);
    assert_eq!(help.code, Some(0));
    for command in
        ["run", "local", "master", "agent", "execute", "agents", "tasks", "ls", "cat", "tail", "version"]
    {
        let listed = help.stdout.lines().any(|line| line.split_whitespace().next() == Some(command));
        assert!(listed, "{command}: {}", help.stdout);
    }
}

/// What is wrong with a command line is named, and the status is not that of success.
#[test]
fn wrong_flags_are_named() {
    let scratch = Scratch::new();
    for (arguments, name) in [
        (&["master", "--no_such_flag=1"][..], "no_such_flag"),
        (&["master", "--port=many"], "port"),
        (&["master", "--agent_ping_timeout=fast"], "agent_ping_timeout"),
        (&["master", "--agent_ping_timeout=1ms"], "agent_ping_timeout"),
        (&["master", "--agent_reregister_timeout=5mins"], "agent_reregister_timeout"),
        (&["master", "--offer_timeout=0secs"], "offer_timeout"),
        (&["master", "--root_submissions=perhaps"], "root_submissions"),
        (&["agent", "--work_dir=/tmp/x"], "master"),
        (&["agent", "--master=127.0.0.1:5050"], "work_dir"),
        (
            &[
                "agent",
                "--master=127.0.0.1:5050",
                "--work_dir=/tmp/x",
                "--executor_reregistration_timeout=20secs",
            ],
            "executor_reregistration_timeout",
        ),
        (
            &["agent", "--master=127.0.0.1:5050", "--work_dir=/tmp/x", "--reconfiguration_policy=any"],
            "reconfiguration_policy",
        ),
        (&["local", "--agents=0"], "agents"),
        (&["local", "--no_such_flag"], "no_such_flag"),
        (&["execute", "--name=a", "--command=b"], "master"),
        (&["execute", "--master=m:1", "--content_type=xml", "--name=a", "--command=b"], "content_type"),
        (&["execute", "--master=m:1", "--command=b"], "name"),
        (&["run", "--no-such-flag", "true"], "no-such-flag"),
        (&["run", "--resources", "cpus", "true"], "resources"),
        (&["run", "--env", "novalue", "true"], "novalue"),
        (&["run", "--grace-period", "soon", "true"], "grace-period"),
        (&["run"], "COMMAND"),
        (&["run", "echo", "a"], "mesos run -- echo a"),
        (&["run", "echo", "--", "a"], "give one of them"),
        (&["run", "true", "--no-such-flag"], "no-such-flag"),
        (&["run", "--name", "", "true"], "--name"),
        (&["ls", ""], "TASK"),
        (&["cat", ""], "TASK"),
        (&["tail", ""], "TASK"),
        (&["ls", "--framework", "", "task"], "--framework"),
        (&["run", "--master", "nowhere", "true"], "--master"),
        (&["run", "--timeout", "soon", "true"], "--timeout"),
        (&["agents", "--master", "zk://127.0.0.1:2181/mesos"], "--master"),
        (&["version", "--agent", "127.0.0.1:0"], "--agent"),
        (&["version", "--agent", "127.0.0.1:1", "--master", "127.0.0.1:1"], "--agent"),
        (&["execute", "--master=nowhere", "--name=a", "--command=b"], "master"),
        (&["no-such-command"], "no-such-command"),
    ] {
        let done = call(&scratch, arguments);
        // What only shows once the flags are put together is an ordinary failure.
        let late = done.code == Some(1) && matches!(arguments[0], "master" | "agent" | "execute");
        assert!(done.code == Some(2) || late, "{arguments:?}: {done:?}");
        assert!(done.stderr.contains(name), "{arguments:?}: {}", done.stderr);
        assert!(!done.stderr.contains("panicked"), "{arguments:?}: {}", done.stderr);
    }
}

#[test]
fn flag_on_the_line_wins_over_the_environment() {
    let scratch = Scratch::new();
    let bad = finish(crate::harness::mesos(&scratch).args(["master", "--help"]).env("MESOS_PORT", "many"));
    assert_eq!(bad.code, Some(0), "{}", bad.stderr);
    let bad = finish(
        crate::harness::mesos(&scratch)
            .args(["master", "--agent_ping_timeout=1ms"])
            .env("MESOS_PORT", "many"),
    );
    assert_ne!(bad.code, Some(0));
    assert!(bad.stderr.contains("MESOS_PORT"), "{}", bad.stderr);
    let arguments = ["master", "--port=1", "--agent_ping_timeout=1ms"];
    let bad = finish(crate::harness::mesos(&scratch).args(arguments).env("MESOS_PORT", "many"));
    assert!(!bad.stderr.contains("PORT") && bad.stderr.contains("agent_ping_timeout"), "{}", bad.stderr);
}
