//! The old protocol, byte by byte; `clients.rs` has drivers that speak it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use mesos_api::v1::FrameworkInfo;
use mesos_api::{internal, json, protobuf};

use crate::harness::{Connection, PATIENCE, framework_info, get, get_json, shared};

/// A process with a port of its own, which messages are sent to.
struct Peer {
    listener: TcpListener,
    pid: String,
}

impl Peer {
    fn new(id: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let pid = format!("{id}@{}", listener.local_addr().expect("an address"));
        Self { listener, pid }
    }

    /// Waits for a connection of the other side, and for a request on it: its lines, and its body.
    fn receive(&self) -> (TcpStream, Vec<String>, Vec<u8>) {
        let (mut stream, _) = self.listener.accept().expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let mut received = Vec::new();
        let end = |received: &[u8]| received.windows(5).position(|part| part == b"0\r\n\r\n");
        while end(&received).is_none() {
            let mut part = [0; 4096];
            let count = stream.read(&mut part).expect("a request");
            assert!(count > 0, "{:?}", String::from_utf8_lossy(&received));
            received.extend_from_slice(&part[..count]);
        }
        let head = received.windows(4).position(|part| part == b"\r\n\r\n").expect("a head");
        let lines = String::from_utf8_lossy(&received[..head]).lines().map(str::to_owned).collect();
        let chunk = &received[head + 4..];
        let size = chunk.windows(2).position(|part| part == b"\r\n").expect("a size");
        let length = usize::from_str_radix(&String::from_utf8_lossy(&chunk[..size]), 16).expect("a size");
        let body = chunk[size + 2..][..length].to_vec();
        stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").expect("an answer");
        (stream, lines, body)
    }
}

fn register() -> Vec<u8> {
    let framework: FrameworkInfo = json::from_str(&framework_info("old").to_string()).expect("a framework");
    protobuf::encode(&internal::RegisterFrameworkMessage { framework })
}

/// Who sends a message gets the answer to it as a message, over a connection of the other side.
#[test]
fn answer_to_a_message_comes_over_a_connection_of_the_other_side() {
    let cluster = shared();
    let leader = get_json(cluster.master(), "/state")["leader"].as_str().expect("a PID").to_owned();
    assert_eq!(leader, format!("master@{}", cluster.master()));
    let body = register();
    for old in [true, false] {
        let peer = Peer::new(&format!("scheduler-{}", uuid::Uuid::new_v4()));
        let pid = &peer.pid;
        let mut request = if old {
            format!(
                "POST /master/mesos.internal.RegisterFrameworkMessage HTTP/1.0\r\nLibprocess-From: {pid}\r\n\
                 Connection: Keep-Alive\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )
            .into_bytes()
        } else {
            format!(
                "POST /master/mesos.internal.RegisterFrameworkMessage HTTP/1.1\r\nUser-Agent: libprocess/{pid}\r\n\
                 Libprocess-From: {pid}\r\nConnection: Keep-Alive\r\nHost: \r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
                body.len()
            )
            .into_bytes()
        };
        request.extend_from_slice(&body);
        if !old {
            request.extend_from_slice(b"\r\n0\r\n\r\n");
        }
        let mut connection = Connection::open(cluster.master());
        connection.send(&request);
        assert_eq!(connection.answer().expect("an answer").status, 202);

        let (_stream, lines, body) = peer.receive();
        let id = pid.split('@').next().expect("an id");
        assert_eq!(lines[0], format!("POST /{id}/mesos.internal.FrameworkRegisteredMessage HTTP/1.1"));
        for line in [
            format!("User-Agent: libprocess/{leader}"),
            format!("Libprocess-From: {leader}"),
            "Connection: Keep-Alive".to_owned(),
            "Host: ".to_owned(),
            "Transfer-Encoding: chunked".to_owned(),
        ] {
            let found = lines.iter().any(|found| found.trim_end().eq_ignore_ascii_case(line.trim_end()));
            assert!(found, "{line:?} is not among {lines:?}");
        }
        let registered: internal::FrameworkRegisteredMessage = protobuf::decode(&body).expect("a message");
        assert_eq!(registered.master_info.pid.as_deref(), Some(leader.as_str()));
    }
}

/// As long as the process exists, whatever the message is.
#[test]
fn messages_are_answered_by_202_or_404() {
    let cluster = shared();
    for (head, status) in [
        ("POST /master/no.such.Message HTTP/1.1\r\nLibprocess-From: a@127.0.0.1:1\r\n\r\n", 202),
        ("POST /master/no.such.Message HTTP/1.1\r\nUser-Agent: libprocess/a@127.0.0.1:1\r\n\r\n", 202),
        ("POST /master/no.such.Message HTTP/1.1\r\nlibprocess-from: garbage\r\n\r\n", 202),
        ("POST /master HTTP/1.1\r\nLibprocess-From: a@127.0.0.1:1\r\n\r\n", 202),
        ("POST /master/api/v1 HTTP/1.1\r\nLibprocess-From: a@127.0.0.1:1\r\n\r\n", 202),
        ("POST /nobody/mesos.scheduler.Call HTTP/1.1\r\nLibprocess-From: a@127.0.0.1:1\r\n\r\n", 404),
    ] {
        let mut connection = Connection::open(cluster.master());
        connection.send(head.as_bytes());
        let answer = connection.answer().expect("an answer");
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{head}");
    }
    assert_eq!(get(cluster.master(), "/state").status, 200);
}
