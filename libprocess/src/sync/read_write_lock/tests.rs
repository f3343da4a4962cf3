use std::collections::VecDeque;

use futures::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::FutureError;

#[tokio::test]
async fn readers_share_and_a_writer_waits_for_all_of_them() {
    let lock = ReadWriteLock::new(1);
    let (one, other) = (lock.read().await.unwrap(), lock.read().await.unwrap());
    let writing = lock.write();
    drop(one);
    assert!(writing.is_pending());
    drop(other);
    *writing.await.unwrap() += 1;
    assert_eq!(*lock.read().await.unwrap(), 2);
}

#[tokio::test]
async fn writer_who_leaves_lets_the_readers_behind_it_in() {
    let lock = ReadWriteLock::new(());
    let _reading = lock.read().await.unwrap();
    let (writing, late) = (lock.write(), lock.read());
    assert!(late.is_pending());
    writing.discard();
    assert_eq!(writing.await.unwrap_err(), FutureError::Discarded);
    assert!(late.await.is_ok());

    // One that is merely dropped is in nobody's way when somebody else comes.
    let (writing, late) = (lock.write(), lock.read());
    drop(writing);
    let later = lock.read();
    assert!(late.await.is_ok() && later.await.is_ok());
}

#[tokio::test]
async fn many_who_release_in_their_callbacks_do_not_nest() {
    let lock = ReadWriteLock::new(0);
    let held = lock.write().await.unwrap();
    for _ in 0..50_000 {
        lock.write().on_any(|guard| *guard.unwrap() += 1);
        lock.read().on_any(|guard| assert!(*guard.unwrap() > 0));
    }
    drop(held);
    assert_eq!(*lock.read().await.unwrap(), 50_000);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Read,
    Write,
    /// Releases one of the guards that are held.
    Release(usize),
    /// Discards one of the futures that wait.
    Discard(usize),
    /// Drops one of the futures that wait.
    Forget(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Read),
        2 => Just(Step::Write),
        4 => any::<usize>().prop_map(Step::Release),
        1 => any::<usize>().prop_map(Step::Discard),
        1 => any::<usize>().prop_map(Step::Forget),
    ]
}

#[expect(dead_code, reason = "the guards are held, not looked at")]
enum Held {
    Read(ReadGuard<usize>),
    Write(WriteGuard<usize>),
}

enum Wanted {
    Read(Future<ReadGuard<usize>>),
    Write(Future<WriteGuard<usize>>),
}

/// The lock as a queue: from its front go all readers, or one writer when nobody is in.
#[derive(Default)]
struct Model {
    lock: ReadWriteLock<usize>,
    waiting: VecDeque<Wanted>,
    held: Vec<Held>,
    writes: usize,
}

impl Model {
    fn step(&mut self, step: Step) {
        match step {
            Step::Read => self.waiting.push_back(Wanted::Read(self.lock.read())),
            Step::Write => self.waiting.push_back(Wanted::Write(self.lock.write())),
            Step::Release(which) if !self.held.is_empty() => {
                let which = which % self.held.len();
                drop(self.held.remove(which));
            }
            Step::Discard(which) if !self.waiting.is_empty() => {
                match self.waiting.remove(which % self.waiting.len()) {
                    Some(Wanted::Read(future)) => future.discard(),
                    Some(Wanted::Write(future)) => future.discard(),
                    None => {}
                }
            }
            Step::Forget(which) if !self.waiting.is_empty() => {
                drop(self.waiting.remove(which % self.waiting.len()));
                // The lock sees that when next something happens.
                drop(self.lock.read());
            }
            Step::Release(_) | Step::Discard(_) | Step::Forget(_) => {}
        }
        self.admit();
    }

    fn admit(&mut self) {
        while let Some(front) = self.waiting.front() {
            let writing = matches!(self.held.last(), Some(Held::Write(_)));
            let may = match front {
                Wanted::Read(_) => !writing,
                Wanted::Write(_) => self.held.is_empty(),
            };
            if !may {
                break;
            }
            let held = match self.waiting.pop_front() {
                Some(Wanted::Read(future)) => {
                    let guard = future.now_or_never().expect("a reader that may is in").unwrap();
                    assert_eq!(*guard, self.writes);
                    Held::Read(guard)
                }
                Some(Wanted::Write(future)) => {
                    let mut guard = future.now_or_never().expect("a writer that may is in").unwrap();
                    *guard += 1;
                    self.writes += 1;
                    assert_eq!(*guard, self.writes);
                    Held::Write(guard)
                }
                None => return,
            };
            self.held.push(held);
        }
        for waiting in &self.waiting {
            let pending = match waiting {
                Wanted::Read(future) => future.is_pending(),
                Wanted::Write(future) => future.is_pending(),
            };
            assert!(pending, "nobody gets past the front of the queue");
        }
    }
}

proptest! {
    #[test]
    fn lock_is_a_queue_from_whose_front_readers_go_together(steps in prop::collection::vec(step(), 0..60)) {
        let mut model = Model::default();
        steps.into_iter().for_each(|step| model.step(step));
        // Everybody gets in once those before them are out.
        while !model.held.is_empty() {
            model.step(Step::Release(0));
        }
        assert!(model.waiting.is_empty());
        let last = model.lock.write().now_or_never();
        assert_eq!(last.map(|guard| *guard.unwrap()), Some(model.writes));
    }
}

#[test]
fn writers_are_alone_and_readers_see_whole_writes_from_many_threads() {
    let lock = ReadWriteLock::new((0, 0));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let lock = &lock;
            scope.spawn(move || {
                for _ in 0..500 {
                    if thread % 2 == 0 {
                        let mut guard = futures::executor::block_on(lock.write()).unwrap();
                        guard.0 += 1;
                        std::thread::yield_now();
                        guard.1 += 1;
                    } else {
                        let guard = futures::executor::block_on(lock.read()).unwrap();
                        assert_eq!(guard.0, guard.1);
                    }
                }
            });
        }
    });
    assert_eq!(*futures::executor::block_on(lock.read()).unwrap(), (1_000, 1_000));
}
