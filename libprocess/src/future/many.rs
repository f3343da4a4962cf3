//! Many futures as one.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{Future, FutureError, Outcome, Promise, Upstream};

/// Waits for the values of all `futures`, and gives them in the order of the futures.
///
/// The first one that ends without a value ends the whole in the same way, and the others, whose values
/// nobody can get any more, are asked to stop. A discard request goes to all of them and ends the whole
/// at once, whether or not they honour it.
///
/// ```
/// use libprocess::{Future, collect};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let squares = collect((1..=3).map(|n| Future::ready(n * n)));
/// assert_eq!(squares.await, Ok(vec![1, 4, 9]));
/// # });
/// ```
pub fn collect<T: Send + 'static>(futures: impl IntoIterator<Item = Future<T>>) -> Future<Vec<T>> {
    gather(futures, |outcome| outcome)
}

/// Waits until all `futures` have ended, in whatever way, and gives their outcomes in the order of the
/// futures.
///
/// A discard request goes to all of them and ends the whole at once, whether or not they honour it.
///
/// ```
/// use libprocess::{Future, await_all};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let outcomes = await_all([Future::ready(1), Future::failed("no second")]).await?;
/// assert_eq!(outcomes[0], Ok(1));
/// assert!(outcomes[1].is_err());
/// # Ok::<(), libprocess::FutureError>(())
/// # }).unwrap();
/// ```
pub fn await_all<T: Send + 'static>(
    futures: impl IntoIterator<Item = Future<T>>,
) -> Future<Vec<Result<T, FutureError>>> {
    gather(futures, Ok)
}

/// Waits for the first of `futures` that has a value, and gives its place among them with it.
///
/// One that ends without a value is passed over, unless it is the last: its end is then the end of the
/// whole. When there is a value, the other futures are asked to stop, since nobody can get theirs any
/// more. A discard request goes to all of them and ends the whole at once, whether or not they honour it.
///
/// ```
/// use libprocess::{Future, Promise, select};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let (slow, answer) = Promise::pair();
/// let first = select([answer, Future::failed("broken"), Future::ready("quick")]);
/// assert_eq!(first.await, Ok((2, "quick")));
/// assert!(slow.discard_requested());
/// # });
/// ```
pub fn select<T: Send + 'static>(futures: impl IntoIterator<Item = Future<T>>) -> Future<(usize, T)> {
    let futures: Vec<_> = futures.into_iter().collect();
    if futures.is_empty() {
        return Future::failed("there is no future to select from");
    }
    let (group, selected) = Group::new(&futures, futures.len());
    for (index, future) in futures.into_iter().enumerate() {
        let group = Arc::clone(&group);
        future.on_any(move |outcome| match outcome {
            Ok(value) => group.end(Ok((index, value))),
            Err(error) => {
                let last = group.update(|left| {
                    *left -= 1;
                    *left == 0
                });
                if last {
                    group.end(Err(error));
                }
            }
        });
    }
    selected
}

/// Gathers what `admit` makes of the outcomes; the first error of that is the end.
fn gather<T: Send + 'static, V: Send + 'static>(
    futures: impl IntoIterator<Item = Future<T>>,
    admit: impl Fn(Outcome<T>) -> Outcome<V> + Copy + Send + 'static,
) -> Future<Vec<V>> {
    let futures: Vec<_> = futures.into_iter().collect();
    if futures.is_empty() {
        return Future::ready(Vec::new());
    }
    let places = Places { values: futures.iter().map(|_| None).collect(), left: futures.len() };
    let (group, gathered) = Group::new(&futures, places);
    for (index, future) in futures.into_iter().enumerate() {
        let group = Arc::clone(&group);
        future.on_any(move |outcome| match admit(outcome) {
            Ok(value) => {
                if let Some(values) = group.update(|places| places.put(index, value)) {
                    group.end(Ok(values));
                }
            }
            Err(error) => group.end(Err(error)),
        });
    }
    gathered
}

struct Places<V> {
    values: Vec<Option<V>>,
    left: usize,
}

impl<V> Places<V> {
    /// Fills a place; gives all values back when it was the last one.
    fn put(&mut self, index: usize, value: V) -> Option<Vec<V>> {
        if let Some(place) = self.values.get_mut(index) {
            *place = Some(value);
        }
        self.left -= 1;
        (self.left == 0).then(|| std::mem::take(&mut self.values).into_iter().flatten().collect())
    }
}

/// Futures that end one promise, and what is known of them so far.
struct Group<S, R> {
    progress: Mutex<S>,
    promise: Mutex<Option<Promise<R>>>,
    members: Vec<Upstream>,
}

impl<S: Send + 'static, R: Send + 'static> Group<S, R> {
    fn new<T: Send + 'static>(futures: &[Future<T>], progress: S) -> (Arc<Self>, Future<R>) {
        let (promise, future) = Promise::pair();
        let members = futures.iter().filter_map(Future::upstream).collect();
        let group = Arc::new(Self { progress: Mutex::new(progress), promise: Mutex::new(None), members });
        let weak = Arc::downgrade(&group);
        promise.on_discard(move || {
            if let Some(group) = weak.upgrade() {
                group.end(Err(FutureError::Discarded));
            }
        });
        *group.promise.lock() = Some(promise);
        (group, future)
    }

    fn update<V>(&self, f: impl FnOnce(&mut S) -> V) -> V {
        f(&mut self.progress.lock())
    }

    /// Asks all members to stop, of which those that have ended take no notice, and then ends the
    /// whole: who sees that can rely on the requests having been made.
    fn end(&self, outcome: Outcome<R>) {
        let promise = self.promise.lock().take();
        if let Some(promise) = promise {
            self.members.iter().for_each(Upstream::discard);
            promise.complete(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FutureState;

    fn pairs(count: usize) -> (Vec<Promise<usize>>, Vec<Future<usize>>) {
        (0..count).map(|_| Promise::pair()).unzip()
    }

    #[tokio::test]
    async fn collect_keeps_the_order_of_the_futures() {
        let (promises, futures) = pairs(3);
        let all = collect(futures);
        for (index, promise) in promises.into_iter().enumerate().rev() {
            assert!(all.is_pending());
            promise.set(index);
        }
        assert_eq!(all.await, Ok(vec![0, 1, 2]));
        assert_eq!(collect::<u8>([]).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn collect_ends_with_the_first_failure_and_stops_the_rest() {
        let (mut promises, futures) = pairs(3);
        let all = collect(futures);
        promises.remove(1).fail("boom");
        assert_eq!(all.await, Err(FutureError::Failed("boom".into())));
        assert!(promises.iter().all(Promise::discard_requested));
    }

    #[tokio::test]
    async fn await_all_waits_for_every_end() {
        let (mut promises, futures) = pairs(3);
        let all = await_all(futures);
        promises.remove(0).fail("boom");
        drop(promises.remove(0));
        assert!(all.is_pending());
        assert!(!promises[0].discard_requested());
        promises.remove(0).set(7);
        let failed = Err(FutureError::Failed("boom".into()));
        assert_eq!(all.await, Ok(vec![failed, Err(FutureError::Abandoned), Ok(7)]));
    }

    #[tokio::test]
    async fn discard_of_the_whole_reaches_all_and_does_not_wait_for_them() {
        let (promises, futures) = pairs(2);
        let all = await_all(futures);
        all.discard();
        assert!(promises.iter().all(Promise::discard_requested));
        assert_eq!(all.state(), FutureState::Discarded);

        let (promises, futures) = pairs(2);
        let first = select(futures);
        first.discard();
        assert!(promises.iter().all(Promise::discard_requested));
        assert_eq!(first.state(), FutureState::Discarded);
    }

    #[tokio::test]
    async fn select_passes_over_failures_until_there_is_no_other_future() {
        let (mut promises, futures) = pairs(2);
        let first = select(futures);
        promises.remove(0).fail("boom");
        assert!(first.is_pending());
        promises.remove(0).set(7);
        assert_eq!(first.await, Ok((1, 7)));

        let (mut promises, futures) = pairs(2);
        let first = select(futures);
        drop(promises.remove(0));
        promises.remove(0).fail("boom");
        assert_eq!(first.await, Err(FutureError::Failed("boom".into())));
        assert!(select::<u8>([]).await.is_err());
    }

    #[tokio::test]
    async fn group_is_gone_when_it_has_ended() {
        let (promises, futures) = pairs(2);
        let held = Arc::new(());
        let futures = futures.into_iter().map(|future| {
            let held = Arc::clone(&held);
            future.then(move |_| held)
        });
        let all = collect(futures);
        promises.into_iter().for_each(|promise| promise.set(1));
        drop(all.await);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test]
    async fn hundred_thousand_futures_are_collected() {
        let (promises, futures) = pairs(100_000);
        let all = collect(futures);
        promises.into_iter().enumerate().for_each(|(index, promise)| promise.set(index));
        assert!(all.await.unwrap().into_iter().eq(0..100_000));
    }
}
