//! Event streams.

use std::time::{Duration, Instant};

use mesos_api::v1::scheduler;
use mesos_api::{json, protobuf};
use serde_json::{Value, json};

use crate::harness::{
    Cluster, Connection, Events, Framework, command_task, framework_info, request_bytes, shared,
};

/// Every event of every stream is read so, that it must be a chunk of its own; here many come at a time.
#[test]
fn one_record_is_one_chunk() {
    let cluster = Cluster::local(1);
    let mut operator = Events::operator(cluster.master());
    let mut framework = Framework::subscribe(cluster.master(), framework_info("chunks"));
    let offer = framework.offer();
    let ids: Vec<_> = (0..5).map(|number| format!("task-{number}")).collect();
    let tasks: Vec<_> = ids.iter().map(|id| command_task(id, &offer, "exit 0")).collect();
    framework.launch(&offer, &tasks);
    for id in &ids {
        framework.updates_to(id, "TASK_FINISHED");
    }
    framework.teardown();
    operator.next_of("FRAMEWORK_REMOVED");
}

#[test]
fn json_records_hold_no_newline() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("a\nname"));
    framework.offer();
    let mut operator = Events::operator(cluster.master());
    for _ in 0..2 {
        let record = operator.record().expect("a record");
        assert!(!record.contains(&b'\n'), "{}", String::from_utf8_lossy(&record));
        assert!(record.starts_with(b"{") && record.ends_with(b"}"));
    }
}

#[test]
fn heartbeat_follows_subscribed_at_once() {
    let cluster = shared();
    let begin = Instant::now();
    let mut framework = Framework::subscribe(cluster.master(), framework_info("heartbeats"));
    assert_eq!(framework.events.next().unwrap(), json!({ "type": "HEARTBEAT" }));
    let mut operator = Events::operator(cluster.master());
    let subscribed = operator.next().unwrap();
    assert_eq!(subscribed["type"], "SUBSCRIBED");
    assert_eq!(subscribed["subscribed"]["heartbeat_interval_seconds"], 15.0);
    let state = &subscribed["subscribed"]["get_state"];
    assert_eq!(state["get_agents"]["agents"].as_array().map(Vec::len), Some(2), "{state}");
    let frameworks = state["get_frameworks"]["frameworks"].as_array().expect("frameworks");
    assert!(frameworks.iter().any(|row| row["framework_info"]["id"]["value"] == framework.id()), "{state}");
    assert_eq!(operator.next().unwrap(), json!({ "type": "HEARTBEAT" }));
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[test]
fn heartbeats_come_every_fifteen_seconds() {
    let cluster = shared();
    let mut operator = Events::operator(cluster.master());
    let mut framework = Framework::subscribe(cluster.master(), framework_info("heartbeats"));
    framework.call(json!({ "type": "SUPPRESS" }));
    framework.events.next_of("HEARTBEAT");
    operator.next_of("HEARTBEAT");
    let begin = Instant::now();
    framework.events.next_of("HEARTBEAT");
    operator.next_of("HEARTBEAT");
    let elapsed = begin.elapsed();
    assert!((13.0..20.0).contains(&elapsed.as_secs_f64()), "{elapsed:?}");
}

#[test]
fn stream_is_chunked_and_named_by_a_uuid() {
    let cluster = shared();
    let framework = Framework::subscribe(cluster.master(), framework_info("head"));
    let head = &framework.events.head;
    assert_eq!(head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(head.header("content-length"), None);
    assert_eq!(head.header("content-type"), Some("application/json"));
    let uuid = uuid::Uuid::parse_str(&framework.stream_id).expect("a UUID");
    assert_eq!(uuid.hyphenated().to_string(), framework.stream_id);
    let operator = Events::operator(cluster.master());
    assert_eq!(operator.head.header("mesos-stream-id"), None);
}

#[test]
fn later_calls_need_the_id_of_their_stream() {
    let cluster = shared();
    let mut framework = Framework::subscribe(cluster.master(), framework_info("stream id"));
    let revive = json!({ "type": "REVIVE" });
    let right = std::mem::replace(&mut framework.stream_id, uuid::Uuid::new_v4().to_string());
    assert_eq!(framework.try_call(revive.clone()).status, 400);
    let call = json!({ "type": "REVIVE", "framework_id": framework.id });
    assert_eq!(crate::harness::post_json(cluster.master(), "/api/v1/scheduler", &call).status, 400);
    framework.stream_id = right;
    assert_eq!(framework.try_call(revive).status, 202);
}

/// `X` has a member `x`, and no other but `type`.
#[test]
fn heartbeat_has_no_member_and_others_have_their_own() {
    let cluster = Cluster::local(1);
    let mut operator = Events::operator(cluster.master());
    let mut framework = Framework::subscribe(cluster.master(), framework_info("members"));
    framework.run(|offer| command_task("task", offer, "sleep 1000"));
    let mut seen = Vec::new();
    let mut check = |event: &Value| {
        let kind = event["type"].as_str().expect("a type").to_owned();
        let members: Vec<_> =
            event.as_object().unwrap().keys().filter(|key| *key != "type").cloned().collect();
        let expected = if kind == "HEARTBEAT" { vec![] } else { vec![kind.to_lowercase()] };
        assert_eq!(members, expected, "{event}");
        seen.push(kind.clone());
        kind
    };
    while check(&operator.next().unwrap()) != "TASK_UPDATED" {}
    let mut again = framework.fail_over();
    check(&framework.events.next().unwrap());
    while let Some(event) = again.next() {
        check(&event);
    }
    for kind in ["SUBSCRIBED", "HEARTBEAT", "FRAMEWORK_ADDED", "TASK_ADDED", "TASK_UPDATED", "ERROR"] {
        assert!(seen.iter().any(|seen| seen == kind), "{kind} is not among {seen:?}");
    }
}

#[test]
fn call_is_answered_by_202_without_a_body() {
    let cluster = shared();
    let framework = Framework::subscribe(cluster.master(), framework_info("202"));
    let answer = framework.try_call(json!({ "type": "SUPPRESS" }));
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("content-length"), Some("0"));
    assert!(answer.body.is_empty());
}

#[test]
fn stream_that_was_replaced_gets_an_error_and_ends() {
    let cluster = shared();
    let mut framework = Framework::subscribe(cluster.master(), framework_info("failover"));
    let id = framework.id().to_owned();
    let old_id = framework.stream_id.clone();
    let mut old = framework.fail_over();
    assert_eq!(framework.id(), id);
    assert_ne!(framework.stream_id, old_id);
    let error = old.next_of("ERROR");
    assert_eq!(error["error"]["message"], "Framework failed over");
    assert!(old.next().is_none(), "the old stream ends");
    assert_eq!(framework.try_call(json!({ "type": "REVIVE" })).status, 202);
}

#[test]
fn stream_is_readable_where_gzip_is_accepted() {
    let cluster = shared();
    let info = framework_info("gzip");
    let call = json!({ "type": "SUBSCRIBE", "subscribe": { "framework_info": info } });
    let headers = [("Accept-Encoding", "gzip, deflate")];
    let mut events = Events::open(cluster.master(), "/api/v1/scheduler", &headers, &call).expect("a stream");
    assert_eq!(events.head.header("content-encoding"), None);
    assert_eq!(events.next().unwrap()["type"], "SUBSCRIBED");

    let call: scheduler::Call = json::from_str(&call.to_string()).expect("a call");
    let media = "application/x-protobuf";
    let headers = [("Content-Type", media), ("Accept", media), ("Accept-Encoding", "gzip")];
    let mut connection = Connection::open(cluster.master());
    connection.send(&request_bytes("POST", "/api/v1/scheduler", &headers, &protobuf::encode(&call)));
    let head = connection.head().expect("an answer");
    assert_eq!((head.status, head.header("content-type")), (200, Some(media)));
    assert_eq!(head.header("content-encoding"), None);
    let mut events = Events { connection, head };
    let event: scheduler::Event = protobuf::decode(&events.record().expect("a record")).expect("an event");
    assert_eq!(event.r#type(), scheduler::event::Type::Subscribed);
}
