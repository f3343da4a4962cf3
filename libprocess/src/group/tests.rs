//! Who is in a group, and for how long.

use super::*;
use crate::{Clock, Time};

#[derive(Default)]
struct Worker {
    jobs: Vec<u32>,
}

impl Process for Worker {}

struct Other;

impl Process for Other {}

async fn paused_node() -> (Clock, Node) {
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).start().await.unwrap();
    (clock, node)
}

#[tokio::test]
async fn members_that_end_leave_by_themselves() {
    let (clock, node) = paused_node().await;
    let group = node.group("workers");
    let workers: Vec<_> = (0..3).map(|_| node.spawn(Worker::default())).collect();
    assert!(workers.iter().all(|worker| group.join(worker)));
    assert!(!group.join(&workers[0]), "it is there already");
    workers[1].tell(|_worker, _cx| panic!("on purpose"));
    clock.settle().await;
    assert_eq!(group.members(), [workers[0].clone(), workers[2].clone()]);
    assert!(group.leave(&workers[0]));
    assert!(!group.leave(&workers[0]));
    assert_eq!(workers[0].shared.hooks(), 0, "nothing is left of it there");
    assert!(group.join(&workers[1]), "it has ended, so that it leaves at once");
    assert_eq!(group.members(), [workers[2].clone()]);
}

#[tokio::test]
async fn one_member_after_the_other_has_its_turn() {
    let (_clock, node) = paused_node().await;
    let group = node.group("workers");
    assert!(!group.tell_one(|_worker, _cx| {}));
    assert_eq!(group.ask_one(|_worker, _cx| ()).await, Err(FutureError::Abandoned));
    let workers: Vec<_> = (0..3).map(|_| node.spawn(Worker::default())).collect();
    workers.iter().for_each(|worker| _ = group.join(worker));
    for job in 0..7 {
        assert!(group.tell_one(move |worker, _cx| worker.jobs.push(job)));
    }
    assert_eq!(group.broadcast(|worker, _cx| worker.jobs.push(100)), 3);
    let mut all = Vec::new();
    for worker in &workers {
        all.push(worker.ask(|worker, _cx| worker.jobs.len()).await.unwrap());
    }
    all.sort_unstable();
    assert_eq!(all, [3, 3, 4]);
    assert_eq!(group.ask_one(|worker, _cx| worker.jobs.last().copied()).await, Ok(Some(100)));
}

#[tokio::test]
async fn group_is_there_while_it_has_members_and_no_longer() {
    let (clock, node) = paused_node().await;
    let worker = node.spawn(Worker::default());
    node.group("workers").join(&worker);
    assert_eq!(node.group("workers").members(), std::slice::from_ref(&worker), "nobody held the group");
    assert_eq!(node.group::<Worker>("others").members(), []);
    assert_eq!(node.group::<Other>("workers").members(), []);
    assert_eq!(node.groups().0.lock().len(), 1);
    worker.terminate();
    clock.settle().await;
    assert_eq!(node.groups().0.lock().len(), 0);
}
