//! Which rings are seen.

use super::*;

#[cfg(feature = "http")]
mod page;

use crate::{Clock, Pid, Process, Promise, Time};

const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the next one when it is asked, and answers when it has the answer.
#[derive(Default)]
struct Link {
    next: Option<Pid<Link>>,
    kept: Vec<Promise<u32>>,
}

impl Process for Link {}

impl Link {
    fn question(&mut self) -> Future<u32> {
        match &self.next {
            Some(next) => next.ask_future(|link, _cx| link.question()),
            None => {
                let (promise, future) = Promise::pair();
                self.kept.push(promise);
                future
            }
        }
    }
}

async fn chain(length: usize) -> (Clock, Node, Vec<Pid<Link>>) {
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).watch_asks(PATIENCE).start().await.unwrap();
    let links: Vec<_> = (0..length).map(|_| node.spawn(Link::default())).collect();
    for (link, next) in links.iter().zip(&links[1..]) {
        let next = next.clone();
        link.tell(move |link, _cx| link.next = Some(next));
    }
    (clock, node, links)
}

fn report(node: &Node, pid: &Pid<Link>) -> (Vec<String>, Option<Vec<String>>) {
    node.asks().unwrap().report(&*pid.shared)
}

#[tokio::test]
async fn chain_is_no_ring_and_is_forgotten_with_its_answer() {
    let (clock, node, links) = chain(3).await;
    let answer = links[0].ask_future(|link, _cx| link.question());
    clock.settle().await;
    assert_eq!(report(&node, &links[0]), (vec!["process(2)".to_owned()], None));
    assert_eq!(report(&node, &links[2]), (vec![], None));
    let kept = links[2].ask(|link, _cx| link.kept.pop().unwrap()).await.unwrap();
    kept.set(7);
    assert_eq!(answer.await, Ok(7));
    clock.advance(PATIENCE).await;
    assert_eq!(report(&node, &links[0]), (vec![], None));
    assert!(node.asks().unwrap().state.lock().waits.is_empty());
}

/// Has the last one of four ask the second one. It asks itself by way of others, and never has an answer.
fn close(links: &[Pid<Link>]) {
    let (second, last) = (links[1].clone(), &links[3]);
    last.tell(move |_link, _cx| {
        let answer = second.ask_future(|link, _cx| {
            let (promise, future) = Promise::pair();
            link.kept.push(promise);
            future
        });
        let (promise, _) = Promise::pair();
        promise.associate(answer);
    });
}

#[tokio::test]
async fn ring_is_seen_from_each_of_its_processes() {
    let (clock, node, links) = chain(4).await;
    close(&links);
    let answer = links[0].ask_future(|link, _cx| link.question());
    clock.settle().await;
    assert_eq!(report(&node, &links[0]).1, None, "it leads into the ring, and is not in it");
    for (link, expected) in [(1, [2, 3, 4]), (2, [3, 4, 2]), (3, [4, 2, 3])] {
        let ring = report(&node, &links[link]).1.unwrap();
        assert_eq!(ring, expected.map(|number| format!("process({number})")));
    }
    let asks = node.asks().unwrap();
    let all: Vec<_> = {
        let state = asks.state.lock();
        let waits = state.waits.iter();
        waits.flat_map(|(waiter, waits)| waits.iter().map(|wait| (*waiter, wait.number))).collect()
    };
    assert_eq!(all.len(), 4);
    let reported: Vec<_> =
        all.into_iter().filter_map(|(waiter, number)| asks.ring_closed_by(waiter, number)).collect();
    assert_eq!(reported.len(), 1, "once, whoever looks");
    clock.advance(PATIENCE).await;
    assert!(answer.is_pending());
}

#[tokio::test]
async fn who_lost_interest_does_not_wait() {
    let (clock, node, links) = chain(2).await;
    let other = links[1].clone();
    links[0].ask(move |_link, _cx| drop(other.ask_future(|link, _cx| link.question()))).await.unwrap();
    clock.settle().await;
    assert_eq!(report(&node, &links[0]), (vec![], None));
}
