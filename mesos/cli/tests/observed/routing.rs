//! Paths, methods and connections.

use serde_json::json;

use crate::harness::{Cluster, Connection, curl, get, get_json, post_json, request, request_bytes, shared};

/// A path that nobody serves reaches whoever serves the longest beginning of it.
#[test]
fn longest_beginning_of_a_path_is_served() {
    let cluster = shared();
    let call = json!({ "type": "GET_HEALTH" });
    for (address, path) in [
        (cluster.master(), "/api/v1/operator"),
        (cluster.master(), "/master/api/v1/operator"),
        (cluster.agent(0), "/api/v1/state"),
        (cluster.agent(0), "/slave(1)/api/v1/state"),
    ] {
        let answer = post_json(address, path, &call);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.json()["get_health"]["healthy"], true);
    }
}

#[test]
fn frameworks_with_a_slash_at_the_end_is_not_found() {
    let cluster = shared();
    let answer = get(cluster.master(), "/master/frameworks/");
    assert_eq!((answer.status, answer.text().as_str()), (404, ""));
    assert_eq!(get(cluster.master(), "/master/frameworks").status, 200);
    assert_eq!(get(cluster.master(), "/no/such/path").status, 404);
    assert_eq!(get(cluster.master(), "/master/../state").status, 404);
}

#[test]
fn paths_work_without_the_name_of_the_process_and_with_a_suffix() {
    let cluster = shared();
    for path in ["/state", "/master/state", "/state.json", "/master/state.json", "/master/state?x=y"] {
        assert_eq!(get_json(cluster.master(), path)["activated_slaves"], 2.0, "{path}");
    }
    for path in ["/state", "/slave(1)/state", "/slave%281%29/state", "/state.json", "/slave(1)/state.json"] {
        assert!(get_json(cluster.agent(0), path)["attributes"].is_object(), "{path}");
    }
    for path in ["/tasks", "/tasks.json", "/roles", "/roles.json", "/slaves", "/frameworks", "/state-summary"]
    {
        get_json(cluster.master(), path);
    }
    let answer = post_json(cluster.master(), "/api/v1?what=ever", &json!({ "type": "GET_HEALTH" }));
    assert_eq!(answer.status, 200);
}

#[test]
fn leader_redirects_to_itself_without_a_scheme() {
    let cluster = Cluster::separate(0, &["--hostname=leader.example"], &[]);
    let state = get_json(cluster.master(), "/state");
    let expected = format!("//leader.example:{}", state["leader_info"]["port"]);
    assert_eq!(state["leader_info"]["hostname"], "leader.example");
    let mut connection = Connection::open(cluster.master());
    for method in ["HEAD", "GET"] {
        connection.send(&request_bytes(method, "/master/redirect", &[], b""));
        let head = if method == "HEAD" { connection.head() } else { connection.answer() }.expect("an answer");
        assert_eq!((head.status, head.header("location")), (307, Some(expected.as_str())), "{method}");
    }
}

#[test]
fn get_of_the_scheduler_api_of_the_leader_is_405() {
    let cluster = shared();
    let answer = get(cluster.master(), "/api/v1/scheduler");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}

#[test]
fn connection_is_closed_when_that_is_asked_for() {
    let cluster = shared();
    let mut connection = Connection::open(cluster.master());
    connection.send(&request_bytes("GET", "/version", &[("Connection", "close")], b""));
    assert_eq!(connection.answer().unwrap().status, 200);
    assert!(connection.is_over());
}

#[test]
fn connection_is_kept_for_more_requests() {
    let cluster = shared();
    let mut connection = Connection::open(cluster.master());
    // One after another, and without waiting for answers.
    for count in [1, 1, 3] {
        let request = request_bytes("GET", "/version", &[], b"");
        connection.send(&request.repeat(count));
        for _ in 0..count {
            assert_eq!(connection.answer().unwrap().status, 200);
        }
    }
}

#[test]
fn http_1_0_may_keep_the_connection() {
    let cluster = shared();
    let mut connection = Connection::open(cluster.master());
    for _ in 0..2 {
        connection.send(b"GET /version HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
        let answer = connection.answer().unwrap();
        assert_eq!(answer.status, 200);
        assert_ne!(answer.header("connection"), Some("close"));
    }
    let mut connection = Connection::open(cluster.master());
    connection.send(b"GET /version HTTP/1.0\r\n\r\n");
    assert_eq!(connection.answer().unwrap().status, 200);
    assert!(connection.is_over());
}

#[test]
fn body_may_come_in_chunks() {
    let cluster = shared();
    let mut connection = Connection::open(cluster.master());
    connection.send(b"POST /api/v1 HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n");
    connection.send(b"Transfer-Encoding: chunked\r\n\r\n");
    connection.send(b"8\r\n{\"type\":\r\n");
    connection.send(b"d;extension=1\r\n\"GET_HEALTH\"}\r\n");
    connection.send(b"0\r\n\r\n");
    let answer = connection.answer().unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["get_health"]["healthy"], true);
}

#[test]
fn long_answers_are_packed_where_that_is_accepted() {
    let cluster = shared();
    let answer = request(cluster.master(), "GET", "/state", &[("Accept-Encoding", "gzip")], b"");
    assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("gzip")));
    assert!(answer.body.starts_with(&[0x1f, 0x8b]));
    let answer = get(cluster.master(), "/state");
    assert_eq!(answer.header("content-encoding"), None);
}

/// It asks for packed answers, announces long bodies by `Expect`, and speaks older forms of HTTP.
#[test]
fn curl_gets_what_it_asks_for() {
    let cluster = shared();
    let url = |path: &str| format!("http://{}{path}", cluster.master());
    let Some(state) = curl(&["--compressed", &url("/state")]) else { return };
    let state: serde_json::Value = serde_json::from_str(&state.stdout).expect("JSON");
    assert_eq!(state["activated_slaves"], 2.0);
    let call = format!("{}{}", json!({ "type": "GET_HEALTH" }), " ".repeat(2 << 20));
    let path = cluster.scratch.file("call.json", &call);
    let (data, call_url) = (format!("@{path}"), url("/api/v1"));
    let post = ["--header", "Content-Type: application/json", "--data-binary", &data, &call_url];
    for form in [&[][..], &["--http1.0"], &["--header", "Transfer-Encoding: chunked"]] {
        let answer = curl(&[form, &post].concat()).expect("there is curl").stdout;
        assert_eq!(answer, r#"{"type":"GET_HEALTH","get_health":{"healthy":true}}"#, "{form:?}");
    }
    let head = curl(&["--head", &url("/master/redirect")]).expect("there is curl").stdout;
    assert!(head.starts_with("HTTP/1.1 307 "), "{head}");
}
