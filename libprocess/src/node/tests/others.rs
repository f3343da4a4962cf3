//! Messages and links between nodes.

use super::*;

/// Asks until the answer is as wanted: for what crosses a socket, which no clock covers.
async fn eventually<R: PartialEq + std::fmt::Debug + Send + 'static>(
    pid: &Pid<Recorder>,
    read: impl Fn(&Recorder) -> R + Copy + Send + 'static,
    wanted: R,
) {
    for _ in 0..2000 {
        if pid.ask(move |recorder, _cx| read(recorder)).await.unwrap() == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let last = pid.ask(move |recorder, _cx| read(recorder)).await.unwrap();
    assert_eq!(last, wanted, "after ten seconds");
}

#[tokio::test]
async fn messages_cross_nodes_in_order_over_a_link() {
    let (here, there) = (node().await, node().await);
    let sender = here.spawn(Recorder::default());
    let receiver = there.spawn(Recorder::default());
    let to = receiver.upid().clone();
    sender.tell(move |_recorder, cx| {
        cx.link(&to);
        for n in 0..1000 {
            cx.send_raw(&to, "number", n.to_string().into_bytes());
        }
    });
    eventually(&receiver, |recorder| recorder.seen.len(), 1000).await;
    let seen = receiver.ask(|recorder, _cx| recorder.seen.clone()).await.unwrap();
    assert!(seen.into_iter().eq(0..1000));
}

#[tokio::test]
async fn message_without_a_link_arrives_too() {
    let (here, there) = (node().await, node().await);
    let sender = here.spawn(Recorder::default());
    let receiver = there.spawn(Recorder::default());
    let to = receiver.upid().clone();
    for n in 0..3 {
        let to = to.clone();
        sender
            .ask(move |_recorder, cx| cx.send_raw(&to, "number", n.to_string().into_bytes()))
            .await
            .unwrap();
        eventually(&receiver, |recorder| recorder.seen.len(), n + 1).await;
    }
}

#[tokio::test]
async fn shutdown_of_another_node_is_an_exit() {
    let (here, there) = (node().await, node().await);
    let linker = here.spawn(Recorder::default());
    let linked = there.spawn(Recorder::default()).upid().clone();
    let to = linked.clone();
    linker.ask(move |_recorder, cx| cx.link(&to)).await.unwrap();
    there.shutdown().await;
    drop(there);
    eventually(&linker, |recorder| recorder.exits.len(), 1).await;
    assert_eq!(linker.ask(|recorder, _cx| recorder.exits.clone()).await.unwrap(), [linked]);
}

#[tokio::test]
async fn link_to_an_address_where_nobody_listens_is_an_exit() {
    let node = node().await;
    let linker = node.spawn(Recorder::default());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    linker.ask(move |_recorder, cx| cx.link(&Upid::new("gone", free))).await.unwrap();
    eventually(&linker, |recorder| recorder.exits.len(), 1).await;
}

#[tokio::test]
async fn last_words_of_a_node_are_heard() {
    struct Parting(Upid);
    impl Process for Parting {
        fn finalize(&mut self, cx: &mut Context<Self>) {
            cx.send_raw(&self.0, "number", b"7".to_vec());
        }
    }
    let (here, there) = (node().await, node().await);
    let receiver = there.spawn(Recorder::default());
    here.spawn(Parting(receiver.upid().clone()));
    here.shutdown().await;
    drop(here);
    eventually(&receiver, |recorder| recorder.seen.clone(), vec![7]).await;
}
