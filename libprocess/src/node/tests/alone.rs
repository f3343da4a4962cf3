//! Nodes that reach no other.

use super::*;
use crate::Exit;

#[tokio::test]
async fn process_of_another_node_is_gone_for_who_links_to_or_monitors_it() {
    let ((clock, here), there) = (paused_node().await, node().await);
    let watcher = here.spawn(Recorder::default());
    let other = there.spawn(Recorder::default());
    let to = other.upid().clone();
    let (promise, exit) = Promise::pair();
    watcher.tell(move |_recorder, cx| {
        cx.link(&to);
        cx.monitor(&to, move |_recorder, _cx, exit| promise.set(exit));
        cx.send_raw(&to, "number", b"7".to_vec());
    });
    clock.settle().await;
    assert_eq!(exit.await, Ok(Exit::ConnectionLost));
    let exits = watcher.ask(|recorder, _cx| recorder.exits.clone()).await.unwrap();
    assert_eq!(exits, [other.upid().clone()]);
    assert_eq!(other.ask(|recorder, _cx| recorder.seen.len()).await, Ok(0));
}

#[cfg(not(feature = "http"))]
#[tokio::test]
async fn nodes_have_addresses_of_their_own_although_nobody_listens_there() {
    assert_ne!(node().await.address(), node().await.address());
    let address = "10.0.0.1:5050".parse().unwrap();
    let [first, second] = [Node::builder().bind(address), Node::builder().bind(address)];
    assert_eq!(first.start().await.unwrap().address(), address);
    assert_eq!(second.start().await.unwrap().address(), address, "an address is free to be named twice");
}

#[cfg(feature = "http")]
#[tokio::test]
async fn message_of_another_node_is_refused() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let node = node().await;
    let recorder = node.spawn_as("recorder", Recorder::default()).unwrap();
    let message = crate::http::encode_message("a@127.0.0.1:1", "recorder", "number", b"7");
    let mut stream = tokio::net::TcpStream::connect(node.address()).await.unwrap();
    stream.write_all(&message).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert_eq!(recorder.ask(|recorder, _cx| recorder.seen.len()).await, Ok(0));
}
