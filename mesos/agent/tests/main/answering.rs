//! What the agent answers over HTTP.

use libprocess::http::Method;
use mesos_api::v1::executor::event::Type;

use crate::fixture::{Executor, Fixture, agent_pid, framework, run, run_task, status, task, tell, tests};

tests![
    executor_calls_are_checked_in_order,
    operator_calls_are_checked_in_order,
    state_shows_resources_executors_and_tasks,
    views_agree,
    paths_work_with_and_without_the_process,
    containers_are_launched_waited_for_killed_and_removed,
    standalone_containers_use_what_is_not_reserved,
    second_subscription_closes_the_first,
    every_metric_is_there,
];

const JSON: (&str, &str) = ("content-type", "application/json");

/// Method, headers and body of a request, and the status of its answer.
type Case = (Method, Vec<(&'static str, &'static str)>, String, u16);

/// Asks, and gives the status of the answer.
async fn status_of(
    fixture: &Fixture,
    method: Method,
    path: &str,
    headers: &[(&'static str, &str)],
    body: &str,
) -> u16 {
    fixture.request(method, path, headers, body).await.status.as_u16()
}

/// An agent with a task that its executor has.
async fn started(fixture: &mut Fixture) -> (mesos_agent::Agent, Executor) {
    let agent = fixture.registered().await;
    fixture.master.say(&agent_pid(&agent), run_task(framework(false), task("t", "e")));
    let mut executor = Executor::subscribe(fixture, "e").await;
    assert_eq!(executor.kind().await, Some(Type::Subscribed));
    assert_eq!(executor.kind().await, Some(Type::Launch));
    (agent, executor)
}

fn executor_calls_are_checked_in_order() {
    run(|mut fixture| async move {
        let (agent, _executor) = started(&mut fixture).await;
        let path = "/slave(1)/api/v1/executor";
        let call = |rest: &str| {
            format!(r#"{{"framework_id":{{"value":"F"}},"executor_id":{{"value":"e"}},{rest}}}"#)
        };
        let update = |status: &str| call(&format!(r#""type":"UPDATE","update":{{"status":{status}}}"#));
        let good = status("t", "TASK_RUNNING", 1);
        let subscribe = call(r#""type":"SUBSCRIBE","subscribe":{}"#);
        let unsubscribed = subscribe.replace(r#""e""#, r#""never""#);
        let wrong_framework = subscribe.replace(r#""F""#, r#""G""#);
        let cases: Vec<Case> = vec![
            (Method::GET, vec![], String::new(), 405),
            (Method::POST, vec![], "{}".into(), 400),
            (Method::POST, vec![("content-type", "text/plain")], "{}".into(), 415),
            (Method::POST, vec![("content-type", "application/json; charset=utf-8")], "{}".into(), 415),
            (Method::POST, vec![JSON], "{".into(), 400),
            (Method::POST, vec![("content-type", "application/x-protobuf")], "garbage".into(), 400),
            (Method::POST, vec![JSON], r#"{"type":"UPDATE"}"#.into(), 400),
            (Method::POST, vec![JSON], call(r#""x":1"#), 400),
            (Method::POST, vec![JSON], call(r#""type":"SUBSCRIBE""#), 400),
            (Method::POST, vec![JSON], update(&good.replace(r#""uuid""#, r#""no_uuid""#)), 400),
            (Method::POST, vec![JSON], update(&good.replace("SOURCE_EXECUTOR", "SOURCE_AGENT")), 400),
            (Method::POST, vec![JSON], update(&good.replace("TASK_RUNNING", "TASK_STAGING")), 400),
            (
                Method::POST,
                vec![JSON],
                update(&good.replace(r#""state""#, r#""executor_id":{"value":"x"},"state""#)),
                400,
            ),
            (Method::POST, vec![JSON, ("accept", "text/html")], subscribe.clone(), 406),
            (Method::POST, vec![JSON], unsubscribed, 400),
            (Method::POST, vec![JSON], wrong_framework, 400),
            (Method::POST, vec![JSON], call(r#""type":"UNKNOWN""#), 501),
            (Method::POST, vec![JSON], update(&good), 202),
            (Method::POST, vec![JSON], call(r#""type":"MESSAGE","message":{"data":"AA=="}"#), 202),
        ];
        for (method, headers, body, expected) in cases {
            assert_eq!(
                status_of(&fixture, method, path, &headers, &body).await,
                expected,
                "{headers:?} {body}"
            );
        }
        let protobuf = [JSON, ("accept", "application/x-protobuf")];
        let response = fixture.request(Method::POST, path, &protobuf, subscribe).await;
        assert_eq!(response.header("content-type"), Some("application/x-protobuf"));
        agent.stop().await;
    });
}

fn operator_calls_are_checked_in_order() {
    run(|mut fixture| async move {
        let agent = fixture.registered().await;
        let recordio = ("content-type", "application/recordio");
        let message = ("message-content-type", "application/json");
        let health = r#"{"type":"GET_HEALTH"}"#;
        let record = format!("{}\n{health}", health.len());
        for (method, headers, body, expected) in [
            (Method::GET, &[][..], "", 405),
            (Method::POST, &[], health, 400),
            (Method::POST, &[("content-type", "text/plain")], health, 415),
            (Method::POST, &[recordio], health, 400),
            (Method::POST, &[recordio, ("message-content-type", "text/plain")], &record, 415),
            (Method::POST, &[JSON, message], health, 415),
            (Method::POST, &[JSON, ("accept", "text/html")], health, 406),
            (
                Method::POST,
                &[JSON, ("accept", "application/recordio"), ("message-accept", "a/b")],
                health,
                406,
            ),
            (Method::POST, &[JSON, ("accept", "*/*"), ("message-accept", "*/*")], health, 406),
            (Method::POST, &[JSON], "garbage", 400),
            (Method::POST, &[JSON], "{}", 400),
            (Method::POST, &[JSON], r#"{"type":"READ_FILE"}"#, 400),
            (Method::POST, &[recordio, message], &record, 415),
            (Method::POST, &[JSON], r#"{"type":"UNKNOWN"}"#, 501),
            (Method::POST, &[JSON], health, 200),
            (Method::POST, &[("content-type", "application/x-protobuf")], "\x08\x01", 200),
            (Method::POST, &[JSON], r#"{"type":"READ_FILE","read_file":{"path":"/none","offset":0}}"#, 404),
            (Method::POST, &[JSON], r#"{"type":"LIST_FILES","list_files":{"path":"/none"}}"#, 404),
            (
                Method::POST,
                &[JSON],
                r#"{"type":"SET_LOGGING_LEVEL","set_logging_level":{"level":1,"duration":{"nanoseconds":1000}}}"#,
                200,
            ),
            (
                Method::POST,
                &[JSON],
                r#"{"type":"WAIT_CONTAINER","wait_container":{"container_id":{"value":"x"}}}"#,
                404,
            ),
            (
                Method::POST,
                &[JSON],
                r#"{"type":"ATTACH_CONTAINER_OUTPUT","attach_container_output":{"container_id":{"value":"x"}}}"#,
                404,
            ),
            (Method::POST, &[JSON], r#"{"type":"ATTACH_CONTAINER_INPUT","attach_container_input":{}}"#, 415),
            (Method::POST, &[JSON], r#"{"type":"PRUNE_IMAGES"}"#, 200),
        ] {
            assert_eq!(
                status_of(&fixture, method, "/api/v1", headers, body).await,
                expected,
                "{headers:?} {body}"
            );
        }
        assert_eq!(
            fixture.ask(r#"{"type":"GET_CONTAINERS"}"#).await,
            serde_json::json!({"type": "GET_CONTAINERS"})
        );
        agent.stop().await;
    });
}

fn state_shows_resources_executors_and_tasks() {
    run(|mut fixture| async move {
        let (agent, mut executor) = started(&mut fixture).await;
        tell(&fixture, "e", "t", "TASK_RUNNING", 1).await;
        assert_eq!(executor.kind().await, Some(Type::Acknowledged));
        let state = fixture.get("/state").await;
        for key in [
            "version",
            "build_date",
            "build_time",
            "build_user",
            "start_time",
            "id",
            "pid",
            "hostname",
            "capabilities",
            "resources",
            "reserved_resources",
            "unreserved_resources",
            "reserved_resources_full",
            "unreserved_resources_full",
            "attributes",
            "master_hostname",
            "flags",
            "frameworks",
            "completed_frameworks",
        ] {
            assert!(state.get(key).is_some(), "{key}");
        }
        assert_eq!(state["id"], "S0");
        assert_eq!(state["resources"]["cpus"], 2.0);
        assert_eq!(state["resources"]["ports"], "[31000-32000]");
        assert_eq!(state["pid"], agent_pid(&agent).to_string());
        assert_eq!(state["flags"]["recover"], "reconnect");
        let executor = &state["frameworks"][0]["executors"][0];
        assert_eq!((&executor["id"], &executor["resources"]["cpus"]), (&"e".into(), &0.6.into()));
        assert_eq!(executor["tasks"][0]["state"], "TASK_RUNNING");
        assert_eq!(executor["tasks"][0]["slave_id"], "S0");
        let script = fixture.request(Method::GET, "/state?jsonp=show", &[], "").await;
        assert_eq!(script.header("content-type"), Some("text/javascript"));
        assert!(script.bytes(1 << 20).await.unwrap().starts_with(b"show("));
        agent.stop().await;
    });
}

fn views_agree() {
    run(|mut fixture| async move {
        let (agent, _executor) = started(&mut fixture).await;
        let state = fixture.ask(r#"{"type":"GET_STATE"}"#).await["get_state"].clone();
        for (call, part) in [
            ("GET_TASKS", "get_tasks"),
            ("GET_EXECUTORS", "get_executors"),
            ("GET_FRAMEWORKS", "get_frameworks"),
        ] {
            let alone = fixture.ask(&format!(r#"{{"type":"{call}"}}"#)).await;
            assert_eq!(alone[part], state[part]);
            assert_eq!(alone["type"], call);
        }
        assert_eq!(state["get_tasks"]["launched_tasks"][0]["task_id"]["value"], "t");
        let info = fixture.ask(r#"{"type":"GET_AGENT"}"#).await;
        assert_eq!(info["get_agent"]["agent_info"]["id"]["value"], "S0");
        let flags = fixture.ask(r#"{"type":"GET_FLAGS"}"#).await;
        let shown = fixture.get("/flags").await;
        assert_eq!(
            flags["get_flags"]["flags"].as_array().unwrap().len(),
            shown["flags"].as_object().unwrap().len()
        );
        let level = fixture.ask(r#"{"type":"GET_LOGGING_LEVEL"}"#).await;
        assert_eq!(level["get_logging_level"]["level"], 0);
        let containers = fixture.ask(r#"{"type":"GET_CONTAINERS"}"#).await;
        let container = &containers["get_containers"]["containers"][0];
        assert_eq!(container["executor_id"]["value"], "e");
        assert!(container["container_status"]["executor_pid"].as_u64().unwrap() > 1);
        let old = fixture.get("/containers").await;
        assert_eq!(old[0]["container_id"], container["container_id"]["value"]);
        assert!(old[0]["statistics"]["timestamp"].as_f64().unwrap() > 0.0);
        let id = old[0]["container_id"].as_str().unwrap();
        let filtered = fixture.get(&format!("/containers?container_id={id}x")).await;
        assert_eq!(filtered, serde_json::json!([]));
        let statistics = fixture.get("/monitor/statistics").await;
        assert_eq!(statistics[0]["executor_id"], "e");
        agent.stop().await;
    });
}

fn paths_work_with_and_without_the_process() {
    run(|mut fixture| async move {
        let agent = fixture.registered().await;
        for path in
            ["/state", "/slave(1)/state", "/slave%281%29/state", "/state.json", "/slave(1)/state.json"]
        {
            assert!(fixture.get(path).await["id"].is_string(), "{path}");
        }
        for path in ["/health", "/slave(1)/health", "/flags", "/containers", "/version", "/metrics/snapshot"]
        {
            assert_eq!(status_of(&fixture, Method::GET, path, &[], "").await, 200, "{path}");
        }
        let health = r#"{"type":"GET_HEALTH"}"#;
        for path in ["/api/v1", "/slave(1)/api/v1", "/api/v1/state", "/api/v1?x=y"] {
            assert_eq!(status_of(&fixture, Method::POST, path, &[JSON], health).await, 200, "{path}");
        }
        assert_eq!(status_of(&fixture, Method::GET, "/none", &[], "").await, 404);
        agent.stop().await;
    });
}

fn containers_are_launched_waited_for_killed_and_removed() {
    run(|mut fixture| async move {
        let (agent, _executor) = started(&mut fixture).await;
        let containers = fixture.ask(r#"{"type":"GET_CONTAINERS"}"#).await;
        let root = containers["get_containers"]["containers"][0]["container_id"]["value"].clone();
        let id = |value: &str| format!(r#""container_id":{{"value":"{value}","parent":{{"value":{root}}}}}"#);
        let launch = |value: &str, command: &str| {
            let id = id(value);
            format!(
                r#"{{"type":"LAUNCH_NESTED_CONTAINER","launch_nested_container":{{{id},"command":{{"value":"{command}"}}}}}}"#
            )
        };
        let call = |kind: &str, part: &str, value: &str| {
            format!(r#"{{"type":"{kind}","{part}":{{{}}}}}"#, id(value))
        };
        let post = async |body: &str| fixture.post("/api/v1", body).await.status.as_u16();
        assert_eq!(post(&launch("a", "exit 3")).await, 200);
        let wait = call("WAIT_NESTED_CONTAINER", "wait_nested_container", "a");
        for _ in 0..2 {
            let ended = fixture.ask(&wait).await;
            assert_eq!(ended["type"], "WAIT_NESTED_CONTAINER");
            assert_eq!(ended["wait_nested_container"]["exit_status"], 3 << 8);
        }
        assert_eq!(post(&launch("b", "sleep 1000")).await, 200);
        assert_eq!(post(&launch("b", "sleep 1000")).await, 202);
        assert_eq!(post(&call("REMOVE_NESTED_CONTAINER", "remove_nested_container", "b")).await, 500);
        let nested = fixture.ask(r#"{"type":"GET_CONTAINERS","get_containers":{"show_nested":true}}"#).await;
        assert_eq!(nested["get_containers"]["containers"].as_array().unwrap().len(), 2);
        assert_eq!(post(&call("KILL_NESTED_CONTAINER", "kill_nested_container", "b")).await, 200);
        let ended = fixture.ask(&call("WAIT_CONTAINER", "wait_container", "b")).await;
        assert_eq!(ended["wait_container"]["exit_status"], 9);
        assert_eq!(post(&call("KILL_NESTED_CONTAINER", "kill_nested_container", "none")).await, 404);
        assert_eq!(post(&call("REMOVE_NESTED_CONTAINER", "remove_nested_container", "a")).await, 200);
        assert_eq!(post(&wait).await, 404);
        let attach = call("ATTACH_CONTAINER_OUTPUT", "attach_container_output", "b");
        assert_eq!(post(&attach).await, 500);
        let orphan = launch("c", "true").replace(&root.to_string(), "\"nobody\"");
        assert_eq!(post(&orphan).await, 400);
        agent.stop().await;
    });
}

fn standalone_containers_use_what_is_not_reserved() {
    run(|mut fixture| async move {
        let agent = fixture.registered().await;
        let launch = |id: &str, resources: &str| {
            format!(
                r#"{{"type":"LAUNCH_CONTAINER","launch_container":{{"container_id":{{"value":"{id}"}},
                    "command":{{"value":"sleep 1000"}},"resources":[{resources}]}}}}"#
            )
        };
        let post = async |body: &str| fixture.post("/api/v1", body).await.status.as_u16();
        let cpus = r#"{"name":"cpus","type":"SCALAR","scalar":{"value":0.1}}"#;
        let reserved = r#"{"name":"cpus","type":"SCALAR","scalar":{"value":0.1},"reservations":[{"type":"STATIC","role":"r"}]}"#;
        assert_eq!(post(&launch("a", cpus)).await, 200);
        assert_eq!(post(&launch("a", cpus)).await, 202);
        assert_eq!(post(&launch("b", reserved)).await, 400);
        assert_eq!(post(&launch("b.c", cpus)).await, 400);
        let shown = fixture.ask(r#"{"type":"GET_CONTAINERS"}"#).await;
        assert!(shown.get("get_containers").is_none());
        let shown =
            fixture.ask(r#"{"type":"GET_CONTAINERS","get_containers":{"show_standalone":true}}"#).await;
        assert_eq!(shown["get_containers"]["containers"][0]["container_id"]["value"], "a");
        let remove = r#"{"type":"REMOVE_CONTAINER","remove_container":{"container_id":{"value":"a"}}}"#;
        assert_eq!(post(remove).await, 400);
        let kill =
            r#"{"type":"KILL_CONTAINER","kill_container":{"container_id":{"value":"a"},"signal":99999}}"#;
        assert_eq!(post(kill).await, 400);
        let kill = r#"{"type":"KILL_CONTAINER","kill_container":{"container_id":{"value":"a"}}}"#;
        assert_eq!(post(kill).await, 200);
        agent.stop().await;
    });
}

fn second_subscription_closes_the_first() {
    run(|mut fixture| async move {
        let (agent, mut first) = started(&mut fixture).await;
        let known = mesos_api::json::to_string(&task("t", "e"));
        let mut second =
            Executor::subscribe_with(&fixture, "e", &format!(r#"{{"unacknowledged_tasks":[{known}]}}"#))
                .await;
        assert_eq!(first.kind().await, None);
        assert_eq!(second.kind().await, Some(Type::Subscribed));
        agent.stop().await;
    });
}

fn every_metric_is_there() {
    run(|mut fixture| async move {
        let agent = fixture.registered().await;
        let snapshot = fixture.get("/metrics/snapshot").await;
        let mut missing = Vec::new();
        for name in [
            "uptime_secs",
            "registered",
            "frameworks_active",
            "tasks_staging",
            "tasks_starting",
            "tasks_running",
            "tasks_killing",
            "executors_registering",
            "executors_running",
            "executors_terminating",
            "executor_directory_max_allowed_age_secs",
            "recovery_errors",
            "tasks_finished",
            "tasks_failed",
            "tasks_killed",
            "tasks_lost",
            "tasks_gone",
            "executors_terminated",
            "executors_preempted",
            "valid_status_updates",
            "invalid_status_updates",
            "valid_framework_messages",
            "invalid_framework_messages",
            "container_launch_errors",
        ] {
            if snapshot.get(format!("slave/{name}")).is_none() {
                missing.push(name.to_owned());
            }
        }
        for resource in ["cpus", "gpus", "mem", "disk"] {
            for kind in ["total", "used", "percent", "revocable_total", "revocable_used", "revocable_percent"]
            {
                if snapshot.get(format!("slave/{resource}_{kind}")).is_none() {
                    missing.push(format!("{resource}_{kind}"));
                }
            }
        }
        for name in ["succeeded", "failed", "pending"] {
            if snapshot.get(format!("gc/path_removals_{name}")).is_none() {
                missing.push(name.to_owned());
            }
        }
        assert_eq!(missing, [""; 0]);
        assert_eq!(snapshot["slave/cpus_total"], 2.0);
        agent.stop().await;
    });
}
