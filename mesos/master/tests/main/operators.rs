//! The v1 API of operators.

use std::time::Duration;

use libprocess::http::Method;
use mesos_api::v1::master::{Call, Response, call};
use mesos_master::Flags;
use serde_json::{Value, json};

use crate::peer::Peer;
use crate::rig::{JSON, Rig};

const PATH: &str = "/api/v1";

fn call(r#type: &str) -> Value {
    json!({ "type": r#type })
}

#[tokio::test]
async fn request_is_refused_by_the_first_check_that_fails() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let check = async |headers: &[(&str, &str)], body: &str, status: u16, part: &str| {
        let answer = rig.ask(Method::POST, PATH, headers, body.as_bytes().to_vec()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(answer.text().contains(part), "{body}: {}", answer.text());
    };
    assert_eq!(rig.get(PATH).await.status, 405);
    check(&[], "{}", 400, "Content-Type").await;
    check(&[("Content-Type", "text/plain")], "{}", 415, "application/json").await;
    check(&[JSON[0], ("Accept", "text/html")], r#"{"type":"GET_HEALTH"}"#, 406, "Accept").await;
    check(JSON, "{}", 400, "'type'").await;
    check(JSON, "garbage", 400, "").await;
    check(JSON, r#"{"type":"UNKNOWN"}"#, 501, "UNKNOWN").await;
    check(JSON, r#"{"type":"TEARDOWN"}"#, 400, "'teardown'").await;
    // The longest prefix that is routed answers.
    assert_eq!(rig.post("/api/v1/operator", &call("GET_HEALTH")).await.status, 200);
    assert_eq!(rig.post("/master/api/v1?x=y", &call("GET_HEALTH")).await.status, 200);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn what_the_master_says_of_itself() {
    let flags = Flags { cluster: Some("c".into()), ..Flags::default() };
    let rig = Rig::with(libprocess::Clock::system(), flags, |_| {}).await;
    rig.recovered().await;
    assert_eq!(rig.operator(call("GET_HEALTH")).await["get_health"]["healthy"], true);
    let version = rig.operator(call("GET_VERSION")).await;
    assert!(version["get_version"]["version_info"]["version"].as_str().unwrap().starts_with("1.5"));
    let master = rig.operator(call("GET_MASTER")).await["get_master"].clone();
    assert_eq!(master["master_info"]["id"], rig.master.info().id);
    assert!(master["start_time"].as_f64().unwrap() <= master["elected_time"].as_f64().unwrap());
    let flags = rig.operator(call("GET_FLAGS")).await["get_flags"]["flags"].clone();
    assert!(flags.as_array().unwrap().contains(&json!({"name": "cluster", "value": "c"})), "{flags}");
    let metrics = rig.operator(json!({"type": "GET_METRICS", "get_metrics": {}})).await;
    let metrics = metrics["get_metrics"]["metrics"].as_array().unwrap().clone();
    assert!(metrics.contains(&json!({"name": "master/elected", "value": 1.0})));
    rig.node.shutdown().await;
}

#[tokio::test]
async fn log_is_turned_up_for_a_while() {
    let rig = Rig::paused(Flags::default()).await;
    let set = json!({"type": "SET_LOGGING_LEVEL",
        "set_logging_level": {"level": 2, "duration": {"nanoseconds": 5_000_000_000_u64}}});
    rig.operator_ok(set).await;
    assert_eq!(rig.operator(call("GET_LOGGING_LEVEL")).await["get_logging_level"]["level"], 2);
    rig.node.clock().advance(Duration::from_secs(5)).await;
    assert_eq!(rig.operator(call("GET_LOGGING_LEVEL")).await["get_logging_level"]["level"], 0);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn files_are_listed_and_read() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("master.log");
    std::fs::write(&log, "hello").unwrap();
    let mut flags = Flags::default();
    flags.logging.external_log_file = Some(log);
    let rig = Rig::with(libprocess::Clock::system(), flags, |_| {}).await;
    rig.recovered().await;
    let read = json!({"type": "READ_FILE", "read_file": {"path": "/master/log", "offset": 1, "length": 3}});
    let read = rig.operator(read).await;
    assert_eq!(read["read_file"], json!({"size": 5, "data": "ZWxs"}));
    let missing = json!({"type": "READ_FILE", "read_file": {"path": "/none", "offset": 0}});
    assert_eq!(rig.post(PATH, &missing).await.status, 404);
    let list = json!({"type": "LIST_FILES", "list_files": {"path": "/none"}});
    assert_eq!(rig.post(PATH, &list).await.status, 404);
    rig.node.shutdown().await;
}

/// Everything that shows the cluster, in both forms.
#[tokio::test]
async fn protobuf_and_json_say_the_same() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (_agent, _) = Peer::agent(&rig, "cpus:2;mem:1024;disk(web):1024;ports:[31000-31005]").await;
    let mut scheduler = rig.framework().await;
    let offer = scheduler.offer().await;
    rig.launch(&scheduler, &offer, json!([crate::peer::task("t", &offer, 0.5)])).await;
    use call::Type;
    for r#type in [
        Type::GetState,
        Type::GetAgents,
        Type::GetFrameworks,
        Type::GetExecutors,
        Type::GetTasks,
        Type::GetRoles,
        Type::GetMaster,
        Type::GetFlags,
        Type::GetMaintenanceSchedule,
        Type::GetMaintenanceStatus,
    ] {
        let call = Call { r#type: Some(r#type as i32), ..Call::default() };
        let body = mesos_api::protobuf::encode(&call);
        let headers = [("Content-Type", "application/x-protobuf"), ("Accept", "application/x-protobuf")];
        let answer = rig.ask(Method::POST, PATH, &headers, body).await;
        assert_eq!(answer.headers["content-type"], "application/x-protobuf");
        let from_protobuf: Response = mesos_api::protobuf::decode(&answer.body).unwrap();
        let answer = rig.post(PATH, &json!({"type": r#type.as_str_name()})).await;
        assert_eq!(mesos_api::json::to_string(&from_protobuf), answer.text());
        assert_eq!(answer.json()["type"], r#type.as_str_name());
    }
    let state = rig.operator(call("GET_STATE")).await["get_state"].clone();
    let agent = &state["get_agents"]["agents"][0];
    assert_eq!(agent["agent_info"]["id"], offer["agent_id"]);
    assert!(agent["allocated_resources"].to_string().contains("0.5"), "{agent}");
    assert_eq!(state["get_tasks"]["tasks"][0]["task_id"]["value"], "t");
    assert_eq!(state["get_frameworks"]["frameworks"][0]["active"], true);
    let roles = rig.operator(call("GET_ROLES")).await["get_roles"]["roles"].clone();
    assert_eq!((&roles[0]["name"], &roles[0]["weight"]), (&json!("*"), &json!(1.0)));
    assert_eq!(roles[0]["frameworks"], json!([scheduler.framework_id]));
    rig.node.shutdown().await;
}

#[tokio::test]
async fn agent_is_marked_gone_once_and_for_all() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (mut agent, id) = Peer::agent(&rig, "cpus:2;mem:1024").await;
    let gone = |id: &str| json!({"type": "MARK_AGENT_GONE", "mark_agent_gone": {"agent_id": {"value": id}}});
    assert_eq!(rig.post(PATH, &gone("nobody")).await.status, 404);
    rig.operator_ok(gone(&id)).await;
    let _: mesos_api::internal::ShutdownMessage = agent.expect().await;
    rig.operator_ok(gone(&id)).await;
    assert!(rig.operator(call("GET_AGENTS")).await["get_agents"].get("agents").is_none());
    let missing = json!({"type": "TEARDOWN", "teardown": {"framework_id": {"value": "nobody"}}});
    assert_eq!(rig.post(PATH, &missing).await.status, 400);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn resources_are_reserved_where_they_are_free() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (mut agent, id) = Peer::agent(&rig, "cpus:2;mem:1024").await;
    let reserve = |agent: &str, cpus: f64| {
        json!({"type": "RESERVE_RESOURCES", "reserve_resources": {"agent_id": {"value": agent}, "resources": [
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": cpus},
             "reservations": [{"type": "DYNAMIC", "role": "web"}]}]}})
    };
    assert_eq!(rig.post(PATH, &reserve("nobody", 1.0)).await.status, 400);
    assert_eq!(rig.post(PATH, &reserve(&id, 3.0)).await.status, 409);
    assert_eq!(rig.post(PATH, &reserve(&id, 1.0)).await.status, 202);
    let _: mesos_api::internal::CheckpointResourcesMessage = agent.expect().await;
    let agents = rig.get("/slaves").await.json();
    assert_eq!(agents["slaves"][0]["reserved_resources"]["web"]["cpus"], 1.0);
    assert_eq!(agents["slaves"][0]["reserved_resources_full"]["web"][0]["reservations"][0]["role"], "web");

    let form = format!(
        "slaveId={id}&resources=[{{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{{\"value\":1}},\"role\":\"web\",\"reservation\":{{}}}}]"
    );
    let answer = rig.ask(Method::POST, "/master/unreserve", &[], form.into_bytes()).await;
    assert_eq!((answer.status, answer.text()), (202, ""));
    assert_eq!(rig.get("/slaves").await.json()["slaves"][0]["reserved_resources"], json!({}));
    rig.node.shutdown().await;
}

#[tokio::test]
async fn machines_go_down_for_maintenance_and_come_up_again() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (mut agent, _) = Peer::agent(&rig, "cpus:2;mem:1024").await;
    let machine = json!({"hostname": "host1", "ip": "127.0.0.1"});
    let schedule = json!({"windows": [{"machine_ids": [machine],
        "unavailability": {"start": {"nanoseconds": 1}, "duration": {"nanoseconds": 1}}}]});
    let update = json!({"type": "UPDATE_MAINTENANCE_SCHEDULE",
        "update_maintenance_schedule": {"schedule": schedule}});
    rig.operator_ok(update).await;
    let told = rig.get("/maintenance/schedule").await.json();
    assert_eq!(told["windows"][0]["machine_ids"][0], machine);
    let status = rig.get("/maintenance/status").await.json();
    assert_eq!(status["draining_machines"][0]["id"], machine);
    let body = json!([machine]).to_string().into_bytes();
    assert_eq!(rig.ask(Method::POST, "/machine/up", &[], body.clone()).await.status, 400);
    assert_eq!(rig.ask(Method::POST, "/machine/down", &[], b"[".to_vec()).await.status, 400);
    assert_eq!(rig.ask(Method::POST, "/machine/down", &[], body).await.status, 200);
    let _: mesos_api::internal::ShutdownMessage = agent.expect().await;
    let status =
        rig.operator(call("GET_MAINTENANCE_STATUS")).await["get_maintenance_status"]["status"].clone();
    assert_eq!(status["down_machines"], json!([machine]));
    rig.operator_ok(json!({"type": "STOP_MAINTENANCE", "stop_maintenance": {"machines": [machine]}})).await;
    assert_eq!(rig.get("/maintenance/schedule").await.json(), json!({}));
    rig.node.shutdown().await;
}

/// Lets everybody do everything but see tasks, launch as root and tear frameworks down.
struct NoTasks;

impl mesos_auth::Authorizer for NoTasks {
    fn approver(
        &self,
        _subject: &mesos_access::Subject,
        action: mesos_access::Action,
    ) -> libprocess::Future<std::sync::Arc<dyn mesos_auth::Approver>> {
        use mesos_access::Action;
        let allowed = !matches!(action, Action::ViewTask | Action::TeardownFramework | Action::ViewFlags);
        libprocess::Future::ready(std::sync::Arc::new(Always(allowed)))
    }
}

struct Always(bool);

impl mesos_auth::Approver for Always {
    fn approved(&self, _object: &mesos_access::Object) -> bool {
        self.0
    }
}

#[tokio::test]
async fn what_one_may_not_see_is_left_out_everywhere() {
    let rig = Rig::with(libprocess::Clock::system(), Flags::default(), |components| {
        components.authorizer = std::sync::Arc::new(NoTasks);
    })
    .await;
    rig.recovered().await;
    let response = rig.open(Method::POST, PATH, JSON, call("SUBSCRIBE").to_string().into_bytes()).await;
    let mut events = crate::rig::Events::new(response);
    events.expect("SUBSCRIBED").await;
    let (_agent, _) = Peer::agent(&rig, "cpus:2;mem:1024").await;
    events.expect("AGENT_ADDED").await;
    let mut scheduler = rig.framework().await;
    events.expect("FRAMEWORK_ADDED").await;
    let offer = scheduler.offer().await;
    rig.launch(&scheduler, &offer, json!([crate::peer::task("t", &offer, 0.5)])).await;
    assert_eq!(rig.operator(call("GET_TASKS")).await["get_tasks"], json!({}));
    assert_eq!(rig.get("/tasks").await.json()["tasks"], json!([]));
    let state = rig.get("/state").await.json();
    assert_eq!(state["frameworks"][0]["tasks"], json!([]));
    assert!(state.get("flags").is_none());
    assert_eq!(rig.get("/flags").await.status, 403);
    assert_eq!(rig.post(PATH, &call("GET_FLAGS")).await.status, 403);
    let teardown = json!({"type": "TEARDOWN", "teardown": {"framework_id": scheduler.framework_id}});
    assert_eq!(rig.post(PATH, &teardown).await.status, 403);
    // The next event is not about the task.
    rig.call(&scheduler, json!({"type": "TEARDOWN"})).await;
    events.expect("FRAMEWORK_REMOVED").await;
    rig.node.shutdown().await;
}
