//! Agents that are killed while they launch a container.

use std::path::Path;
use std::time::Duration;

use mesos_api::v1::ContainerId;
use mesos_containerizer::{Helper, Recovered};
use mesos_testing::{LAUNCH, SmallDisk};

use crate::fixture::{self, Fixture, exited, processes_with, run, shell};

fixture::tests![
    launch_that_its_agent_did_not_live_to_finish_has_run_nothing,
    command_that_was_let_go_needs_no_agent,
    status_is_kept_on_a_full_disk_as_root,
];

/// What a launch writes, in this order, before it lets the helper go on.
const WRITTEN: [&str; 4] = ["config", "launch_info", "start_time", "pid"];

/// A helper that does nothing before a file is there, and then gets this as its input; the byte that
/// the agent has for it goes to a file before.
fn gated(directory: &Path, input: &str) -> Helper {
    let program = std::env::current_exe().unwrap().display().to_string();
    let script = format!(
        "cd {}; head -c 1 >byte; while [ ! -e gate ]; do sleep 0.01; done; exec \"$0\" \"$@\" <{input}",
        directory.display()
    );
    Helper { program: "/bin/sh".into(), arguments: vec!["-c".into(), script, program, LAUNCH.to_owned()] }
}

/// A launch by an agent that is killed after it has let the helper go on, with what it would remember.
async fn interrupted(f: Fixture, helper: Helper, script: &str) -> (Fixture, Recovered) {
    let id = ContainerId::from("c");
    let f = f.restarted_with(helper).await;
    f.containerizer.recover(Vec::new()).await.unwrap();
    let mut config = f.config(&id, shell(script));
    let forked = f.directory.path().join("forked.pid");
    config.pid_checkpoint = Some(forked.clone());
    let launch = f.containerizer.launch(&id, config);
    let byte = f.directory.path().join("byte");
    while !byte.metadata().is_ok_and(|file| file.len() == 1) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let pid = std::fs::read_to_string(forked).unwrap().parse().unwrap();
    let was = Recovered { directory: f.sandbox(&id), container_id: id, pid, resources: Vec::new() };
    let f = f.restarted().await;
    drop(launch);
    (f, was)
}

fn launch_that_its_agent_did_not_live_to_finish_has_run_nothing() {
    // How many of the files there are, and whether the pid is where the agent looks for it.
    let steps = (0..=WRITTEN.len()).map(|written| (written, false)).chain([(WRITTEN.len(), true)]);
    for (written, forked) in steps {
        run(|f| async move {
            let gate = f.directory.path().join("gate");
            // Nothing lets the helper go on, as if the agent had been killed before that.
            let helper = gated(f.directory.path(), "/dev/null");
            let (f, was) = interrupted(f, helper, "touch ran").await;
            let id = was.container_id.clone();
            for name in &WRITTEN[written..] {
                std::fs::remove_file(f.runtime(&id).join(name)).unwrap();
            }
            std::fs::write(&gate, "").unwrap();
            f.containerizer.recover(if forked { vec![was] } else { Vec::new() }).await.unwrap();
            let termination = f.containerizer.wait(&id).await.unwrap();
            assert!(termination.is_some() || !forked, "{written}");
            assert!(termination.is_none_or(|end| end.never_ran && end.status.is_none()), "{written}");
            while f.runtime(&id).exists()
                || !processes_with(&f.directory.path().display().to_string()).is_empty()
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert!(!f.sandbox(&id).join("ran").exists(), "{written}");
            f
        });
    }
}

fn command_that_was_let_go_needs_no_agent() {
    for before_recovery in [true, false] {
        run(|f| async move {
            let gate = f.directory.path().join("gate");
            let helper = gated(f.directory.path(), "byte");
            let (f, was) = interrupted(f, helper, "echo out; exit 7").await;
            let id = was.container_id.clone();
            if before_recovery {
                std::fs::write(&gate, "").unwrap();
                while !processes_with(&f.directory.path().display().to_string()).is_empty() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                f.containerizer.recover(vec![was]).await.unwrap();
            } else {
                f.containerizer.recover(vec![was]).await.unwrap();
                std::fs::write(&gate, "").unwrap();
            }
            assert_eq!(f.wait(&id).await, exited(7));
            assert_eq!(f.read(&id, "stdout"), "out\n");
            f
        });
    }
}

fn status_is_kept_on_a_full_disk_as_root() {
    run(|f| async {
        let Some(disk) = SmallDisk::mount(&f.directory.path().join("run"), 1) else { return f };
        let id = ContainerId::from("c");
        f.launch(&id, "while ! [ -e go ]; do sleep 0.01; done; exit 5").await;
        while !f.runtime(&id).join("command_pid").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        disk.fill();
        std::fs::write(f.sandbox(&id).join("go"), "").unwrap();
        assert_eq!(f.wait(&id).await, exited(5));
        f
    });
}
