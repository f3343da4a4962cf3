//! Bounds hold, whoever sends.

use std::sync::mpsc;

use super::*;
use crate::{Clock, Context, FutureError, Time, Upid};

#[derive(Default)]
struct Worker {
    jobs: Vec<u32>,
}

impl Process for Worker {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("job", |worker, _cx, _from, body| worker.jobs.push(u32::from(body[0])));
    }
}

struct Held {
    clock: Clock,
    node: Node,
    pid: BoundedPid<Worker>,
    /// Dropped, it lets the worker go on.
    release: mpsc::Sender<()>,
}

/// A worker with a handler that does not come back yet, and nothing that waits.
async fn held(bound: Bound) -> Held {
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).start().await.unwrap();
    let pid = node.spawn_bounded_as("worker", Worker::default(), bound).unwrap();
    let (release, released) = mpsc::channel();
    let (started, starts) = tokio::sync::oneshot::channel();
    let hold = move |_worker: &mut Worker, _cx: &mut Context<Worker>| {
        started.send(()).unwrap();
        let _ = released.recv();
    };
    pid.try_tell(hold).unwrap();
    starts.await.unwrap();
    Held { clock, node, pid, release }
}

fn job(number: u32) -> impl FnOnce(&mut Worker, &mut Context<Worker>) + Send + 'static {
    move |worker, _cx| worker.jobs.push(number)
}

#[tokio::test]
async fn what_is_more_than_may_wait_is_given_back() {
    let held = held(Bound::refuse(2)).await;
    held.pid.try_tell(job(1)).unwrap();
    held.pid.send(job(2)).await.unwrap();
    let refused = held.pid.send(job(3)).await.unwrap_err();
    assert!(matches!(refused, Refused::Full(_)), "{refused}");
    assert!(held.pid.try_tell(job(4)).is_err());
    assert!(held.pid.try_ask(|_worker, _cx| ()).is_err());
    assert!(matches!(held.pid.ask(|_worker, _cx| ()).await, Err(FutureError::Failed(_))));
    assert_eq!(held.pid.refused(), 4);
    drop(held.release);
    held.clock.settle().await;
    held.pid.try_tell(refused.into_inner().unwrap()).unwrap();
    held.clock.settle().await;
    let jobs = held.pid.try_ask(|worker, _cx| worker.jobs.clone()).unwrap();
    assert_eq!(jobs.await.unwrap(), [1, 2, 3]);
}

#[tokio::test]
async fn who_waits_for_room_gets_it_in_order() {
    let held = held(Bound::wait(1)).await;
    held.pid.send(job(0)).await.unwrap();
    let mut waiting: Vec<_> = (1..=4).map(|number| Box::pin(held.pid.send(job(number)))).collect();
    for sending in &mut waiting {
        assert!(futures::poll!(sending.as_mut()).is_pending());
    }
    drop(waiting.remove(1)); // It sends nothing.
    assert!(held.pid.try_tell(job(9)).is_err(), "nobody passes those who wait");
    drop(held.release);
    for sending in waiting {
        sending.await.unwrap();
    }
    held.clock.settle().await;
    assert_eq!(held.pid.ask(|worker, _cx| worker.jobs.clone()).await.unwrap(), [0, 1, 3, 4]);
}

#[tokio::test]
async fn who_waits_hears_of_the_end_of_the_process() {
    let held = held(Bound::wait(1)).await;
    held.pid.send(job(0)).await.unwrap();
    let mut sending: Vec<_> = (0..3).map(|number| Box::pin(held.pid.send(job(number)))).collect();
    for sending in &mut sending {
        assert!(futures::poll!(sending.as_mut()).is_pending());
    }
    held.pid.terminate();
    drop(held.release);
    for sending in sending {
        assert!(matches!(sending.await, Err(Refused::Ended)));
    }
    assert!(matches!(held.pid.try_tell(job(1)), Err(Refused::Ended)));
    assert_eq!(held.pid.ask(|_worker, _cx| ()).await, Err(FutureError::Abandoned));
}

#[tokio::test]
async fn newest_takes_the_place_of_the_oldest() {
    let held = held(Bound::drop_oldest(3)).await;
    let lost = held.pid.try_ask(|_worker, _cx| ()).unwrap();
    for number in 1..=5 {
        held.pid.try_tell(job(number)).unwrap();
    }
    assert_eq!(lost.await, Err(FutureError::Abandoned));
    assert_eq!(held.pid.dropped(), 3);
    assert_eq!(held.node.process("worker").unwrap().queued().dispatches, 3);
    let Held { clock, pid, release, .. } = held;
    drop(release);
    clock.settle().await;
    assert_eq!(pid.ask(|worker, _cx| worker.jobs.clone()).await.unwrap(), [3, 4, 5]);
    assert_eq!(pid.dropped(), 3);
}

#[tokio::test]
async fn end_of_the_process_drops_what_was_kept_for_it() {
    let held = held(Bound::drop_oldest(3)).await;
    let lost: Vec<_> = (0..3).map(|_| held.pid.try_ask(|_worker, _cx| ()).unwrap()).collect();
    held.pid.terminate();
    drop(held.release);
    for lost in lost {
        assert_eq!(lost.await, Err(FutureError::Abandoned));
    }
    held.pid.wait().await.unwrap();
    assert!(matches!(held.pid.try_ask(|_worker, _cx| ()), Err(Refused::Ended)));
}

#[tokio::test]
async fn messages_of_other_processes_are_held_to_the_bound() {
    for (bound, expected) in [
        (Bound::wait(2), (vec![1, 2], 3, 0)),
        (Bound::refuse(2), (vec![1, 2], 3, 0)),
        (Bound::drop_oldest(2), (vec![4, 5], 0, 3)),
    ] {
        let held = held(bound).await;
        let sender = Upid::new("sender", held.node.address());
        for number in 1..=5 {
            held.node.send_raw(&sender, held.pid.upid(), "job", vec![number]);
        }
        assert_eq!(held.node.process("worker").unwrap().queued().messages, 2);
        assert_eq!(held.node.process("worker").unwrap().queued().dispatches, 0);
        let Held { clock, node, pid, release } = held;
        drop(release);
        clock.settle().await;
        let jobs = pid.ask(|worker, _cx| worker.jobs.clone()).await.unwrap();
        assert_eq!((jobs, pid.refused(), pid.dropped()), expected, "{bound:?}");
        assert_eq!(node.process("worker").unwrap().queued().messages, 0);
    }
}

#[tokio::test]
async fn process_with_a_bound_is_found_as_what_it_is() {
    let held = held(Bound::wait(7)).await;
    assert_eq!(held.node.find_bounded::<Worker>("worker"), Some(held.pid.clone()));
    assert_eq!(held.node.find::<Worker>("worker"), None, "not past its bound");
    assert_eq!((held.pid.bound(), Bound::wait(0).waiting_max()), (Bound::wait(7), 1));
    let other = held.node.spawn_bounded(Worker::default(), Bound::refuse(1));
    assert_eq!(other.upid().id(), "process(1)");
    assert_eq!(held.node.find_bounded("process(1)"), Some(other.clone()));
    other.terminate_after_queued();
    assert_eq!(other.exit().await, Ok(crate::Exit::Normal));
    assert_eq!(held.node.find_bounded::<Worker>("process(1)"), None);
}

/// What a process tells itself is not counted: it would stand in its own way.
#[tokio::test]
async fn process_may_always_tell_itself() {
    let held = held(Bound::refuse(1)).await;
    held.pid.try_tell(|_worker, cx| (1..=5).for_each(|number| cx.pid().tell(job(number)))).unwrap();
    let Held { clock, pid, release, .. } = held;
    drop(release);
    clock.settle().await;
    assert_eq!(pid.ask(|worker, _cx| worker.jobs.clone()).await.unwrap(), [1, 2, 3, 4, 5]);
}
