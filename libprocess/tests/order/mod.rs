//! The order of messages.

use std::time::Duration;

use libprocess::{Context, Node, Process, Upid};
use tokio::sync::mpsc;
use tokio::time::timeout;

const MESSAGES: u32 = 2000;

struct Receiver {
    numbers: mpsc::UnboundedSender<u32>,
}

impl Process for Receiver {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("Number", |receiver, _cx, _from, body| {
            let number = u32::from_be_bytes(body[..].try_into().unwrap());
            let _ = receiver.numbers.send(number);
        });
    }
}

struct Sender;

impl Process for Sender {}

/// Without a link a connection ends when nothing waits: what is sent over the next one comes later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_keep_their_order_over_connections_that_come_and_go() {
    let (here, there) = (Node::builder().start().await.unwrap(), Node::builder().start().await.unwrap());
    let (numbers, mut received) = mpsc::unbounded_channel();
    let to: Upid = there.spawn(Receiver { numbers }).upid().clone();
    let sender = here.spawn(Sender);
    for number in 0..MESSAGES {
        let to = to.clone();
        sender.tell(move |_sender, cx| cx.send_raw(&to, "Number", number.to_be_bytes().to_vec()));
        // Connections end between some of them.
        for _ in 0..number % 50 {
            tokio::task::yield_now().await;
        }
    }
    for expected in 0..MESSAGES {
        let number = timeout(Duration::from_secs(20), received.recv()).await;
        assert_eq!(number.expect("all of them come"), Some(expected));
    }
    here.shutdown().await;
    there.shutdown().await;
}
