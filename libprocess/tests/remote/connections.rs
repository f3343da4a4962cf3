//! Over which connections messages go, and what their ends mean.

use libprocess::http::encode_message;
use libprocess::{Node, Pid};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::support::{Ear, PATIENCE, Recorder, assert_ends, bodies, node, read_to, until};

/// The end of a message with a body, and of one without.
const BODY_END: &[u8] = b"\r\n0\r\n\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";

async fn send(pid: &Pid<Recorder>, to: &Ear, name: &'static str, body: &'static [u8]) {
    let to = to.upid();
    pid.ask(move |_recorder, cx| cx.send_raw(&to, name, body.to_vec())).await.unwrap();
}

async fn recorder() -> (Node, Pid<Recorder>) {
    let node = node().await;
    let pid = node.spawn(Recorder::default());
    (node, pid)
}

async fn exits(pid: &Pid<Recorder>) -> usize {
    pid.ask(|recorder, _cx| recorder.exits.len()).await.unwrap()
}

#[tokio::test]
async fn messages_are_the_bytes_that_cpp_libprocess_sends() {
    let lines = include_str!("../samples/libprocess.jsonl").lines();
    let samples = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let sent: Vec<_> = samples.filter(|sample| sample["kind"] == "sent").collect();
    assert!(!sent.is_empty());
    for sample in sent {
        let ear = Ear::open().await;
        let node = node().await;
        let pid = node.spawn_as("slave-observer(1)", Recorder::default()).unwrap();
        send(&pid, &ear, "mesos.internal.PingSlaveMessage", &[8, 1]).await;
        send(&pid, &ear, "mesos.internal.PongSlaveMessage", b"").await;
        let mut stream = ear.accept().await;
        let measured = sample["bytes"].as_str().unwrap();
        let measured = measured.replace("127.0.0.1:5050", &node.address().to_string());
        let mut came = vec![0; measured.len()];
        timeout(PATIENCE, stream.read_exact(&mut came)).await.unwrap().unwrap();
        assert_eq!(String::from_utf8(came).unwrap(), measured);
    }
}

#[tokio::test]
async fn messages_of_any_length_keep_their_order() {
    const MESSAGES: usize = 3000;
    let (there, receiver) = recorder().await;
    let (here, sender) = recorder().await;
    let length = |number: usize| [0, 50, 20_000, 100, 200_000, 1][number % 6].max(8);
    let to = receiver.upid().clone();
    let sending = here.clone();
    here.run(async move {
        for number in 0..MESSAGES {
            let mut body = number.to_le_bytes().to_vec();
            body.resize(length(number), 7);
            sending.send_raw(sender.upid(), &to, "note", body);
            sending.room(&to).await;
        }
    });
    until(&receiver, |recorder| recorder.notes.len() == MESSAGES).await;
    for (number, body) in bodies(&receiver).await.into_iter().enumerate() {
        assert_eq!((body.first_chunk(), body.len()), (Some(&number.to_le_bytes()), length(number)));
    }
    here.shutdown().await;
    there.shutdown().await;
}

#[tokio::test]
async fn connection_without_a_link_is_used_again_and_then_closed() {
    let ear = Ear::open().await;
    let (_node, pid) = recorder().await;
    send(&pid, &ear, "first", b"1").await;
    let mut stream = ear.accept().await;
    read_to(&mut stream, BODY_END).await;
    send(&pid, &ear, "second", b"2").await;
    read_to(&mut stream, BODY_END).await;
    assert_ends(&mut stream).await;
}

/// Otherwise a message could overtake one that was sent before it.
#[tokio::test]
async fn new_connection_waits_for_the_end_of_the_one_before() {
    let ear = Ear::open().await;
    let (_node, pid) = recorder().await;
    send(&pid, &ear, "first", b"1").await;
    let mut old = ear.accept().await;
    read_to(&mut old, BODY_END).await;
    assert_ends(&mut old).await;
    send(&pid, &ear, "second", b"2").await;
    assert!(futures::FutureExt::now_or_never(ear.accept()).is_none());
    drop(old);
    read_to(&mut ear.accept().await, BODY_END).await;
}

#[tokio::test]
async fn link_holds_the_connection_and_each_has_one_exit() {
    let ear = Ear::open().await;
    let (node, one) = recorder().await;
    let two = node.spawn(Recorder::default());
    for pid in [&one, &two] {
        let to = ear.upid();
        pid.ask(move |_recorder, cx| (cx.link(&to), cx.link(&to))).await.unwrap();
    }
    let mut stream = ear.accept().await;
    send(&one, &ear, "m", b"").await;
    read_to(&mut stream, HEAD_END).await;
    drop(stream);
    for pid in [&one, &two] {
        until(pid, |recorder| !recorder.exits.is_empty()).await;
        assert_eq!(exits(pid).await, 1);
    }
}

#[tokio::test]
async fn link_anew_replaces_the_connection_without_an_exit() {
    let ear = Ear::open().await;
    let (_node, pid) = recorder().await;
    let to = ear.upid();
    pid.ask(move |_recorder, cx| cx.link(&to)).await.unwrap();
    let mut old = ear.accept().await;
    let to = ear.upid();
    pid.ask(move |_recorder, cx| cx.link_anew(&to)).await.unwrap();
    let mut new = ear.accept().await;
    assert_ends(&mut old).await;
    drop(old);
    send(&pid, &ear, "m", b"x").await;
    read_to(&mut new, BODY_END).await;
    assert_eq!(exits(&pid).await, 0);
    drop(new);
    until(&pid, |recorder| !recorder.exits.is_empty()).await;
    assert_eq!(exits(&pid).await, 1);
}

/// As behind a firewall that has forgotten the connection: it neither works nor ends.
#[tokio::test]
async fn dead_connection_does_not_hold_up_the_one_that_replaces_it() {
    let ear = Ear::open().await;
    let (_node, pid) = recorder().await;
    let to = ear.upid();
    pid.ask(move |_recorder, cx| cx.link(&to)).await.unwrap();
    let _dead = ear.accept().await;
    let to = ear.upid();
    pid.ask(move |_recorder, cx| cx.link_anew(&to)).await.unwrap();
    send(&pid, &ear, "m", b"x").await;
    read_to(&mut ear.accept().await, BODY_END).await;
    assert_eq!(exits(&pid).await, 0);
}

#[tokio::test]
async fn link_anew_to_where_nobody_listens_any_more_is_an_exit_of_all_links() {
    let ear = Ear::open().await;
    let (node, one) = recorder().await;
    let two = node.spawn(Recorder::default());
    let to = ear.upid();
    one.ask(move |_recorder, cx| cx.link(&to)).await.unwrap();
    let _old = ear.accept().await;
    let to = ear.upid();
    drop(ear);
    two.ask(move |_recorder, cx| cx.link_anew(&to)).await.unwrap();
    for pid in [&one, &two] {
        until(pid, |recorder| !recorder.exits.is_empty()).await;
        assert_eq!(exits(pid).await, 1);
    }
}

#[tokio::test]
async fn sender_can_wait_until_a_slow_peer_has_room() {
    const LONG: usize = 8 << 20;
    let ear = Ear::open().await;
    let (node, pid) = recorder().await;
    node.room(&ear.upid()).await; // Nothing waits.
    for _ in 0..6 {
        node.send_raw(pid.upid(), &ear.upid(), "m", vec![7; LONG]);
    }
    let stream = ear.accept().await;
    let to = ear.upid();
    let mut room = Box::pin(node.room(&to));
    assert!(futures::FutureExt::now_or_never(&mut room).is_none());
    let mut read = 0;
    let mut buffer = vec![0; 1 << 20];
    let mut stream = stream;
    let reading = async {
        while read < 6 * LONG {
            read += stream.read(&mut buffer).await.unwrap();
        }
    };
    timeout(PATIENCE, async { tokio::join!(reading, room) }).await.expect("there is room");
}

#[tokio::test]
async fn message_to_a_process_that_is_not_there_hurts_nobody() {
    let (_there, receiver) = recorder().await;
    let (here, sender) = recorder().await;
    let gone = libprocess::Upid::new("gone", receiver.upid().address());
    for to in [&gone, receiver.upid(), &gone, receiver.upid()] {
        here.send_raw(sender.upid(), to, "note", b"x".to_vec());
    }
    until(&receiver, |recorder| recorder.notes.len() == 2).await;
}

/// What C++ libprocess would answer to the same bytes.
#[tokio::test]
async fn dead_process_is_answered_with_404() {
    let (node, _pid) = recorder().await;
    let mut stream = tokio::net::TcpStream::connect(node.address()).await.unwrap();
    let message = encode_message("me@127.0.0.1:1", "gone", "m", b"x");
    tokio::io::AsyncWriteExt::write_all(&mut stream, &message).await.unwrap();
    let answer = read_to(&mut stream, HEAD_END).await;
    assert!(answer.starts_with(b"HTTP/1.1 404 Not Found\r\n"));
}
