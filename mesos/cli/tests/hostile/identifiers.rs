//! Ids and offers that cannot be.

use serde_json::{Value, json};

use crate::harness::{Cluster, Framework, command_task, executor_task, framework_info, task_id};

#[track_caller]
fn assert_invalid(framework: &mut Framework, id: &str) {
    let status = framework.update_of(id);
    let seen = [&status["state"], &status["reason"], &status["source"]];
    let expected = ["TASK_ERROR", "REASON_TASK_INVALID", "SOURCE_MASTER"].map(Value::from);
    assert_eq!(seen, [&expected[0], &expected[1], &expected[2]], "{status}");
    assert!(status["message"].as_str().is_some_and(|text| !text.is_empty()), "{status}");
}

/// Each is an error of its own; the good task beside them runs.
#[test]
fn task_ids_that_could_not_be_a_file_are_errors() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("ids"));
    let long = "x".repeat(256);
    let bad = ["a/b", "/", "..", ".", "a\\b", "a\u{1}b", "", long.as_str(), "../../../tmp/escaped"];
    let offer = framework.offer();
    let mut tasks: Vec<_> = bad.iter().map(|id| command_task(id, &offer, "true")).collect();
    tasks.push(command_task("good", &offer, "true"));
    framework.launch(&offer, &tasks);
    for id in bad {
        assert_invalid(&mut framework, id);
    }
    framework.updates_to("good", "TASK_FINISHED");
    let longest = "y".repeat(200);
    let offer = framework.offer();
    framework.launch(&offer, &[command_task(&longest, &offer, "true")]);
    framework.updates_to(&longest, "TASK_FINISHED");
}

#[test]
fn executor_ids_that_could_not_be_a_file_are_errors() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("executors"));
    let long = "x".repeat(256);
    for (number, executor) in ["a/b", "..", "", long.as_str()].into_iter().enumerate() {
        let offer = framework.offer();
        let id = format!("task-{number}");
        framework.launch(&offer, &[executor_task(&id, &offer, executor, "true")]);
        assert_invalid(&mut framework, &id);
    }
}

#[test]
fn tasks_that_make_no_sense_are_errors() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("senseless"));
    let offer = framework.offer();
    let make = |id: &str, change: &dyn Fn(&mut Value)| {
        let mut task = command_task(id, &offer, "true");
        change(&mut task);
        task
    };
    let scalar = |value: f64| json!([{ "name": "cpus", "type": "SCALAR", "scalar": { "value": value } }]);
    let executor = executor_task("x", &offer, "own", "true")["executor"].clone();
    let tasks = [
        make("without resources", &|task| task["resources"] = json!([])),
        make("negative", &|task| task["resources"] = scalar(-1.0)),
        make("zero", &|task| task["resources"] = scalar(0.0)),
        make("too large", &|task| task["resources"] = scalar(1e18)),
        make("both", &|task| task["executor"] = executor.clone()),
        make("neither", &|task| task["command"] = json!(null)),
        make("elsewhere", &|task| task["agent_id"] = task_id("another-agent")),
        make("grace", &|task| task["kill_policy"] = json!({ "grace_period": { "nanoseconds": -1 } })),
    ];
    framework.launch(&offer, &tasks);
    for task in &tasks {
        assert_invalid(&mut framework, task["task_id"]["value"].as_str().expect("an id"));
    }
    framework.run(|offer| command_task("sensible", offer, "sleep 1000"));
}

#[test]
fn id_of_a_live_task_is_not_given_twice() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("twice"));
    framework.run(|offer| command_task("task", offer, "sleep 1000"));
    let offer = framework.offer();
    framework.launch(&offer, &[command_task("task", &offer, "true")]);
    assert_invalid(&mut framework, "task");
    let offer = framework.offer();
    let twice = [command_task("pair", &offer, "sleep 1000"), command_task("pair", &offer, "sleep 1000")];
    framework.launch(&offer, &twice);
    let mut states = Vec::new();
    while !(states.contains(&"TASK_RUNNING".to_owned()) && states.contains(&"TASK_ERROR".to_owned())) {
        let status = framework.update_of("pair");
        states.push(status["state"].as_str().expect("a state").to_owned());
    }
    assert_eq!(states.iter().filter(|state| *state == "TASK_ERROR").count(), 1, "{states:?}");
}

#[test]
fn offers_that_are_not_there_lose_their_tasks() {
    let cluster = Cluster::local(2);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("offers"));
    let offers = crate::harness::until("offers of both agents", || {
        let offers = framework.next_of("OFFERS")["offers"].as_array().expect("offers").clone();
        if offers.len() == 2 {
            return Some(offers);
        }
        framework.decline(&offers, 0.0);
        None
    });
    let unknown = task_id("no-such-offer");
    let ids = offers.iter().map(|offer| offer["id"].clone()).collect::<Vec<_>>();
    for (id, offer_ids) in [
        ("unknown", vec![unknown.clone()]),
        ("one unknown", vec![ids[0].clone(), unknown]),
        ("two agents", ids.clone()),
        ("none", vec![]),
    ] {
        let operation = crate::harness::launch(&[command_task(id, &offers[0], "true")]);
        let accept = json!({ "offer_ids": offer_ids, "operations": [operation], "filters": { "refuse_seconds": 0.0 } });
        framework.call(json!({ "type": "ACCEPT", "accept": accept }));
        let status = framework.update_of(id);
        let seen = [&status["state"], &status["reason"]];
        assert_eq!(seen, [&json!("TASK_LOST"), &json!("REASON_INVALID_OFFERS")], "{status}");
    }
    // The good ones among them went back.
    framework.offer();
}

#[test]
fn calls_about_what_is_not_there_change_nothing() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("nothing"));
    let status = framework.run(|offer| command_task("task", offer, "sleep 1000"));
    let agent = task_id("no-such-agent");
    for call in [
        json!({ "type": "DECLINE", "decline": { "offer_ids": [task_id("no-such-offer")] } }),
        json!({ "type": "SHUTDOWN", "shutdown": { "executor_id": task_id("nobody"), "agent_id": agent } }),
        json!({ "type": "MESSAGE", "message": { "executor_id": task_id("nobody"), "agent_id": agent, "data": "" } }),
        json!({ "type": "ACKNOWLEDGE", "acknowledge": { "agent_id": agent, "task_id": task_id("task"),
            "uuid": status["uuid"] } }),
        json!({ "type": "ACKNOWLEDGE", "acknowledge": { "agent_id": status["agent_id"], "task_id": task_id("other"),
            "uuid": status["uuid"] } }),
        json!({ "type": "KILL", "kill": { "task_id": task_id("task"), "agent_id": agent } }),
        json!({ "type": "SUPPRESS", "suppress": { "roles": ["no-such-role"] } }),
    ] {
        let answer = framework.try_call(call.clone());
        assert!([202, 400].contains(&answer.status), "{call}: {}", answer.text());
    }
    framework.kill("no-such-task");
    assert_eq!(framework.update_of("no-such-task")["state"], "TASK_LOST");
    framework.kill("task");
    framework.updates_to("task", "TASK_KILLED");
}
