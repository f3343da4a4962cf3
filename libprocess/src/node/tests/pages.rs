//! What a node and its processes answer over HTTP.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::http::{Reply, Response};

struct Counted(u64);

impl Process for Counted {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.route("seen", "How many came.", |counted, _cx, _request| Response::text(counted.0.to_string()));
    }
}

#[tokio::test]
async fn routes_answer_with_and_without_the_name_of_the_delegate() {
    let node = Node::builder().delegate("recorder").start().await.unwrap();
    let counted = node.spawn_as("recorder", Counted(0)).unwrap();
    counted.ask(|counted, _cx| counted.0 += 1).await.unwrap();
    for (path, status, body) in [
        ("/recorder/seen", "200", "1"),
        ("/seen", "200", "1"),
        ("/seen/below", "200", "1"),
        ("/nothing", "404", ""),
        ("/recorder", "404", ""),
    ] {
        let answer = get(node.address(), path).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{path}: {answer}");
    }
    assert!(get(node.address(), "/help").await.contains("/recorder/seen"));
    let processes = get(node.address(), "/__processes__").await;
    assert!(processes.contains("\"id\":\"recorder\""), "{processes}");
    assert!(processes.contains("\"busy_secs\":") && processes.contains("\"waited_secs\":"), "{processes}");
}

#[tokio::test]
async fn request_that_comes_before_the_process_is_initialized_waits_for_it() {
    struct Slow(std::sync::mpsc::Receiver<()>);
    impl Process for Slow {
        fn initialize(&mut self, cx: &mut Context<Self>) {
            let _ = self.0.recv();
            cx.serve("page", "A page.", |_request| Response::text("here"));
        }
    }
    let node = node().await;
    let (release, held) = std::sync::mpsc::channel();
    let slow = node.spawn_as("slow", Slow(held)).unwrap();
    let asking = tokio::spawn(get(node.address(), "/slow/page"));
    // What waits for the process to be initialized.
    while slow.queued_dispatches() == 0 {
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
    let answer = asking.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("here"), "{answer}");
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn address_is_free_after_the_shutdown() {
    let first = node().await;
    // One connection is idle, one has a request under way that nobody answers.
    let _idle = tokio::net::TcpStream::connect(first.address()).await.unwrap();
    let mut asking = tokio::net::TcpStream::connect(first.address()).await.unwrap();
    struct Silent;
    impl Process for Silent {
        fn initialize(&mut self, cx: &mut Context<Self>) {
            cx.route("", "Never answers.", |_silent, _cx, _request| Reply::later(std::future::pending()));
        }
    }
    first.spawn_as("silent", Silent).unwrap();
    asking.write_all(b"GET /silent HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    first.shutdown().await;
    let second = Node::builder().bind(first.address()).start().await.unwrap();
    assert!(get(second.address(), "/help").await.starts_with("HTTP/1.1 200"));
}

/// A handler may hold its process.
#[tokio::test]
async fn routes_do_not_keep_a_node_that_was_shut_down() {
    let node = node().await;
    let pid = node.spawn(Counted(0));
    pid.ask(|_counted, cx| {
        let held = cx.pid();
        cx.serve("held", "Holds its process.", move |_request| Response::text(held.to_string()));
    })
    .await
    .unwrap();
    node.shutdown().await;
    let inner = Arc::downgrade(&node.inner);
    drop((node, pid));
    assert!(ends::is_freed(&inner).await);
}
