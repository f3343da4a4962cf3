//! A full disk.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::harness::{
    Cluster, Executor, Framework, Scratch, command_task, executor_task, framework_info, processes_of,
    task_id, until,
};

/// A small file system of its own, gone when this is dropped.
struct SmallDisk {
    scratch: Scratch,
}

impl SmallDisk {
    /// None where one may not be made, which is said.
    fn mount(megabytes: u32) -> Option<Self> {
        let scratch = Scratch::new();
        let disk = Self { scratch };
        fs::create_dir(disk.path()).expect("a directory");
        let size = format!("size={megabytes}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(disk.path()).output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) {
            return Some(disk);
        }
        println!("skipped: a tmpfs cannot be mounted here, which takes root");
        None
    }

    fn path(&self) -> PathBuf {
        self.scratch.path().join("disk")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        for pid in processes_of(self.scratch.path()) {
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).output();
    }
}

fn fill_files(directory: &std::path::Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let kind = entry.file_type();
        if kind.as_ref().is_ok_and(|kind| kind.is_dir()) {
            fill_files(&entry.path(), found);
        } else if kind.is_ok_and(|kind| kind.is_file()) && entry.file_name() == "fill" {
            found.push(entry.path());
        }
    }
}

/// A task fills the disk of the agent while another one ends. Once there is room again, its end is told; what was
/// acknowledged before still holds.
#[test]
fn nothing_is_lost_while_the_disk_is_full_as_root() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let mut cluster = Cluster::separate(0, &[], &[]);
    let work_dir = format!("--work_dir={}", disk.path().join("work").display());
    cluster.add_agent(&[&work_dir, "--gc_disk_headroom=0"]);
    cluster.until_agents(1);
    let mut info = framework_info("full");
    info["checkpoint"] = true.into();
    let mut framework = Framework::subscribe(cluster.master(), info);
    let offer = framework.offer();
    framework.launch(&offer, &[executor_task("ending", &offer, "own", Executor::COMMAND)]);
    let mut executor = Executor::subscribe(cluster.agent(0), &framework.id, "own");
    executor.next_of("LAUNCH");
    let running = executor.update("ending", "TASK_RUNNING");
    assert_eq!(framework.update_of("ending")["uuid"], running);
    assert_eq!(executor.next_of("ACKNOWLEDGED")["uuid"], running);
    let full = cluster.scratch.join("full");
    let fill = cluster.scratch.join("fill");
    let filling =
        format!("while [ ! -e {fill} ]; do sleep 0.05; done; cat /dev/zero > fill; touch {full}; sleep 1000");
    framework.run(|offer| command_task("filling", offer, &filling));
    cluster.scratch.file("fill", "");
    until("the disk to be full", || fs::metadata(&full).ok());

    // More than what is left of the last page of the file that the agent keeps.
    let finished = executor.update_with("ending", "TASK_FINISHED", &"x".repeat(16 << 10));
    until("the agent to notice, or to be done", || {
        let log = cluster.agent_daemon(0).log();
        (log.contains("os error 28") || !cluster.agent_daemon(0).is_running()).then_some(())
    });
    // A task that is launched meanwhile cannot be: it is told so, and nobody else is harmed.
    let offer = framework.offer();
    framework.launch(&offer, &[command_task("unlucky", &offer, "true")]);

    let mut files = Vec::new();
    fill_files(&disk.path(), &mut files);
    assert_eq!(files.len(), 1, "{files:?}");
    files.iter().for_each(|file| fs::File::create(file).map(drop).expect("a file that can be emptied"));
    if !cluster.agent_daemon(0).is_running() {
        cluster.restart_agent(0);
    }
    let statuses = framework.updates_to_end("ending");
    assert!(statuses.iter().all(|status| status["uuid"] == finished), "{statuses:?}");
    framework.updates_to_end("unlucky");
    let tasks = json!([{ "task_id": task_id("filling") }]);
    framework.call(json!({ "type": "RECONCILE", "reconcile": { "tasks": tasks } }));
    assert_eq!(framework.update_of("filling")["state"], "TASK_RUNNING");
}
