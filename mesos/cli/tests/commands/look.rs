//! Commands that look into a cluster.

use nix::sys::signal::Signal;
use serde_json::Value;

use super::call;
use crate::harness::{Cluster, Daemon, Framework, command_task, framework_info, mesos, shared, until};

#[test]
fn agents_are_listed_as_text_and_as_the_master_gives_them() {
    let cluster = shared();
    let table = call(&cluster.scratch, &["agents", "--master", cluster.master()]);
    assert_eq!(table.code, Some(0), "{}", table.stderr);
    let lines: Vec<_> = table.stdout.lines().collect();
    assert!(lines[0].starts_with("ID ") && lines.len() == 3, "{}", table.stdout);
    assert!(lines[1].contains("cpus:2"), "{}", table.stdout);
    let json = call(&cluster.scratch, &["agents", "--json", "--master", cluster.master()]);
    let answer: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(answer["type"], "GET_AGENTS");
    let agents = answer["get_agents"]["agents"].as_array().expect("agents");
    assert_eq!(agents.len(), 2);
    for agent in agents {
        let id = agent["agent_info"]["id"]["value"].as_str().expect("an id");
        assert!(table.stdout.contains(id), "{}", table.stdout);
    }
}

#[test]
fn agent_that_is_named_as_the_master_is_none() {
    let cluster = shared();
    for command in ["agents", "frameworks", "tasks"] {
        for more in [&[][..], &["--json"]] {
            let arguments = [&[command, "--master", cluster.agent(0)][..], more].concat();
            let told = call(&cluster.scratch, &arguments);
            assert_eq!((told.code, told.stdout.as_str()), (Some(1), ""), "{arguments:?}");
            assert!(told.stderr.contains("(--master) is none"), "{}", told.stderr);
        }
    }
}

#[test]
fn sandbox_of_a_task_is_listed_printed_and_followed() {
    let cluster = Cluster::local(1);
    let master = cluster.master();
    let mut framework = Framework::subscribe(master, framework_info("look"));
    let more = cluster.scratch.join("more");
    let command = format!(
        "seq 1 20; echo data > file; mkdir dir; while [ ! -e {more} ]; do sleep 0.05; done; echo more; sleep 1000"
    );
    framework.run(|offer| command_task("look-1", offer, &command));
    let look = |arguments: &[&str]| {
        let done = call(
            &cluster.scratch,
            &[&arguments[..1], &["--master", master, "look"], &arguments[1..]].concat(),
        );
        assert_eq!(done.code, Some(0), "{arguments:?}: {}", done.stderr);
        done.stdout
    };
    until("the task to write", || look(&["ls"]).contains("dir/").then_some(()));
    let names: Vec<_> =
        look(&["ls"]).lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
    for name in ["NAME", "stdout", "stderr", "file", "dir/"] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
    let listed: Value = serde_json::from_str(&look(&["ls", "--json"])).expect("JSON");
    assert_eq!(listed["type"], "LIST_FILES");
    let file = look(&["ls", "/file"]);
    assert!(file.lines().count() == 2 && file.ends_with(" 5     file\n"), "{file:?}");
    assert_eq!(look(&["ls", "dir"]).lines().count(), 1);
    let listed: Value = serde_json::from_str(&look(&["ls", "file", "--json"])).expect("JSON");
    assert_eq!(listed["list_files"]["file_infos"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(look(&["cat", "file"]), "data\n");
    assert_eq!(look(&["tail", "-n", "2"]), "19\n20\n");
    assert!(look(&["cat"]).ends_with("\n19\n20\n"));

    let mut command = mesos(&cluster.scratch);
    command.args(["tail", "--master", master, "-f", "-n", "1", "look-1"]);
    let mut tail = Daemon::spawn(&cluster.scratch, "tail", command);
    tail.until_printed("the last line", |output| (output == "20\n").then_some(()));
    cluster.scratch.file("more", "");
    tail.until_printed("the line that came later", |output| (output == "20\nmore\n").then_some(()));
    tail.signal(Signal::SIGINT);
    assert_eq!(tail.wait().code(), Some(0), "{}", tail.log());

    let tasks = call(&cluster.scratch, &["tasks", "--master", master]);
    let lines: Vec<_> = tasks.stdout.lines().collect();
    assert!(
        lines.len() == 2 && lines[1].starts_with("look-1") && lines[1].contains("TASK_RUNNING"),
        "{lines:?}"
    );
    let frameworks = call(&cluster.scratch, &["frameworks", "--master", master]);
    assert!(frameworks.stdout.contains(framework.id()), "{}", frameworks.stdout);
    framework.kill("look-1");
    framework.updates_to("look-1", "TASK_KILLED");
    assert_eq!(call(&cluster.scratch, &["tasks", "--master", master]).stdout.lines().count(), 1);
    let all = call(&cluster.scratch, &["tasks", "--all", "--master", master]);
    assert!(all.stdout.contains("TASK_KILLED"), "{}", all.stdout);
}

#[test]
fn what_is_not_there_is_named() {
    let cluster = shared();
    let task = call(&cluster.scratch, &["cat", "--master", cluster.master(), "no-such-task"]);
    assert_eq!(task.code, Some(1));
    assert!(task.stderr.contains("no-such-task"), "{}", task.stderr);
    let master = call(&cluster.scratch, &["agents", "--master", "127.0.0.1:1"]);
    assert_eq!(master.code, Some(1));
    assert!(master.stderr.contains("127.0.0.1:1"), "{}", master.stderr);
}
