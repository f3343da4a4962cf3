//! Servers that are no masters, or not as they should be.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::call;
use crate::harness::{Finished, Scratch};

/// A server that does one thing with each connection, as long as the tests run; gives where it listens.
fn server(serve: impl Fn(TcpStream, &str) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a listener has an address").to_string();
    let own = address.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.expect("a connection"), &own);
        }
    });
    address
}

/// A server that answers whatever it is asked.
fn answering(answer: &'static str) -> String {
    server(move |mut stream, own| {
        let _ = stream.read(&mut [0; 65536]);
        let _ = stream.write_all(answer.replace("OWN", own).as_bytes());
    })
}

/// A server that says no more after `answer`, and keeps the connection.
fn silent(answer: &'static str) -> String {
    server(move |mut stream, _| {
        let _ = stream.read(&mut [0; 65536]);
        let _ = stream.write_all(answer.as_bytes());
        std::mem::forget(stream);
    })
}

#[track_caller]
fn check(done: &Finished, parts: &[&str]) {
    assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{}", done.stderr);
    for part in parts {
        assert!(done.stderr.contains(part), "{part}: {}", done.stderr);
    }
    assert!(!done.stderr.contains('\x1b') && !done.stderr.contains("panicked"), "{}", done.stderr);
}

/// The error names the flag, the address, and what was found there.
#[test]
fn server_that_is_no_master_is_told_from_one() {
    let scratch = Scratch::new();
    for (address, found) in [
        ("127.0.0.1:1".to_owned(), "cannot reach"),
        (silent(""), "--timeout"),
        (silent("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"), "in the middle of its answer"),
        (answering("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"), "cut its answer short"),
        (answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "as a Mesos master does"),
        (answering("SSH-2.0-OpenSSH_9.9\r\n"), "does not answer"),
        (answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "404"),
        (answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 7\r\n\r\na\x1b[31mb"), "503"),
        (answering("HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n\r\n"), "knows no leader"),
        (
            answering(
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: //OWN/api/v1\r\nContent-Length: 0\r\n\r\n",
            ),
            "redirect to each other",
        ),
    ] {
        let done = call(&scratch, &["tasks", "--timeout", "300ms", "--master", &address]);
        check(&done, &["--master", &address, found]);
    }
}

#[test]
fn run_gives_up_where_no_master_lets_it_in() {
    let scratch = Scratch::new();
    for (address, found) in [
        ("127.0.0.1:1".to_owned(), "Connection refused"),
        (silent(""), "no answer"),
        (answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), "503"),
        ("nohost.invalid:5050".to_owned(), "failed to lookup address"),
    ] {
        let done = call(&scratch, &["run", "--timeout", "700ms", "--master", &address, "true"]);
        check(&done, &["--master", &address, "--timeout", found]);
    }
}

#[test]
fn master_that_does_not_lead_sends_on_to_the_one_that_does() {
    let cluster = crate::harness::shared();
    let leader = cluster.master().to_owned();
    let other = server(move |mut stream, _| {
        let _ = stream.read(&mut [0; 65536]);
        let head = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: //{leader}/api/v1\r\n");
        let _ = stream.write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes());
    });
    for address in [other.clone(), format!("http://{other}/")] {
        let agents = call(&cluster.scratch, &["agents", "--master", &address]);
        assert_eq!((agents.code, agents.stdout.lines().count()), (Some(0), 3), "{}", agents.stderr);
        let run = call(&cluster.scratch, &["run", "--master", &address, "echo led"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "led\n"), "{}", run.stderr);
    }
}
