//! Loops whose turns take time.

use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Future, FutureError, Outcome, Promise, nesting};
use crate::{Context, Pid, Process};

/// Gets a value from `next` and gives it to `body`, again and again, until `body` says
/// [`ControlFlow::Break`]; what it breaks with is the value of the whole. `body` returns a control flow
/// or a future of one.
///
/// The first future that ends without a value ends the loop in the same way. A discard request goes to
/// the future that is pending, and no turn is begun after it. Turns whose futures are ready follow each
/// other on one stack, and the loop holds no more memory after a million turns than after one.
///
/// Where nothing needs a [`Future`], an `async` block with a `loop` in it reads better.
///
/// ```
/// use std::ops::ControlFlow;
/// use libprocess::{Future, repeat};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let mut dice = [2, 5, 6, 1].into_iter();
/// let mut thrown = 0;
/// let until_six = repeat(
///     move || dice.next().map_or(Future::failed("out of dice"), Future::ready),
///     move |eyes| {
///         thrown += 1;
///         if eyes == 6 { ControlFlow::Break(thrown) } else { ControlFlow::Continue(()) }
///     },
/// );
/// assert_eq!(until_six.await, Ok(3));
/// # });
/// ```
pub fn repeat<T, B, R>(
    next: impl FnMut() -> Future<T> + Send + 'static,
    body: impl FnMut(T) -> R + Send + 'static,
) -> Future<B>
where
    T: Send + 'static,
    B: Send + 'static,
    R: Into<Future<ControlFlow<B>>>,
{
    let (promise, future) = Promise::pair();
    let turns = Box::new(Turns { next, body, promise });
    nesting::run(move || turns.go_on());
    future
}

/// Like [`repeat`], with `next` and `body` run in a process: each call is a dispatch of its own, so that
/// other events of the process get their turn in between. When the process is gone, the future is
/// abandoned.
///
/// ```
/// use std::ops::ControlFlow;
/// use libprocess::{Future, Node, Process, repeat_on};
///
/// struct Jobs(Vec<&'static str>);
///
/// impl Process for Jobs {}
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let node = Node::builder().start().await?;
/// let jobs = node.spawn(Jobs(vec!["sweep", "cook", "shop"]));
/// let sweep = repeat_on(
///     &jobs,
///     |jobs, _cx| jobs.0.pop().map_or(Future::failed("no jobs left"), Future::ready),
///     |_jobs, _cx, job| match job {
///         "sweep" => ControlFlow::Break(job.len()),
///         _ => ControlFlow::Continue(()),
///     },
/// );
/// assert_eq!(sweep.await?, 5);
/// # Ok(()) })
/// # }
/// ```
pub fn repeat_on<P, T, B, R>(
    pid: &Pid<P>,
    next: impl FnMut(&mut P, &mut Context<P>) -> Future<T> + Send + 'static,
    body: impl FnMut(&mut P, &mut Context<P>, T) -> R + Send + 'static,
) -> Future<B>
where
    P: Process,
    T: Send + 'static,
    B: Send + 'static,
    R: Into<Future<ControlFlow<B>>>,
{
    // Only one of the calls is ever under way; the locks show that to the compiler.
    let (next, body) = (Arc::new(Mutex::new(next)), Arc::new(Mutex::new(body)));
    let (here, there) = (pid.clone(), pid.clone());
    repeat(
        move || {
            let next = Arc::clone(&next);
            here.ask_future(move |process, cx| next.lock()(process, cx))
        },
        move |value| {
            let body = Arc::clone(&body);
            there.ask_future(move |process, cx| body.lock()(process, cx, value).into())
        },
    )
}

impl<B> From<ControlFlow<B>> for Future<ControlFlow<B>> {
    fn from(flow: ControlFlow<B>) -> Self {
        Future::ready(flow)
    }
}

/// A loop between two steps.
struct Turns<N, F, B> {
    next: N,
    body: F,
    promise: Promise<B>,
}

impl<N, F, B, T, R> Turns<N, F, B>
where
    N: FnMut() -> Future<T> + Send + 'static,
    F: FnMut(T) -> R + Send + 'static,
    B: Send + 'static,
    T: Send + 'static,
    R: Into<Future<ControlFlow<B>>>,
{
    /// Turns until a future is pending, or the loop has ended.
    fn go_on(mut self: Box<Self>) {
        loop {
            if self.promise.discard_requested() {
                return self.end(Err(FutureError::Discarded));
            }
            let value = match (self.next)().outcome() {
                Ok(Ok(value)) => value,
                Ok(Err(error)) => return self.end(Err(error)),
                Err(pending) => return self.wait(pending, Self::go_on_with),
            };
            match self.turn(value) {
                Some(turns) => self = turns,
                None => return,
            }
        }
    }

    fn go_on_with(self: Box<Self>, value: T) {
        if self.promise.discard_requested() {
            self.end(Err(FutureError::Discarded));
        } else if let Some(turns) = self.turn(value) {
            turns.go_on();
        }
    }

    /// Runs the body; gives the loop back if it goes on at once.
    fn turn(mut self: Box<Self>, value: T) -> Option<Box<Self>> {
        match (self.body)(value).into().outcome() {
            Ok(Ok(ControlFlow::Continue(()))) => return Some(self),
            Ok(Ok(ControlFlow::Break(value))) => self.end(Ok(value)),
            Ok(Err(error)) => self.end(Err(error)),
            Err(pending) => self.wait(pending, |turns, flow| match flow {
                ControlFlow::Continue(()) => turns.go_on(),
                ControlFlow::Break(value) => turns.end(Ok(value)),
            }),
        }
        None
    }

    fn wait<V: Send + 'static>(self: Box<Self>, pending: Future<V>, then: fn(Box<Self>, V)) {
        self.promise.follow_only(pending.upstream());
        pending.on_any(move |outcome| match outcome {
            Ok(value) => then(self, value),
            Err(error) => self.end(Err(error)),
        });
    }

    fn end(self, outcome: Outcome<B>) {
        self.promise.complete(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Node;
    use crate::sync::Queue;

    const MANY: usize = 1_000_000;

    fn count_to(max: usize) -> impl FnMut(usize) -> ControlFlow<usize> {
        let mut turns = 0;
        move |_| {
            turns += 1;
            if turns == max { ControlFlow::Break(turns) } else { ControlFlow::Continue(()) }
        }
    }

    #[tokio::test]
    async fn million_ready_turns_do_not_grow_the_stack() {
        assert_eq!(repeat(|| Future::ready(0), count_to(MANY)).await, Ok(MANY));
    }

    #[tokio::test]
    async fn turns_that_wait_keep_no_memory_of_each_other() {
        let queue = Queue::new();
        let source = queue.clone();
        let end = repeat(move || source.get(), count_to(10_000));
        for n in 0..10_000 {
            assert!(end.is_pending());
            queue.put(n);
        }
        assert_eq!(end.await, Ok(10_000));
    }

    #[tokio::test]
    async fn body_may_take_time() {
        let (promise, flow) = Promise::pair();
        let mut flow = Some(flow);
        let end = repeat(
            || Future::ready(1),
            move |n| flow.take().unwrap_or_else(|| Future::ready(ControlFlow::Break(n + 1))),
        );
        assert!(end.is_pending());
        promise.set(ControlFlow::Continue(()));
        assert_eq!(end.await, Ok(2));
    }

    #[tokio::test]
    async fn failure_of_either_ends_the_loop() {
        let end = repeat(|| Future::<u8>::failed("boom"), |_| ControlFlow::<()>::Continue(()));
        assert_eq!(end.await, Err(FutureError::Failed("boom".into())));
        let end = repeat(|| Future::ready(1), |_| Future::<ControlFlow<()>>::failed("boom"));
        assert_eq!(end.await, Err(FutureError::Failed("boom".into())));
        let end = repeat(|| Future::ready(1), |_| -> ControlFlow<()> { panic!("on purpose") });
        assert_eq!(end.await, Err(FutureError::Abandoned));
    }

    #[tokio::test]
    async fn discard_reaches_the_pending_future_and_no_turn_follows() {
        let (first, value) = Promise::<u8>::pair();
        let mut value = Some(value);
        let end = repeat(
            move || value.take().expect("only one turn"),
            |_| -> ControlFlow<()> { panic!("must not run") },
        );
        end.discard();
        assert!(first.discard_requested());
        first.set(1);
        assert_eq!(end.await, Err(FutureError::Discarded));
    }

    struct Countdown(usize);

    impl Process for Countdown {}

    fn count_down(pid: &Pid<Countdown>) -> Future<&'static str> {
        repeat_on(
            pid,
            |countdown, _cx| {
                countdown.0 -= 1;
                Future::ready(countdown.0)
            },
            |_countdown, _cx, left| match left {
                0 => ControlFlow::Break("lift-off"),
                _ => ControlFlow::Continue(()),
            },
        )
    }

    #[tokio::test]
    async fn turns_in_a_process_leave_room_for_its_other_events() {
        let node = Node::builder().start().await.unwrap();
        let pid = node.spawn(Countdown(usize::MAX));
        let end = count_down(&pid);
        // Without that room this would never be run.
        pid.tell(|countdown, _cx| countdown.0 = 10);
        assert_eq!(end.await, Ok("lift-off"));
        node.shutdown().await;
    }

    #[tokio::test]
    async fn loop_is_abandoned_with_its_process() {
        let node = Node::builder().start().await.unwrap();
        let pid = node.spawn(Countdown(usize::MAX));
        let end = count_down(&pid);
        pid.terminate();
        assert_eq!(end.await, Err(FutureError::Abandoned));
        node.shutdown().await;
    }
}
