//! Traces between machines.

use std::time::Duration;

use libprocess::http::encode_message;
use libprocess::trace::{TraceContext, current};
use libprocess::{Context, Pid, Process, Promise, Upid};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::support::{assert_below, handled_by, node};

const PATIENCE: Duration = Duration::from_secs(20);

/// Answers `ping` with `pong`, and tells in which trace that came.
#[derive(Default)]
struct Player {
    heard: Option<Promise<Option<TraceContext>>>,
}

impl Process for Player {
    const ID_PREFIX: &'static str = "player";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("ping", |player, cx, from, _body| {
            player.hear();
            cx.send_raw(from, "pong", Vec::new());
        });
        cx.install_raw("pong", |player, _cx, _from, _body| player.hear());
    }
}

impl Player {
    fn hear(&mut self) {
        if let Some(heard) = self.heard.take() {
            heard.set(current());
        }
    }
}

#[tokio::test]
async fn answer_from_another_machine_belongs_to_the_trace_of_the_question() {
    // Short and long messages take different ways.
    for length in [0, 10, 100_000] {
        let (here, there) = (node().await, node().await);
        let (promise, heard) = Promise::pair();
        let asking = here.spawn(Player { heard: Some(promise) });
        let answering = there.spawn(Player::default());
        let (context, to) = (TraceContext::root(), answering.upid().clone());
        context.scope(|| asking.tell(move |_player, cx| cx.send_raw(&to, "ping", vec![7; length])));
        heard.await.unwrap().unwrap();
        let ping = handled_by(context, &answering);
        assert_eq!((ping.field("kind"), ping.field("name")), ("message", "ping"));
        assert!(ping.parent().is_none(), "{ping:?}");
        let asker = asking.upid().to_string();
        let noted = super::support::handled(context);
        let by_asker: Vec<_> = noted.iter().filter(|noted| noted.field("pid") == asker).collect();
        let [asked, pong] = by_asker[..] else { panic!("{by_asker:?}") };
        assert_below(&ping, asked);
        assert_below(pong, &ping);
        assert_eq!(pong.field("name"), "pong");
        here.shutdown().await;
        there.shutdown().await;
    }
}

#[tokio::test]
async fn message_on_the_same_machine_is_below_its_sender() {
    let node = node().await;
    let (promise, heard) = Promise::pair();
    let (one, two) = (node.spawn(Player::default()), node.spawn(Player { heard: Some(promise) }));
    let (context, to) = (TraceContext::root(), two.upid().clone());
    context.scope(|| one.tell(move |_player, cx| cx.send_raw(&to, "pong", Vec::new())));
    heard.await.unwrap().unwrap();
    let (one, two) = (handled_by(context, &one), handled_by(context, &two));
    assert_below(&two, &one);
    assert_eq!(two.parent().unwrap().fields, one.fields);
}

#[tokio::test]
async fn message_is_the_plain_bytes_and_one_header() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = node().await;
    let (from, to) = (Upid::new("me", node.address()), Upid::new("you", listener.local_addr().unwrap()));
    let context = TraceContext::root();
    context.scope(|| node.send_raw(&from, &to, "ping", b"hi".to_vec()));
    let plain = encode_message(&from.to_string(), "you", "ping", b"hi");
    let header = format!("traceparent: {context}\r\n");
    let mut bytes = vec![0; plain.len() + header.len()];
    let (mut stream, _) = listener.accept().await.unwrap();
    timeout(PATIENCE, stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(&header), "{text}");
    assert_eq!(text.replacen(&header, "", 1).into_bytes(), plain);
}

/// In which trace a message with these headers is handled.
async fn trace_of(player: &Pid<Player>, headers: &str) -> TraceContext {
    let (promise, heard) = Promise::pair();
    player.ask(move |player, _cx| player.heard = Some(promise)).await.unwrap();
    let upid = player.upid();
    let mut stream = TcpStream::connect(upid.address()).await.unwrap();
    let head =
        format!("POST /{}/pong HTTP/1.1\r\nLibprocess-From: x@127.0.0.1:1\r\n{headers}\r\n", upid.id());
    stream.write_all(head.as_bytes()).await.unwrap();
    timeout(PATIENCE, heard).await.unwrap().unwrap().expect("it is traced")
}

#[tokio::test]
async fn header_is_read_on_both_ways_and_ignored_if_it_is_garbage() {
    let node = node().await;
    let player = node.spawn(Player::default());
    let known = TraceContext::root();
    // What has more than the plain headers is for the HTTP server.
    for way in ["", "Connection: close\r\nContent-Length: 0\r\n"] {
        let found = trace_of(&player, &format!("{way}traceparent: {known}\r\n")).await;
        assert_eq!(found.trace_id(), known.trace_id(), "{way}");
        for garbage in
            ["", "00", "garbage", "00-0-0-00", "\u{fc}", &format!("{known}x"), &format!("{known},{known}")]
        {
            let found = trace_of(&player, &format!("{way}traceparent: {garbage}\r\n")).await;
            assert_ne!(found.trace_id(), known.trace_id(), "{way} {garbage}");
            assert!(handled_by(found, &player).field("parent_id").is_empty(), "{way} {garbage}");
        }
        let twice = format!("{way}traceparent: {known}\r\ntraceparent: {known}\r\n");
        assert_ne!(trace_of(&player, &twice).await.trace_id(), known.trace_id(), "{way}");
    }
}
