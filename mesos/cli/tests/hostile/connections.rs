//! Connections that are slow, half closed, or gone.

use std::net::TcpStream;

use serde_json::json;

use crate::harness::{Connection, Events, Framework, framework_info, get, request_bytes, shared, until};

#[test]
fn slow_connections_keep_nobody_from_being_served() {
    let cluster = shared();
    let body = json!({ "type": "GET_HEALTH" }).to_string();
    let whole = request_bytes("POST", "/api/v1", &[("Content-Type", "application/json")], body.as_bytes());
    let mut slow: Vec<_> = (0..300).map(|_| Connection::open(cluster.master())).collect();
    let mut sent = 0;
    // A few bytes at a time, from the first of the head to the last but one of the body.
    for part in whole[..whole.len() - 1].chunks(16) {
        for connection in &mut slow {
            assert!(connection.send(part));
        }
        sent += part.len();
        assert_eq!(get(cluster.master(), "/health").status, 200, "after {sent} bytes");
    }
    for connection in &mut slow {
        connection.send(&whole[whole.len() - 1..]);
        assert_eq!(connection.answer().expect("an answer").status, 200);
    }
}

#[test]
fn request_on_a_half_closed_connection_is_answered() {
    let cluster = shared();
    let body = json!({ "type": "GET_STATE" }).to_string();
    let mut connection = Connection::open(cluster.master());
    connection.send(&request_bytes(
        "POST",
        "/api/v1",
        &[("Content-Type", "application/json")],
        body.as_bytes(),
    ));
    connection.finish();
    let answer = connection.answer().expect("an answer");
    assert_eq!((answer.status, &answer.json()["type"]), (200, &json!("GET_STATE")));
    assert!(connection.is_over());
}

#[test]
fn connection_that_ends_within_a_request_is_closed() {
    let cluster = shared();
    for part in
        ["", "GET", "GET /state HTTP/1.1\r\nHost:", "POST /api/v1 HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"]
    {
        let mut connection = Connection::open(cluster.master());
        connection.send(part.as_bytes());
        connection.finish();
        let answer = connection.answer();
        assert!(answer.as_ref().is_none_or(|answer| answer.status >= 400), "{part:?}: {answer:?}");
    }
    assert_eq!(get(cluster.master(), "/health").status, 200);
}

/// A framework whose connection breaks is disconnected; one without failover timeout is over.
#[test]
fn framework_that_vanishes_is_over_after_its_failover_timeout() {
    let cluster = shared();
    let mut info = framework_info("vanishing");
    info["failover_timeout"] = json!(0.0);
    let call = json!({ "type": "SUBSCRIBE", "subscribe": { "framework_info": info } });
    let mut events = Events::open(cluster.master(), "/api/v1/scheduler", &[], &call).expect("a stream");
    let id = events.next().expect("an event")["subscribed"]["framework_id"]["value"].clone();
    drop(events);
    let mut witness = Framework::subscribe(cluster.master(), framework_info("witness"));
    until("the framework to be over", || {
        let frameworks = witness.ask_master("GET_FRAMEWORKS");
        let over = frameworks["completed_frameworks"].as_array()?;
        over.iter().any(|row| row["framework_info"]["id"]["value"] == id).then_some(())
    });
    // What it was offered goes to others.
    witness.offer();
}

#[test]
fn connections_that_come_and_go_do_no_harm() {
    let cluster = shared();
    for round in 0..500 {
        let mut stream = TcpStream::connect(cluster.master()).expect("the master listens");
        if round % 2 == 0 {
            use std::io::Write;
            // Gone before the answer is written.
            let _ = stream.write_all(b"GET /state HTTP/1.1\r\nHost: t\r\n\r\n");
        }
    }
    assert_eq!(get(cluster.master(), "/health").status, 200);
}
