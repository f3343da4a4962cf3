//! What a framework can do with offers, tasks and groups beyond the simplest.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    Cluster, Events, Framework, command_task, executor_resources, framework_info, get_json, launch,
    launch_group, post_json, until,
};

fn states(statuses: &[Value]) -> Vec<&str> {
    statuses.iter().filter_map(|status| status["state"].as_str()).collect()
}

#[test]
fn task_that_ignores_sigterm_is_killed_after_its_grace_period() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("grace"));
    let ready = cluster.scratch.join("ready");
    let command = format!("trap '' TERM; touch {ready}; while true; do sleep 0.1; done");
    framework.run(|offer| {
        let mut task = command_task("stubborn", offer, &command);
        task["kill_policy"] = json!({ "grace_period": { "nanoseconds": 1_000_000_000 } });
        task
    });
    until("the task to ignore the signal", || std::fs::metadata(&ready).ok());
    let begin = Instant::now();
    framework.kill("stubborn");
    framework.updates_to("stubborn", "TASK_KILLED");
    let elapsed = begin.elapsed();
    assert!((0.9..10.0).contains(&elapsed.as_secs_f64()), "{elapsed:?}");
}

#[test]
fn offer_is_taken_back_after_its_timeout() {
    let cluster = Cluster::separate(1, &["--offer_timeout=200ms"], &[]);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("slow"));
    let offer = framework.offer();
    assert_eq!(framework.next_of("RESCIND")["offer_id"], offer["id"]);
    framework.launch(&offer, &[command_task("late", &offer, "true")]);
    assert_eq!(framework.update_of("late")["reason"], "REASON_INVALID_OFFERS");
    framework.offer();
}

#[test]
fn failed_task_takes_its_group_along_and_no_other() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("groups"));
    let go = cluster.scratch.join("go");
    let first = |offer: &Value| {
        let failing = format!("while [ ! -e {go} ]; do sleep 0.05; done; exit 1");
        [command_task("failing", offer, &failing), command_task("beside", offer, "sleep 1000")]
    };
    let offer = framework.offer();
    let group = |framework: &Framework, tasks: &[Value]| {
        launch_group(&framework.id, "default", executor_resources(), tasks)
    };
    framework.accept(&offer, &[group(&framework, &first(&offer))]);
    framework.updates_to("failing", "TASK_RUNNING");
    framework.updates_to("beside", "TASK_RUNNING");
    let offer = framework.offer();
    framework.accept(&offer, &[group(&framework, &[command_task("other", &offer, "sleep 1000")])]);
    framework.updates_to("other", "TASK_RUNNING");
    cluster.scratch.file("go", "");
    assert_eq!(states(&framework.updates_to_end("failing")), ["TASK_FAILED"]);
    assert_eq!(states(&framework.updates_to_end("beside")), ["TASK_KILLED"]);
    framework.kill("other");
    assert_eq!(states(&framework.updates_to_end("other")), ["TASK_KILLED"]);
    let failure = framework.next_of("FAILURE");
    assert_eq!((&failure["executor_id"]["value"], &failure["status"]), (&json!("default"), &json!(0)));
}

#[test]
fn volume_outlives_its_task() {
    let cluster = Cluster::local(1);
    let mut info = framework_info("volumes");
    info["roles"] = json!(["data"]);
    info["principal"] = json!("owner");
    info["capabilities"] = json!([{ "type": "MULTI_ROLE" }, { "type": "RESERVATION_REFINEMENT" }]);
    let mut framework = Framework::subscribe(cluster.master(), info);
    let offer = framework.offer();
    let reservations = json!([{ "type": "DYNAMIC", "role": "data", "principal": "owner" }]);
    let disk = json!({ "name": "disk", "type": "SCALAR", "scalar": { "value": 64.0 }, "reservations": reservations });
    let mut volume = disk.clone();
    volume["disk"] = json!({
        "persistence": { "id": "kept", "principal": "owner" },
        "volume": { "mode": "RW", "container_path": "kept" },
    });
    let task = |id: &str, offer: &Value, command: &str| {
        let mut task = command_task(id, offer, command);
        task["resources"].as_array_mut().unwrap().push(volume.clone());
        task
    };
    framework.accept(
        &offer,
        &[
            json!({ "type": "RESERVE", "reserve": { "resources": [disk] } }),
            json!({ "type": "CREATE", "create": { "volumes": [volume] } }),
            launch(&[task("writer", &offer, "echo data > kept/file")]),
        ],
    );
    framework.updates_to("writer", "TASK_FINISHED");
    let holds = |offer: &Value| offer["resources"].to_string().contains("kept");
    let mut offer = framework.offer();
    while !holds(&offer) {
        framework.decline(&[offer], 0.0);
        offer = framework.offer();
    }
    framework.launch(&offer, &[task("reader", &offer, "test $(cat kept/file) = data")]);
    framework.updates_to("reader", "TASK_FINISHED");
    let mut offer = framework.offer();
    while !holds(&offer) {
        framework.decline(&[offer], 0.0);
        offer = framework.offer();
    }
    framework.accept(
        &offer,
        &[
            json!({ "type": "DESTROY", "destroy": { "volumes": [volume] } }),
            json!({ "type": "UNRESERVE", "unreserve": { "resources": [disk] } }),
        ],
    );
    let offer = framework.offer();
    assert!(!offer.to_string().contains("reservations\":[{"), "{offer}");
}

#[test]
fn operator_sees_tasks_and_agents_come_and_go() {
    let mut cluster = Cluster::separate(1, &[], &[]);
    let mut operator = Events::operator(cluster.master());
    let mut framework = Framework::subscribe(cluster.master(), framework_info("watched"));
    let added = operator.next_of("FRAMEWORK_ADDED");
    assert_eq!(added["framework_added"]["framework"]["framework_info"]["name"], "watched");
    framework.run(|offer| command_task("task", offer, "sleep 1000"));
    assert_eq!(operator.next_of("TASK_ADDED")["task_added"]["task"]["task_id"]["value"], "task");
    let mut state = Value::Null;
    while state != "TASK_RUNNING" {
        state = operator.next_of("TASK_UPDATED")["task_updated"]["state"].clone();
    }
    framework.teardown();
    operator.next_of("FRAMEWORK_REMOVED");
    let second = cluster.add_agent(&[]);
    let id = operator.next_of("AGENT_ADDED")["agent_added"]["agent"]["agent_info"]["id"].clone();
    until("the agent to know that it is registered", || {
        (get_json(cluster.agent(second), "/state")["id"] == id["value"]).then_some(())
    });
    cluster.agent_daemon(second).signal(nix::sys::signal::Signal::SIGUSR1);
    assert_eq!(operator.next_of("AGENT_REMOVED")["agent_removed"]["agent_id"], id);
    assert!(cluster.agent_daemon(second).wait().success());
}

#[test]
fn agent_that_is_gone_is_gone_for_good() {
    let mut cluster = Cluster::separate(1, &[], &[]);
    let mut info = framework_info("gone");
    info["capabilities"] = json!([{ "type": "PARTITION_AWARE" }]);
    let mut framework = Framework::subscribe(cluster.master(), info);
    let status = framework.run(|offer| command_task("task", offer, "sleep 1000"));
    let call = json!({ "type": "MARK_AGENT_GONE", "mark_agent_gone": { "agent_id": status["agent_id"] } });
    assert_eq!(post_json(cluster.master(), "/api/v1", &call).status, 200);
    let last = framework.updates_to_end("task").pop().unwrap();
    let seen = [&last["state"], &last["reason"]];
    assert_eq!(seen, [&json!("TASK_GONE_BY_OPERATOR"), &json!("REASON_AGENT_REMOVED_BY_OPERATOR")]);
    cluster.agent_daemon(0).wait();
    assert_eq!(post_json(cluster.master(), "/api/v1", &call).status, 200, "it is gone already");
}

#[test]
fn resources_that_are_declined_come_back_after_the_filter() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("filters"));
    let offer = framework.offer();
    let begin = Instant::now();
    framework.decline(&[offer], 2.0);
    framework.offer();
    assert!(begin.elapsed() > Duration::from_millis(1900), "{:?}", begin.elapsed());
}
