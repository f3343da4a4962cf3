//! How the messages of other nodes are taken in.

use std::time::Duration;

use libprocess::http::{Limits, encode_message};
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::support::{PATIENCE, Raw, Server};

const FROM: &str = "me(1)@127.0.0.1:5051";

const SHORT: Duration = Duration::from_millis(50);

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

async fn codes(raw: &mut Raw, count: usize) -> Vec<u16> {
    let mut codes = Vec::new();
    for _ in 0..count {
        codes.push(raw.answer().await.0.code().as_u16());
    }
    codes
}

#[tokio::test]
async fn every_message_is_answered_in_its_turn_among_requests_too() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    let known = encode_message(FROM, "master", "m", b"abc");
    let unknown = encode_message(FROM, "nobody", "m", b"");
    let request = b"GET /len?n=0 HTTP/1.1\r\n\r\n".to_vec();
    let sent = [&known, &unknown, &known, &request, &known, &unknown, &request, &known];
    raw.send(sent.into_iter().flatten().copied().collect::<Vec<u8>>()).await;
    assert_eq!(codes(&mut raw, 8).await, [202, 404, 202, 200, 202, 404, 200, 202]);
    assert_eq!(server.delivered(4).await.len(), 4);
    raw.assert_kept_open().await;
}

#[tokio::test]
async fn messages_of_one_write_are_all_delivered_and_answered() {
    const MESSAGES: usize = 20_000;
    let server = Server::start().await;
    let raw = server.raw().await;
    let (reading, mut writing) = raw.0.into_inner().into_split();
    let sending = tokio::spawn(async move {
        let all: Vec<u8> =
            (0..MESSAGES).flat_map(|n| encode_message(FROM, "master", &format!("m{n}"), b"x")).collect();
        writing.write_all(&all).await.unwrap();
        writing
    });
    let mut answers = Vec::new();
    let reading = async {
        let mut reading = reading;
        while answers.windows(4).filter(|end| end == b"\r\n\r\n").count() < MESSAGES {
            tokio::io::AsyncReadExt::read_buf(&mut reading, &mut answers).await.unwrap();
        }
    };
    timeout(PATIENCE, reading).await.unwrap();
    drop(sending.await.unwrap());
    assert_eq!(String::from_utf8(answers).unwrap().matches("HTTP/1.1 202 Accepted\r\n").count(), MESSAGES);
    let messages = server.delivered(MESSAGES).await;
    assert!(messages.iter().enumerate().all(|(n, message)| message.name == format!("m{n}")));
}

#[tokio::test]
async fn long_body_comes_whole_with_a_length_or_in_chunks() {
    let server = Server::start().await;
    let body: Vec<u8> = (0..5_000_000_u32).map(|n| n as u8).collect();
    let plain = format!(
        "POST /master/m HTTP/1.1\r\nLibprocess-From: {FROM}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let chunked =
        format!("POST /master/m HTTP/1.1\r\nLibprocess-From: {FROM}\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut chunks = chunked.into_bytes();
    for chunk in body.chunks(100_000) {
        chunks.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
        chunks.extend_from_slice(chunk);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    let mut raw = server.raw().await;
    raw.send(encode_message(FROM, "master", "m", &body)).await;
    raw.send([plain.as_bytes(), &body].concat()).await;
    raw.send(chunks).await;
    raw.send(encode_message(FROM, "master", "m", b"end")).await;
    let messages = server.delivered(4).await;
    assert!(messages[..3].iter().all(|message| message.body == body));
    assert_eq!(messages[3].body, "end");
}

#[tokio::test]
async fn message_whose_body_stops_coming_is_given_up() {
    let server = Server::with(limits(|limits| limits.body_wait_max = SHORT)).await;
    let mut raw = server.raw().await;
    let mut message = encode_message(FROM, "master", "m", b"abc");
    message.truncate(message.len() - 1);
    raw.send(message).await;
    let (head, body) = raw.answer().await;
    assert_eq!(head.status, "408 Request Timeout");
    assert_eq!(body, b"the body of the request does not come to its end");
    raw.assert_closed().await;
}

#[tokio::test]
async fn head_of_a_message_is_timed_and_silence_between_two_is_not() {
    let server = Server::with(limits(|limits| limits.head_wait_max = SHORT)).await;
    let message = encode_message(FROM, "master", "m", b"abc");
    let mut silent = server.raw().await;
    silent.send(&message).await;
    assert_eq!(codes(&mut silent, 1).await, [202]);
    let mut slow = server.raw().await;
    slow.send([&message[..], &message[..30]].concat()).await;
    assert_eq!(codes(&mut slow, 2).await, [202, 408]);
    slow.assert_closed().await;
    silent.send(&message).await;
    assert_eq!(codes(&mut silent, 1).await, [202]);
}

/// What such a peer sends is not read any more, so that its answers need no memory.
#[tokio::test]
async fn peer_that_reads_no_answers_is_cut_off() {
    let server = Server::with(limits(|limits| limits.write_wait_max = SHORT)).await;
    let mut raw = server.raw().await;
    let messages = encode_message(FROM, "nobody", "m", b"").repeat(1000);
    let cut = async { while raw.0.get_mut().write_all(&messages).await.is_ok() {} };
    timeout(PATIENCE, cut).await.expect("it is cut off");
}

type Message = (String, &'static str, String, Vec<u8>);

fn message() -> impl Strategy<Value = Message> {
    let from = prop::sample::select(vec![FROM, "other(2)@[::1]:5", "noPID"]).prop_map(str::to_owned);
    let id = prop::sample::select(vec!["master", "slave-observer(1)"]);
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..1),
        prop::collection::vec(any::<u8>(), 1..50),
        prop::collection::vec(any::<u8>(), 9_000..30_000),
    ];
    (from, id, "[A-Za-z.]{1,20}", body)
}

/// However the bytes of messages are cut into pieces, the messages that come out are the same.
#[test]
fn pieces_make_no_difference() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cases = (prop::collection::vec(message(), 1..12), prop::collection::vec(1_usize..4000, 1..20));
    proptest!(ProptestConfig::with_cases(64), |((messages, pieces) in cases)| {
        runtime.block_on(async {
            let server = Server::start().await;
            let mut raw = server.raw().await;
            let bytes: Vec<u8> = messages
                .iter()
                .flat_map(|(from, id, name, body)| encode_message(from, id, name, body))
                .collect();
            let mut rest = bytes.as_slice();
            let mut pieces = pieces.iter().cycle();
            while let Some(piece) = pieces.next().filter(|_| !rest.is_empty()) {
                let (piece, behind) = rest.split_at((*piece).min(rest.len()));
                raw.send(piece).await;
                tokio::task::yield_now().await;
                rest = behind;
            }
            assert_eq!(codes(&mut raw, messages.len()).await, vec![202; messages.len()]);
            let came = server.delivered(messages.len()).await.into_iter();
            let came = came.map(|it| (it.from, it.id, it.name, it.body.to_vec()));
            assert!(came.eq(messages.into_iter().map(|(from, id, name, body)| (from, id.to_owned(), name, body))));
        });
    });
}

/// Messages that were changed here and there end their own connection at worst, and soon.
#[test]
fn changed_messages_stop_neither_the_server_nor_their_own_connection_for_ever() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::with(limits(|limits| limits.body_wait_max = SHORT)));
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..5);
    let cases = (prop::collection::vec(message(), 1..4), changes);
    proptest!(ProptestConfig::with_cases(64), |((messages, changes) in cases)| {
        let mut bytes: Vec<u8> = messages
            .iter()
            .flat_map(|(from, id, name, body)| encode_message(from, id, name, body))
            .collect();
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len().min(400));
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        runtime.block_on(async {
            let mut raw = server.raw().await;
            // The server may have seen enough before it has seen all.
            let _ = raw.0.write_all(&bytes).await;
            let _ = raw.0.shutdown().await;
            raw.rest().await;
            server.raw().await.assert_kept_open().await;
        });
    });
}
