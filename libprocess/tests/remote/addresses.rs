//! Nodes that are reached at IPv6 addresses, or behind a translation of addresses.

use std::net::SocketAddr;

use libprocess::{Node, Pid};
use tokio::net::{TcpListener, TcpStream};

use super::support::{Recorder, node, until};

/// A message there and one back, a link, and its end.
async fn check_both_ways(here: Node, there: Node) {
    let asking = here.spawn(Recorder::default());
    let answering = there.spawn(Recorder::default());
    let to = answering.upid().clone();
    asking
        .ask(move |_recorder, cx| {
            cx.link(&to);
            cx.send_raw(&to, "ask", b"hi".to_vec());
        })
        .await
        .unwrap();
    until(&asking, |recorder| recorder.notes.iter().any(|(_, body)| body == b"hi")).await;
    let from = asking.ask(|recorder, _cx| recorder.notes[0].0.clone()).await.unwrap();
    assert_eq!(&from, answering.upid());
    there.shutdown().await;
    until(&asking, |recorder| !recorder.exits.is_empty()).await;
    assert_eq!(asking.ask(|recorder, _cx| recorder.exits.clone()).await.unwrap(), [from]);
}

#[tokio::test]
async fn nodes_at_ipv6_addresses_talk_with_each_other() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let start = |bind: &str| Node::builder().bind(bind.parse().unwrap()).start();
    let (here, there) = (start("[::1]:0").await.unwrap(), start("[::1]:0").await.unwrap());
    assert!(here.address().is_ipv6());
    check_both_ways(here, there).await;
    let (here, there) = (start("127.0.0.1:0").await.unwrap(), start("[::1]:0").await.unwrap());
    check_both_ways(here, there).await;
}

#[tokio::test]
async fn node_at_all_ipv6_addresses_is_reached_at_one() {
    let Ok(node) = Node::builder().bind("[::]:0".parse().unwrap()).start().await else {
        eprintln!("skipped: this machine has no IPv6");
        return;
    };
    assert!(node.address().is_ipv6());
    assert!(!node.address().ip().is_unspecified());
}

/// Takes connections in at one address, and passes them on to another.
async fn forward(listener: TcpListener, to: SocketAddr) {
    while let Ok((mut near, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut far = TcpStream::connect(to).await?;
            tokio::io::copy_bidirectional(&mut near, &mut far).await
        });
    }
}

/// Neither the address nor the port at which it listens is one that others know.
#[tokio::test]
async fn node_behind_a_translation_is_reached_at_the_address_that_it_tells() {
    let outside = TcpListener::bind("127.0.0.3:0").await.unwrap();
    let known = outside.local_addr().unwrap();
    // Nobody else here listens at this address, so that the port is still free afterwards.
    let inside = std::net::TcpListener::bind("127.0.0.2:0").unwrap().local_addr().unwrap();
    let start = || async {
        let node = Node::builder().bind(inside).advertise_ip(known.ip()).advertise_port(known.port());
        node.start().await.unwrap()
    };
    tokio::spawn(forward(outside, inside));
    let hidden = start().await;
    assert_eq!(hidden.address(), known);
    check_both_ways(hidden.clone(), node().await).await;

    // What it sends to itself does not leave it.
    let (one, two) = (hidden.spawn(Recorder::default()), hidden.spawn(Recorder::default()));
    let to: Pid<Recorder> = two.clone();
    one.tell(move |_recorder, cx| cx.send_raw(to.upid(), "note", b"x".to_vec()));
    until(&two, |recorder| recorder.notes.len() == 1).await;
    hidden.shutdown().await;

    check_both_ways(node().await, start().await).await;
}
