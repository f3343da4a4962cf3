//! Requests that are wrong.

use mesos_api::v1::scheduler;
use mesos_api::{Message, protobuf};
use serde_json::{Value, json};

use crate::harness::{
    Answer, Cluster, Connection, Framework, framework_info, get, post, post_json, request, resources, shared,
    task_id,
};

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

/// The APIs of a cluster: address, path.
fn apis(cluster: &Cluster) -> [(String, &'static str); 4] {
    let (master, agent) = (cluster.master().to_owned(), cluster.agent(0).to_owned());
    [
        (master.clone(), "/api/v1"),
        (master, "/api/v1/scheduler"),
        (agent.clone(), "/api/v1"),
        (agent, "/api/v1/executor"),
    ]
}

#[track_caller]
fn assert_serves(cluster: &Cluster) {
    for address in [cluster.master(), cluster.agent(0)] {
        assert_eq!(get(address, "/health").status, 200);
    }
}

#[test]
fn body_that_cannot_be_read_is_400() {
    let cluster = shared();
    let deep = [b"{\"type\":".repeat(100_000), b"1".to_vec()].concat();
    let lists = b"[".repeat(100_000);
    let bodies: [(&str, &[u8]); 11] = [
        (JSON, b""),
        (JSON, b"{"),
        (JSON, b"[]"),
        (JSON, b"null"),
        (JSON, b"{} {}"),
        (JSON, b"{\"type\":\xff\xfe}"),
        (JSON, b"{\"type\":5}"),
        (JSON, &deep),
        (JSON, &lists),
        (PROTOBUF, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        // A member that says to be longer than all that is there.
        (PROTOBUF, b"\x0a\xff\xff\xff\xff\x0f"),
    ];
    for (address, path) in apis(&cluster) {
        for (content_type, body) in bodies {
            let answer = post(&address, path, content_type, body);
            let begin = String::from_utf8_lossy(&body[..body.len().min(20)]);
            assert_eq!(answer.status, 400, "{path} {begin:?}: {}", answer.text());
            assert!(!answer.body.is_empty() && answer.body.len() < 10_000, "{path} {begin:?}");
        }
    }
    assert_serves(&cluster);
}

#[test]
fn call_without_type_or_of_an_unknown_one_is_400() {
    let cluster = shared();
    for (address, path) in apis(&cluster) {
        for body in ["{}", r#"{"type":"NO_SUCH_CALL"}"#, r#"{"framework_id":{"value":"x"}}"#] {
            let answer = post(&address, path, JSON, body.as_bytes());
            assert_eq!(answer.status, 400, "{path} {body}: {}", answer.text());
        }
        assert_eq!(post(&address, path, PROTOBUF, b"").status, 400, "{path}");
    }
}

/// The answer names what is missing.
#[test]
fn missing_required_field_is_named() {
    let cluster = shared();
    let uuid = "AAAAAAAAAAAAAAAAAAAAAA==";
    for (path, call, field) in [
        ("/api/v1/scheduler", json!({ "type": "SUBSCRIBE" }), "subscribe"),
        ("/api/v1/scheduler", json!({ "type": "SUBSCRIBE", "subscribe": {} }), "framework_info"),
        (
            "/api/v1/scheduler",
            json!({ "type": "SUBSCRIBE", "subscribe": { "framework_info": { "user": "root" } } }),
            "name",
        ),
        ("/api/v1/scheduler", json!({ "type": "REVIVE" }), "framework_id"),
        ("/api/v1/scheduler", json!({ "type": "KILL", "framework_id": task_id("f"), "kill": {} }), "task_id"),
        ("/api/v1/scheduler", json!({ "type": "ACCEPT", "framework_id": task_id("f") }), "accept"),
        (
            "/api/v1/scheduler",
            json!({ "type": "ACKNOWLEDGE", "framework_id": task_id("f"),
                "acknowledge": { "task_id": task_id("t"), "uuid": uuid } }),
            "agent_id",
        ),
        ("/api/v1", json!({ "type": "READ_FILE", "read_file": { "path": "/x" } }), "offset"),
        ("/api/v1", json!({ "type": "TEARDOWN" }), "teardown"),
        ("/api/v1", json!({ "type": "SET_LOGGING_LEVEL", "set_logging_level": { "level": 1 } }), "duration"),
    ] {
        let answer = post_json(cluster.master(), path, &call);
        assert_eq!(answer.status, 400, "{call}: {}", answer.text());
        assert!(answer.text().contains(field), "{call}: {}", answer.text());
    }
    // The same in protobuf: a FrameworkInfo with a user, but without a name.
    let info = mesos_api::v1::FrameworkInfo { user: "root".to_owned(), ..Default::default() };
    let mut call = scheduler::Call::default();
    call.set_type(scheduler::call::Type::Subscribe);
    call.subscribe = Some(scheduler::call::Subscribe { framework_info: info, ..Default::default() });
    let bytes = without_empty_name(&call);
    let answer = post(cluster.master(), "/api/v1/scheduler", PROTOBUF, &bytes);
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("name"), "{}", answer.text());
}

/// The bytes of a call, without the required `name` (field 2) of its FrameworkInfo, which is empty.
fn without_empty_name<M: Message>(call: &M) -> Vec<u8> {
    let bytes = protobuf::encode(call);
    let at = bytes.windows(2).rposition(|pair| pair == [0x12, 0x00]).expect("an empty name");
    let mut bytes = [&bytes[..at], &bytes[at + 2..]].concat();
    // Whatever it is in is two bytes shorter now: the members around it begin before it.
    let mut position = 0;
    while position < at {
        let (tag, length) = (bytes[position], usize::from(bytes[position + 1]));
        if tag & 7 == 2 && position + 2 + length > at {
            bytes[position + 1] -= 2;
            position += 2;
        } else {
            position += 2 + if tag & 7 == 2 { length } else { 0 };
        }
    }
    bytes
}

#[test]
fn wrong_media_types_and_methods_are_told_apart() {
    let cluster = shared();
    let body = json!({ "type": "GET_HEALTH" }).to_string();
    let body = body.as_bytes();
    for (address, path) in apis(&cluster) {
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let answer = request(&address, method, path, &[("Content-Type", JSON)], body);
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method} {path}");
        }
        assert_eq!(request(&address, "POST", path, &[], body).status, 400, "{path}");
        for content_type in ["text/plain", "application/json; charset=utf-8", "Application/JSON", ""] {
            let expected = if content_type.is_empty() { [400, 415] } else { [415, 415] };
            let status = post(&address, path, content_type, body).status;
            assert!(expected.contains(&status), "{path} {content_type:?}: {status}");
        }
    }
    for address in [cluster.master(), cluster.agent(0)] {
        let check = |accept: &str, expected: u16| {
            let headers = [("Content-Type", JSON), ("Accept", accept)];
            let answer = request(address, "POST", "/api/v1", &headers, body);
            assert_eq!(answer.status, expected, "{accept}: {}", answer.text());
        };
        check("text/html", 406);
        check("", 406);
        check("application/json;q=0", 406);
        check("text/html, */*", 200);
        check("APPLICATION/*", 200);
    }
    let subscribe =
        json!({ "type": "SUBSCRIBE", "subscribe": { "framework_info": framework_info("refused") } });
    let headers = [("Content-Type", JSON), ("Accept", "text/html")];
    let answer =
        request(cluster.master(), "POST", "/api/v1/scheduler", &headers, subscribe.to_string().as_bytes());
    assert_eq!(answer.status, 406);
    let recordio = post(cluster.agent(0), "/api/v1", "application/recordio", b"");
    assert_eq!(recordio.status, 400, "{}", recordio.text());
}

#[test]
fn calls_that_come_too_early_or_on_a_wrong_stream_are_refused() {
    let cluster = shared();
    let call = json!({ "type": "REVIVE", "framework_id": { "value": "no-such-framework" } });
    assert_eq!(post_json(cluster.master(), "/api/v1/scheduler", &call).status, 400);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("streams"));
    let mut subscribe =
        json!({ "type": "SUBSCRIBE", "subscribe": { "framework_info": framework_info("x") } });
    let headers = [("Content-Type", JSON), ("Mesos-Stream-Id", framework.stream_id.as_str())];
    let body = subscribe.to_string();
    let answer = request(cluster.master(), "POST", "/api/v1/scheduler", &headers, body.as_bytes());
    assert_eq!(answer.status, 400, "a subscription has no stream yet");
    subscribe["framework_id"] = task_id("other");
    assert_eq!(post_json(cluster.master(), "/api/v1/scheduler", &subscribe).status, 400, "two ids");
    let old = framework.stream_id.clone();
    drop(framework.fail_over());
    let new = std::mem::replace(&mut framework.stream_id, old);
    assert_eq!(framework.try_call(json!({ "type": "REVIVE" })).status, 400, "the stream was replaced");
    framework.stream_id = new;
    for kind in ["ACKNOWLEDGE_OPERATION_STATUS", "RECONCILE_OPERATIONS"] {
        let mut call = json!({ "type": kind });
        call[kind.to_lowercase()] = json!({ "agent_id": task_id("a"), "uuid": "AAAAAAAAAAAAAAAAAAAAAA==",
            "operation_id": task_id("o") });
        assert_eq!(framework.try_call(call).status, 403, "{kind}");
    }
    let executor = |kind: &str, member: Value| {
        let mut call =
            json!({ "type": kind, "framework_id": framework.id, "executor_id": task_id("nobody") });
        call[kind.to_lowercase()] = member;
        post_json(cluster.agent(0), "/api/v1/executor", &call).status
    };
    assert_eq!(executor("SUBSCRIBE", json!({})), 400);
    assert_eq!(executor("MESSAGE", json!({ "data": "" })), 400);
}

/// A subscription that is refused for what it says gets an ERROR event, and its stream ends.
#[test]
fn refused_frameworks_are_told_why() {
    let cluster = shared();
    let multi = json!([{ "type": "MULTI_ROLE" }]);
    for (change, part) in [
        (json!({ "role": "a//b" }), "a//b"),
        (json!({ "role": "/a" }), "/a"),
        (json!({ "role": ".." }), ".."),
        (json!({ "role": "-a" }), "-a"),
        (json!({ "role": "a b" }), "a b"),
        (json!({ "roles": ["a"] }), "MULTI_ROLE"),
        (json!({ "role": "a", "capabilities": multi }), "role"),
        (json!({ "roles": ["a", "a"], "capabilities": multi }), "a"),
        (json!({ "failover_timeout": 1e300 }), "failover_timeout"),
    ] {
        let mut info = framework_info("refused");
        for (key, value) in change.as_object().expect("members") {
            info[key] = value.clone();
        }
        let call = json!({ "type": "SUBSCRIBE", "subscribe": { "framework_info": info } });
        let mut events = crate::harness::Events::open(cluster.master(), "/api/v1/scheduler", &[], &call)
            .unwrap_or_else(|answer| panic!("{change}: {answer:?}"));
        let event = events.next().expect("an event");
        assert_eq!(event["type"], "ERROR", "{change}: {event}");
        assert!(event["error"]["message"].as_str().is_some_and(|text| text.contains(part)), "{event}");
        assert!(events.next().is_none(), "{change}");
    }
}

#[test]
fn body_over_the_bound_is_413() {
    let cluster = shared();
    for (address, path) in apis(&cluster) {
        let mut connection = Connection::open(&address);
        // Only the head comes: who announces so much needs not send it.
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: t\r\nContent-Type: {JSON}\r\nContent-Length: 10000000000\r\n\r\n"
        );
        connection.send(head.as_bytes());
        assert_eq!(connection.answer().map(|answer| answer.status), Some(413), "{path}");
    }
    // In chunks nothing is announced.
    let mut connection = Connection::open(cluster.master());
    let head = format!(
        "POST /api/v1 HTTP/1.1\r\nHost: t\r\nContent-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    connection.send(head.as_bytes());
    let chunk = [b"1000000\r\n".to_vec(), vec![b' '; 16 << 20], b"\r\n".to_vec()].concat();
    // What comes after the answer is thrown away, or the connection is closed.
    (0..6).take_while(|_| connection.send(&chunk)).for_each(drop);
    if let Some(answer) = connection.answer() {
        assert_eq!(answer.status, 413);
    }
    assert_serves(&cluster);
}

#[test]
fn head_over_the_bound_is_refused() {
    let cluster = shared();
    let long = "x".repeat(1 << 20);
    let many: String = (0..10_000).map(|number| format!("X-{number}: y\r\n")).collect();
    for head in [
        format!("GET /{long} HTTP/1.1\r\nHost: t\r\n\r\n"),
        format!("GET /state HTTP/1.1\r\nHost: t\r\nX: {long}\r\n\r\n"),
        format!("GET /state HTTP/1.1\r\nHost: t\r\n{many}\r\n"),
    ] {
        let mut connection = Connection::open(cluster.master());
        connection.send(head.as_bytes());
        let status = connection.answer().map(|answer: Answer| answer.status);
        assert!(status.is_none_or(|status| [400, 414, 431].contains(&status)), "{status:?}");
    }
    assert_serves(&cluster);
}

#[test]
fn what_is_no_http_is_not_served() {
    let cluster = shared();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"nonsense\r\n\r\n",
        b"GET state HTTP/1.1\r\n\r\n",
        b"GET /state HTTP/9.9\r\n\r\n",
        b"POST /api/v1 HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1 HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /api/v1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n",
    ] {
        let mut connection = Connection::open(cluster.master());
        connection.send(bytes);
        connection.finish();
        if let Some(answer) = connection.answer() {
            assert!((400..506).contains(&answer.status), "{:?}: {answer:?}", String::from_utf8_lossy(bytes));
        }
    }
    assert_serves(&cluster);
}

#[test]
fn operator_calls_on_what_is_not_there_are_refused() {
    let cluster = shared();
    let agent = task_id("no-such-agent");
    for (call, status) in [
        (json!({ "type": "TEARDOWN", "teardown": { "framework_id": task_id("nobody") } }), 400),
        (json!({ "type": "MARK_AGENT_GONE", "mark_agent_gone": { "agent_id": agent } }), 404),
        (json!({ "type": "READ_FILE", "read_file": { "path": "/etc/passwd", "offset": 0 } }), 404),
        (json!({ "type": "LIST_FILES", "list_files": { "path": "/no/such" } }), 404),
        (json!({ "type": "UNKNOWN" }), 501),
    ] {
        let answer = post_json(cluster.master(), "/api/v1", &call);
        assert_eq!(answer.status, status, "{call}: {}", answer.text());
    }
    let reserve = json!({ "agent_id": agent, "resources": resources(1.0, 1.0) });
    let call = json!({ "type": "RESERVE_RESOURCES", "reserve_resources": reserve });
    let status = post_json(cluster.master(), "/api/v1", &call).status;
    assert!([400, 501].contains(&status), "{status}");
}
