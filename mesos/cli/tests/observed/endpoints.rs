//! Files, and the endpoints that existed before the v1 API.

use serde_json::{Value, json};

use crate::harness::{Cluster, Framework, command_task, framework_info, get, get_json, until};

fn names(list: &Value, key: &str) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("{list} is no list"));
    list.iter().filter_map(|row| row[key].as_str()).map(str::to_owned).collect()
}

#[test]
fn files_are_read_in_parts_and_listed_with_their_modes() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("files"));
    let command = "umask 022; head -c 200000 /dev/zero | tr '\\0' x > part; mv part big; sleep 1000";
    framework.run(|offer| command_task("task", offer, command));
    let agent = cluster.agent(0);
    let state = get_json(agent, "/state");
    let sandbox =
        state["frameworks"][0]["executors"][0]["directory"].as_str().expect("a directory").to_owned();
    until("the file", || std::fs::metadata(format!("{sandbox}/big")).ok());

    let end = get(agent, &format!("/files/read?path={sandbox}/big&offset=-1"));
    assert_eq!(end.json(), json!({ "data": "", "offset": 200_000 }));
    let mut size = 0;
    loop {
        let part =
            get_json(agent, &format!("/files/read.json?path={sandbox}/big&offset={size}&length=500000"));
        assert_eq!(part["offset"], size);
        let data = part["data"].as_str().expect("data");
        assert!(data.len() <= 65536 && data.bytes().all(|byte| byte == b'x'), "{}", data.len());
        if data.is_empty() {
            break;
        }
        size += data.len();
    }
    assert_eq!(size, 200_000);

    let listed = get_json(agent, &format!("/files/browse?path={sandbox}"));
    let file =
        listed.as_array().expect("a list").iter().find(|file| file["size"] == 200_000).expect("the file");
    assert_eq!(file["path"], format!("{sandbox}/big"));
    assert_eq!((&file["mode"], &file["nlink"]), (&json!("-rw-r--r--"), &json!(1)));
    assert_eq!((&file["uid"], file["gid"].is_string()), (&framework.info["user"], true));
    assert!(file["mtime"].as_f64().is_some_and(|time| time > 1.5e9), "{file}");

    let latest = format!("/framework/{}/executor/task/runs/latest", framework.id());
    for path in [latest.replace("/runs", ""), sandbox.replace(sandbox.rsplit('/').next().unwrap(), "latest")]
    {
        assert_eq!(get(agent, &format!("/files/read?path={path}/big&offset=-1")).status, 200, "{path}");
    }
    for (path, status) in [
        (format!("/files/read?path={sandbox}/absent&offset=0"), 404),
        (format!("/files/read?path={sandbox}/../../../../../../../../../etc/passwd&offset=0"), 404),
        ("/files/read?path=/etc/passwd&offset=0".to_owned(), 404),
        ("/files/read?offset=0".to_owned(), 400),
        (format!("/files/read?path={sandbox}/big&offset=-2"), 400),
        (format!("/files/browse?path={sandbox}/absent"), 404),
    ] {
        assert_eq!(get(agent, &path).status, status, "{path}");
    }
    let whole = get(agent, &format!("/files/download?path={sandbox}/big"));
    assert_eq!((whole.status, whole.body.len()), (200, 200_000));
}

#[test]
fn state_tells_of_frameworks_and_of_their_tasks_that_are_over() {
    let cluster = Cluster::local(1);
    let mut info = framework_info("told");
    info["webui_url"] = "http://told:1234/".into();
    info["hostname"] = "told".into();
    let mut framework = Framework::subscribe(cluster.master(), info);
    let offer = framework.offer();
    let mut task = command_task("task", &offer, "exit 0");
    let ports = json!({ "name": "ports", "type": "RANGES", "ranges": { "range": [{ "begin": 31000, "end": 31000 }] } });
    task["resources"].as_array_mut().unwrap().push(ports);
    framework.launch(&offer, &[task]);
    framework.updates_to_end("task");
    let find = |list: &str| {
        let state = get_json(cluster.master(), "/state");
        state[list].as_array()?.iter().find(|row| row["id"] == framework.id()).cloned()
    };
    let over =
        |row: Value| row["completed_tasks"].as_array().filter(|tasks| !tasks.is_empty()).map(|_| row.clone());
    let row = until("the task to be over", || find("frameworks").and_then(over));
    let task = &row["completed_tasks"][0];
    assert_eq!(task["resources"]["ports"], "[31000-31000]");
    assert_eq!(names(&task["statuses"], "state"), ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
    assert_eq!((&row["webui_url"], &row["hostname"]), (&json!("http://told:1234/"), &json!("told")));
    assert_eq!((&row["active"], row["unregistered_time"].as_f64()), (&json!(true), Some(0.0)));
    framework.teardown();
    let row = until("the framework to be over", || find("completed_frameworks"));
    assert_eq!(row["active"], false);
    assert!(row["unregistered_time"].as_f64().is_some_and(|time| time > 1.5e9), "{row}");
}

#[test]
fn tasks_are_listed_in_parts() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("listed"));
    for number in 0..4 {
        framework.run(|offer| command_task(&format!("task-{number}"), offer, "sleep 1000"));
    }
    let list = |query: &str| names(&get_json(cluster.master(), &format!("/tasks?{query}"))["tasks"], "id");
    assert_eq!(list("order=asc&limit=-1"), ["task-0", "task-1", "task-2", "task-3"]);
    assert_eq!(list("order=asc&limit=2&offset=1"), ["task-1", "task-2"]);
    assert_eq!(list("order=desc&limit=1"), ["task-3"]);
    assert_eq!(list("task_id=task-2"), ["task-2"]);
    assert_eq!(list(&format!("framework_id={}&limit=1&order=asc", framework.id())), ["task-0"]);
    assert!(list("task_id=none").is_empty());
}

#[test]
fn slaves_tell_what_is_reserved_and_where_they_are() {
    let cluster = Cluster::separate(1, &[], &["--resources=cpus(dev):1;cpus:1;mem:512;disk:512"]);
    let slaves = get_json(cluster.master(), "/slaves");
    let slave = &slaves["slaves"][0];
    assert_eq!(slave["pid"], format!("slave(1)@{}", cluster.agent(0)));
    assert_eq!(slave["reserved_resources"]["dev"]["cpus"], 1.0);
    let full = &slave["reserved_resources_full"]["dev"][0];
    assert_eq!((&full["name"], &full["scalar"]["value"]), (&json!("cpus"), &json!(1.0)), "{slave}");
    assert_eq!(slave["unreserved_resources"]["cpus"], 1.0);
}
