//! Output that is much, or that nobody reads.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::run::assert_nothing_is_left;
use crate::harness::{
    Cluster, Finished, Framework, Scratch, command_task, finish, framework_info, mesos, until,
};

/// The status of a program that ended by SIGPIPE, as the shell has it.
const NOBODY_READS: Option<i32> = Some(141);

/// Runs `mesos` with an output that nobody reads.
fn unread(scratch: &Scratch, arguments: &[&str]) -> Finished {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = mesos(scratch);
    command.args(arguments).process_group(0).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
    let child = command.spawn().expect("the command under test starts");
    let output = child.wait_with_output().expect("a child can be waited for");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Finished { code: output.status.code(), stdout: String::new(), stderr }
}

#[test]
fn command_whose_output_nobody_reads_ends_quietly() {
    let cluster = Cluster::local(1);
    let master = cluster.master();
    let mut framework = Framework::subscribe(master, framework_info("unread"));
    framework.run(|offer| command_task("unread-1", offer, "seq 1 1000; sleep 1000"));
    let has_printed = || {
        let cat = finish(mesos(&cluster.scratch).args(["cat", "--master", master, "unread-1"]));
        cat.stdout.ends_with("\n1000\n").then_some(())
    };
    until("the task to print", has_printed);
    for arguments in [
        &["agents", "--master", master][..],
        &["agents", "--json", "--master", master],
        &["frameworks", "--master", master],
        &["tasks", "--all", "--master", master],
        &["tasks", "--json", "--master", master],
        &["ls", "--master", master, "unread-1"],
        &["ls", "--json", "--master", master, "unread-1"],
        &["cat", "--master", master, "unread-1"],
        &["tail", "--master", master, "unread-1"],
        &["tail", "-f", "--master", master, "unread-1"],
        &["version"],
        &["version", "--json"],
        &["version", "--master", master],
        &["api", "descriptors"],
        &["master", "--help"],
        &["local", "--version"],
        &["local", "--port=0"],
    ] {
        let done = unread(&cluster.scratch, arguments);
        assert_eq!(done.code, NOBODY_READS, "{arguments:?}: {}", done.stderr);
        let problem = ["error", "panicked"].iter().any(|word| done.stderr.contains(word));
        assert!(!problem, "{arguments:?}: {}", done.stderr);
    }
    // The parser of these does not look at what becomes of its output.
    for arguments in [&["help"][..], &["help", "run"], &["tasks", "--help"]] {
        let done = unread(&cluster.scratch, arguments);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn task_whose_output_nobody_reads_is_killed() {
    let scratch = Scratch::new();
    let run = unread(&scratch, &["run", "yes"]);
    assert_eq!(run.code, NOBODY_READS, "{}", run.stderr);
    assert!(run.stderr.contains("TASK_KILLED"), "{}", run.stderr);
    assert_nothing_is_left(&scratch);
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let scratch = Scratch::new();
    for task in ["echo x", "echo x; sleep 1000", "exit 3; echo x"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let mut command = mesos(&scratch);
        command.args(["run", "-q", task]).process_group(0).stdin(Stdio::null()).stdout(full);
        let done = command.stderr(Stdio::piped()).output().expect("the command under test starts");
        let stderr = String::from_utf8_lossy(&done.stderr);
        if task.starts_with("exit") {
            assert_eq!(done.status.code(), Some(3), "{stderr}");
            continue;
        }
        assert_eq!(done.status.code(), Some(1), "{task}: {stderr}");
        assert_eq!(stderr.matches("No space left on device").count(), 1, "{task}: {stderr}");
    }
    assert_nothing_is_left(&scratch);
}

/// What a shell prints that runs the command under test as `$MESOS`.
fn shell(scratch: &Scratch, script: &str) -> String {
    let mut command = Command::new("bash");
    command.args(["-c", script]).env("MESOS", env!("CARGO_BIN_EXE_mesos"));
    let done = finish(command.env("TMPDIR", scratch.temporary()));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    done.stdout
}

/// The file with the output is full twice meanwhile.
#[test]
fn output_of_a_task_that_prints_much_is_complete() {
    let scratch = Scratch::new();
    let digest = shell(&scratch, "set -o pipefail; $MESOS run -q 'seq 1 27000000' | cksum");
    assert_eq!(digest, shell(&scratch, "seq 1 27000000 | cksum"));
    assert_nothing_is_left(&scratch);
}

#[test]
fn end_of_the_output_is_not_cut_off() {
    let cluster = Cluster::local(1);
    let script = format!("$MESOS run -q --master {} 'seq 1 200000' | tail -1", cluster.master());
    for _ in 0..5 {
        assert_eq!(shell(&cluster.scratch, &script), "200000\n");
    }
}

#[test]
fn long_files_are_printed_from_where_they_are_asked_for() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("long"));
    framework.run(|offer| command_task("long-1", offer, "seq 1 600000 > 'a file'; touch done; sleep 1000"));
    let look = |script: &str| {
        let script = script.replace("MASTER", &format!("--master {}", cluster.master()));
        shell(&cluster.scratch, &format!("set -o pipefail; {script}"))
    };
    until("the file", || look("$MESOS ls MASTER long-1").contains("done\n").then_some(()));
    let lines = |script: &str| shell(&cluster.scratch, script);
    assert_eq!(look("$MESOS cat MASTER long-1 'a file' | cksum"), lines("seq 1 600000 | cksum"));
    let tail = "$MESOS tail MASTER -n 400000 long-1 'a file' | cksum";
    assert_eq!(look(tail), lines("seq 200001 600000 | cksum"));
    let all = "$MESOS tail MASTER -n 700000 long-1 'a file' | cksum";
    assert_eq!(look(all), lines("seq 1 600000 | cksum"));
}
