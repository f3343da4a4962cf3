//! The endpoints that came before the v1 API.

use libprocess::Future;
use libprocess::http::Method;
use mesos_registrar::{Registrar, Storage, Stored};
use serde_json::{Value, json};

use crate::peer::{Peer, task, update};
use crate::rig::Rig;

/// A storage that never answers.
struct Silent;

impl Storage for Silent {
    fn fetch(&self) -> Future<bytes::Bytes> {
        let promise = libprocess::Promise::new();
        let future = promise.future();
        std::mem::forget(promise);
        future
    }

    fn store(&self, _contents: bytes::Bytes) -> Future<Stored> {
        Future::failed("no registry")
    }
}

#[tokio::test]
async fn calls_wait_for_the_registry_and_plain_reads_do_not() {
    let silent =
        |node: &libprocess::Node| Registrar::start(node, Silent, mesos_registrar::Options::default());
    let rig = Rig::with_registrar(silent).await;
    for path in ["/api/v1", "/api/v1/scheduler", "/master/api/v1/scheduler"] {
        let answer = rig.get(path).await;
        assert_eq!((answer.status, answer.text()), (503, "Master has not finished recovery"));
    }
    let form = b"frameworkId=f".to_vec();
    assert_eq!(rig.ask(Method::POST, "/teardown", &[], form).await.status, 503);
    for path in ["/health", "/flags", "/version", "/state"] {
        assert_eq!(rig.get(path).await.status, 200, "{path}");
    }
    assert!(rig.get("/state").await.json().get("elected_time").is_none());
    let mut agent = Peer::start(&rig, "slave(1)").await;
    agent.send(crate::peer::register("cpus:1"));
    agent.round_trip(&rig).await;
    assert_eq!(rig.metric("master/dropped_messages").await, Some(1.0));
    rig.node.shutdown().await;
}

#[tokio::test]
async fn master_that_cannot_read_its_registry_ends_and_says_why() {
    struct Broken;
    impl Storage for Broken {
        fn fetch(&self) -> Future<bytes::Bytes> {
            Future::failed("the disk is on fire")
        }

        fn store(&self, _contents: bytes::Bytes) -> Future<Stored> {
            Future::failed("the disk is on fire")
        }
    }
    let broken =
        |node: &libprocess::Node| Registrar::start(node, Broken, mesos_registrar::Options::default());
    let mut rig = Rig::with_registrar(broken).await;
    let reason = rig.master.wait().await.unwrap_err();
    assert!(reason.contains("registry") && reason.contains("on fire"), "{reason}");
    rig.node.shutdown().await;
}

#[tokio::test]
async fn paths_work_with_and_without_the_name_and_the_ending() {
    let rig = Rig::start().await;
    rig.recovered().await;
    for path in [
        "/state",
        "/master/state",
        "/state.json",
        "/master/state.json",
        "/master/state-summary",
        "/slaves",
        "/frameworks",
        "/tasks",
        "/tasks.json",
        "/roles",
        "/master/roles.json",
        "/flags",
        "/master/health",
        "/state?x=y",
    ] {
        assert_eq!(rig.get(path).await.status, 200, "{path}");
    }
    let missing = rig.get("/master/frameworks/").await;
    assert_eq!((missing.status, missing.text()), (404, ""));
    assert_eq!(rig.get("/master/nothing").await.status, 404);
    let jsonp = rig.get("/master/state?jsonp=cb").await;
    assert!(jsonp.text().starts_with("cb({") && jsonp.text().ends_with("});"), "{}", jsonp.text());
    assert_eq!(jsonp.headers["content-type"], "text/javascript");
    rig.node.shutdown().await;
}

#[tokio::test]
async fn leader_redirects_to_itself() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let here = format!("//127.0.0.1:{}", rig.node.address().port());
    for (method, path) in [(Method::HEAD, "/master/redirect"), (Method::GET, "/redirect")] {
        let answer = rig.ask(method, path, &[], Vec::new()).await;
        assert_eq!(answer.status, 307);
        assert_eq!(answer.headers["location"], here.as_str());
    }
    assert_eq!(rig.get("/redirect/further").await.status, 404);
    assert_eq!(rig.get("/master/redirect/further").await.status, 404);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn state_of_an_empty_master_has_all_keys() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let state = rig.get("/state").await.json();
    for key in ["version", "build_date", "build_user", "id", "pid", "hostname", "leader"] {
        assert!(state[key].is_string(), "{key}: {state}");
    }
    for key in [
        "build_time",
        "start_time",
        "elected_time",
        "activated_slaves",
        "deactivated_slaves",
        "unreachable_slaves",
    ] {
        assert!(state[key].is_f64(), "{key}: {state}");
    }
    for key in [
        "slaves",
        "recovered_slaves",
        "frameworks",
        "completed_frameworks",
        "orphan_tasks",
        "unregistered_frameworks",
    ] {
        assert_eq!(state[key], json!([]), "{key}");
    }
    assert_eq!(state["leader"], state["pid"]);
    assert_eq!(state["capabilities"], json!(["AGENT_UPDATE"]));
    let leader = &state["leader_info"];
    assert_eq!((&leader["id"], &leader["pid"]), (&state["id"], &state["pid"]));
    assert_eq!(state["flags"]["agent_ping_timeout"], "15secs");
    assert_eq!(rig.get("/flags").await.json()["flags"], state["flags"]);
    rig.node.shutdown().await;
}

/// Runs two tasks to their end and leaves a third running.
async fn with_tasks(rig: &Rig) -> (Peer, crate::rig::Scheduler) {
    use mesos_api::v1::TaskState;
    let (agent, agent_id) = Peer::agent(rig, "cpus:4;mem:4096;disk:1024;ports:[31000-31005]").await;
    let mut scheduler = rig.framework().await;
    let offer = scheduler.offer().await;
    let mut tasks = vec![task("a", &offer, 1.0), task("b", &offer, 1.0), task("c", &offer, 1.0)];
    tasks[2]["resources"].as_array_mut().unwrap().push(json!(
        {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 31000, "end": 31000}]}}));
    rig.launch(&scheduler, &offer, json!(tasks)).await;
    let framework = scheduler.framework_id["value"].as_str().unwrap().to_owned();
    for (time, id, state) in [
        (3.0, "a", TaskState::TaskRunning),
        (1.0, "b", TaskState::TaskRunning),
        (2.0, "c", TaskState::TaskRunning),
        (4.0, "a", TaskState::TaskFinished),
    ] {
        let mut message = update(&agent, &agent_id, &framework, id, state);
        message.update.status.timestamp = Some(time);
        message.update.timestamp = time;
        agent.send(message);
        let update = scheduler.events.expect("UPDATE").await["update"]["status"].clone();
        rig.call(
            &scheduler,
            json!({"type": "ACKNOWLEDGE", "acknowledge": {"agent_id": update["agent_id"],
                "task_id": update["task_id"], "uuid": update["uuid"]}}),
        )
        .await;
    }
    (agent, scheduler)
}

#[tokio::test]
async fn framework_is_shown_with_its_tasks() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (agent, scheduler) = with_tasks(&rig).await;
    let framework = rig.get("/state").await.json()["frameworks"][0].clone();
    assert_eq!(framework["id"], scheduler.framework_id["value"]);
    assert!(framework.get("pid").is_none());
    for (key, value) in [
        ("name", json!("test")),
        ("user", json!("u")),
        ("active", json!(true)),
        ("connected", json!(true)),
        ("recovered", json!(false)),
        ("role", json!("*")),
        ("webui_url", json!("")),
        ("hostname", json!("")),
        ("failover_timeout", json!(0.0)),
        ("checkpoint", json!(false)),
        ("unregistered_time", json!(0.0)),
        ("unreachable_tasks", json!([])),
        ("executors", json!([])),
    ] {
        assert_eq!(framework[key], value, "{key}: {framework}");
    }
    assert_eq!(framework["used_resources"]["cpus"], 2.0);
    let completed = &framework["completed_tasks"][0];
    assert_eq!((&completed["id"], &completed["state"]), (&json!("a"), &json!("TASK_FINISHED")));
    let states: Vec<&Value> =
        completed["statuses"].as_array().unwrap().iter().map(|status| &status["state"]).collect();
    assert_eq!(states, ["TASK_RUNNING", "TASK_FINISHED"]);
    let tasks = framework["tasks"].as_array().unwrap();
    let with_ports = tasks.iter().find(|task| task["id"] == "c").unwrap();
    assert_eq!(with_ports["resources"]["ports"], "[31000-31000]");
    assert_eq!(with_ports["executor_id"], "");

    let agent_shown = rig.get("/slaves").await.json()["slaves"][0].clone();
    assert_eq!(agent_shown["pid"], agent.upid().to_string());
    assert_eq!(agent_shown["used_resources"]["cpus"], 2.0);
    assert_eq!(agent_shown["resources"]["ports"], "[31000-31005]");
    for key in ["unreserved_resources_full", "used_resources_full", "offered_resources_full"] {
        assert!(agent_shown[key].is_array(), "{key}: {agent_shown}");
    }
    let summary = rig.get("/state-summary").await.json();
    for side in ["slaves", "frameworks"] {
        assert_eq!(
            (&summary[side][0]["TASK_RUNNING"], &summary[side][0]["TASK_FINISHED"]),
            (&json!(2), &json!(1))
        );
    }
    assert_eq!(summary["slaves"][0]["framework_ids"], json!([scheduler.framework_id["value"]]));
    assert_eq!(summary["frameworks"][0]["slave_ids"], json!([agent_shown["id"]]));
    let roles = rig.get("/roles").await.json();
    assert_eq!(roles["roles"][0]["frameworks"], json!([scheduler.framework_id["value"]]));
    rig.node.shutdown().await;
}

#[tokio::test]
async fn tasks_are_paged_by_the_time_of_their_first_status() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (_agent, scheduler) = with_tasks(&rig).await;
    let id = scheduler.framework_id["value"].as_str().unwrap();
    let check = async |query: &str, expected: &[&str]| {
        let tasks = rig.get(&format!("/tasks{query}")).await.json();
        let ids: Vec<&str> =
            tasks["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    };
    check("", &["a", "c", "b"]).await;
    check("?order=asc", &["b", "c", "a"]).await;
    check("?order=asc&limit=2&offset=1", &["c", "a"]).await;
    check("?limit=1", &["a"]).await;
    check("?limit=-1&order=asc", &["b", "c", "a"]).await;
    check("?offset=7", &[]).await;
    check("?task_id=c", &["c"]).await;
    check(&format!("?framework_id={id}&task_id=b"), &["b"]).await;
    check("?framework_id=nobody", &[]).await;
    let one = rig.get(&format!("/frameworks?framework_id={id}")).await.json();
    assert_eq!(one["frameworks"].as_array().unwrap().len(), 1);
    assert_eq!(rig.get("/frameworks?framework_id=nobody").await.json()["frameworks"], json!([]));
    assert_eq!(rig.get("/slaves?slave_id=nobody").await.json()["slaves"], json!([]));
    rig.node.shutdown().await;
}

#[tokio::test]
async fn framework_is_torn_down_by_a_form() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let scheduler = rig.framework().await;
    let post =
        async |form: &str| rig.ask(Method::POST, "/master/teardown", &[], form.as_bytes().to_vec()).await;
    assert_eq!(rig.get("/teardown").await.status, 405);
    assert!(post("").await.text().contains("frameworkId"));
    assert_eq!(post("frameworkId=nobody").await.status, 400);
    let id = scheduler.framework_id["value"].as_str().unwrap();
    let done = post(&format!("frameworkId={id}")).await;
    assert_eq!((done.status, done.text()), (200, ""));
    assert_eq!(rig.get("/frameworks").await.json()["completed_frameworks"][0]["id"], id);
    rig.node.shutdown().await;
}

/// Who reads does so from one moment of the cluster, whatever happens meanwhile.
#[tokio::test]
async fn reads_during_changes_see_one_moment_each() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let read = async {
        let mut seen = 0;
        while seen < 30 {
            let state = rig.operator(json!({"type": "GET_STATE"})).await["get_state"].clone();
            let frameworks = state["get_frameworks"]["frameworks"].as_array().map_or(0, Vec::len);
            assert!(frameworks >= seen, "{frameworks} after {seen}");
            seen = frameworks;
        }
    };
    let change = async {
        let mut schedulers = Vec::new();
        for count in 1..=30 {
            schedulers.push(rig.framework().await);
            // It was told that it is subscribed: everybody sees it.
            let state = rig.get("/state").await.json();
            assert_eq!(state["frameworks"].as_array().unwrap().len(), count);
        }
        schedulers
    };
    let (_, schedulers) = tokio::join!(read, change);
    assert_eq!(schedulers.len(), 30);
    rig.node.shutdown().await;
}
