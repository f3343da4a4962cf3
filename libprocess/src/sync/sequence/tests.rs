use proptest::prelude::*;

use super::*;
use crate::{FutureError, FutureState};

#[tokio::test]
async fn discarded_operation_is_taken_out_and_the_others_run() {
    let sequence = Sequence::new();
    let (first, began) = Promise::pair();
    let one = sequence.add(|| began);
    let two = sequence.add(|| -> Future<u8> { panic!("must not run") });
    let three = sequence.add(|| Future::ready(3));
    two.discard();
    assert_eq!(two.await, Err(FutureError::Discarded));
    first.set(1);
    assert_eq!((one.await, three.await), (Ok(1), Ok(3)));
}

#[tokio::test]
async fn next_one_waits_until_a_discarded_one_has_really_ended() {
    let sequence = Sequence::new();
    let (first, began) = Promise::<u8>::pair();
    let one = sequence.add(|| began);
    let two = sequence.add(|| Future::ready(2));
    one.discard();
    assert!(first.discard_requested());
    assert!(two.is_pending());
    first.discard();
    assert_eq!((one.await, two.await), (Err(FutureError::Discarded), Ok(2)));
}

#[tokio::test]
async fn operation_that_fails_panics_or_is_forgotten_does_not_stop_the_others() {
    let sequence = Sequence::new();
    let (first, began) = Promise::<u8>::pair();
    drop(sequence.add(|| began));
    let failed = sequence.add(|| Future::<u8>::failed("boom"));
    let panicked = sequence.add(|| -> Future<u8> { panic!("on purpose") });
    let forgotten = sequence.add(|| Promise::<u8>::new().future());
    let last = sequence.add(|| Future::ready(5));
    drop(first);
    assert_eq!(failed.await, Err(FutureError::Failed("boom".into())));
    assert_eq!(panicked.await, Err(FutureError::Abandoned));
    assert_eq!(forgotten.await, Err(FutureError::Abandoned));
    assert_eq!(last.await, Ok(5));
}

#[tokio::test]
async fn dropped_sequence_asks_what_runs_to_stop_and_discards_what_waits() {
    let sequence = Sequence::new();
    let (first, began) = Promise::<u8>::pair();
    let one = sequence.add(|| began);
    let two = sequence.add(|| -> Future<u8> { panic!("must not run") });
    drop(sequence);
    assert!(first.discard_requested());
    assert_eq!(two.state(), FutureState::Discarded);
    first.set(1);
    assert_eq!(one.await, Ok(1));
}

#[tokio::test]
async fn many_ready_operations_do_not_nest() {
    let sequence = Sequence::new();
    let (first, began) = Promise::pair();
    drop(sequence.add(|| began));
    let all: Vec<_> = (0..100_000).map(|n| sequence.add(move || Future::ready(n))).collect();
    first.set(());
    for (n, future) in all.into_iter().enumerate() {
        assert_eq!(future.await, Ok(n));
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Add,
    /// Ends the operation that is under way.
    End,
    /// Discards one of the operations that wait or run.
    Discard(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => Just(Step::Add), 3 => Just(Step::End), 1 => any::<usize>().prop_map(Step::Discard)]
}

proptest! {
    #[test]
    fn operations_run_one_at_a_time_in_order_without_the_discarded(
        steps in prop::collection::vec(step(), 0..60)
    ) {
        let sequence = Sequence::new();
        let under_way = Arc::new(Mutex::new(None::<(usize, Promise<()>)>));
        let begun = Arc::new(Mutex::new(Vec::new()));
        let mut futures = Vec::new();
        let mut discarded = Vec::new();
        for step in steps {
            match step {
                Step::Add => {
                    let (number, under_way, begun) =
                        (futures.len(), Arc::clone(&under_way), Arc::clone(&begun));
                    futures.push(sequence.add(move || {
                        let (promise, future) = Promise::pair();
                        let before = under_way.lock().replace((number, promise));
                        assert!(before.is_none(), "one at a time");
                        begun.lock().push(number);
                        future
                    }));
                }
                Step::End => {
                    let ended = under_way.lock().take();
                    if let Some((_, promise)) = ended {
                        promise.set(());
                    }
                }
                Step::Discard(which) if !futures.is_empty() => {
                    let number = which % futures.len();
                    let runs = under_way.lock().as_ref().is_some_and(|(running, _)| *running == number);
                    if futures[number].is_pending() && !runs {
                        discarded.push(number);
                    }
                    futures[number].discard();
                }
                Step::Discard(_) => {}
            }
        }
        loop {
            let ended = under_way.lock().take();
            let Some((_, promise)) = ended else { break };
            promise.set(());
        }
        let expected: Vec<_> = (0..futures.len()).filter(|number| !discarded.contains(number)).collect();
        prop_assert_eq!(&*begun.lock(), &expected);
        for (number, future) in futures.iter().enumerate() {
            let state = if discarded.contains(&number) { FutureState::Discarded } else { FutureState::Ready };
            prop_assert_eq!(future.state(), state);
        }
    }
}
