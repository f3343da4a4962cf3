//! Faults on purpose.

use std::time::Duration;

use libprocess::remote::{Direction, Fault, Faults, Passing};
use libprocess::{Clock, Node, Pid, Time};

use super::support::{Recorder, bodies, node, until};

struct Pair {
    faults: Faults,
    clock: Clock,
    /// Has the faults.
    near: Pid<Recorder>,
    far: Pid<Recorder>,
}

async fn pair() -> Pair {
    let (faults, clock) = (Faults::new(), Clock::paused(Time::EPOCH));
    let near = Node::builder().faults(&faults).clock(clock.clone()).start().await.unwrap();
    let far = node().await;
    Pair { faults, clock, near: near.spawn(Recorder::default()), far: far.spawn(Recorder::default()) }
}

/// Sends notes in order, the last of which no test touches.
async fn send(from: &Pid<Recorder>, to: &Pid<Recorder>, notes: &[&'static str]) {
    for &note in notes {
        let to = to.upid().clone();
        from.ask(move |_recorder, cx| cx.send_raw(&to, "note", note.as_bytes().to_vec())).await.unwrap();
    }
}

async fn come(pid: &Pid<Recorder>) -> Vec<String> {
    until(pid, |recorder| recorder.notes.iter().any(|(_, body)| body == b"last")).await;
    bodies(pid).await.into_iter().map(|body| String::from_utf8(body).unwrap()).collect()
}

fn has(body: &'static str) -> impl Fn(&Passing<'_>) -> bool {
    move |message| message.body == body.as_bytes()
}

#[tokio::test]
async fn message_is_lost_on_its_way_out_or_in() {
    let Pair { faults, near, far, .. } = pair().await;
    let lost = faults.always(Fault::Drop, has("x"));
    send(&near, &far, &["x", "last"]).await;
    assert_eq!(come(&far).await, ["last"]);
    send(&far, &near, &["x", "last"]).await;
    assert_eq!(come(&near).await, ["last"]);
    assert_eq!(lost.hits(), 2);
}

#[tokio::test]
async fn message_is_doubled() {
    let Pair { faults, near, far, .. } = pair().await;
    let (from, to) = (near.upid().clone(), far.upid().clone());
    faults.always(Fault::Duplicate, move |message| {
        *message.from == from && *message.to == to && message.name == "note" && message.body == b"x"
    });
    faults
        .always(Fault::Duplicate, |message| message.direction == Direction::Received && message.body == b"y");
    send(&near, &far, &["x", "y", "last"]).await;
    assert_eq!(come(&far).await, ["x", "x", "y", "last"]);
    send(&far, &near, &["x", "y", "last"]).await;
    assert_eq!(come(&near).await, ["x", "y", "y", "last"]);
}

#[tokio::test]
async fn message_is_late_by_the_clock_of_the_node() {
    let Pair { faults, clock, near, far } = pair().await;
    let late = faults.always(Fault::Delay(Duration::from_secs(60)), has("x"));
    send(&near, &far, &["x", "last"]).await;
    assert_eq!(come(&far).await, ["last"]);
    send(&far, &near, &["x", "last"]).await;
    assert_eq!(come(&near).await, ["last"]);
    assert_eq!(late.hits(), 2);
    clock.advance(Duration::from_secs(60)).await;
    until(&far, |recorder| recorder.notes.len() == 2).await;
    until(&near, |recorder| recorder.notes.len() == 2).await;
}

#[tokio::test]
async fn rule_ends_after_its_count_or_when_told() {
    let Pair { faults, near, far, .. } = pair().await;
    let counted = faults.times(2, Fault::Drop, has("x"));
    let ended = faults.always(Fault::Drop, has("y"));
    ended.end();
    send(&near, &far, &["x", "x", "x", "y", "last"]).await;
    assert_eq!(come(&far).await, ["x", "y", "last"]);
    assert_eq!((counted.hits(), ended.hits()), (2, 0));
}
