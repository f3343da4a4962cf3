//! The one clock that timers, delays and timeouts read.

mod driver;
mod timers;
mod wheel;

use std::future::{Future as StdFuture, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Condvar, Mutex};
use stout::Time;
use tokio::sync::Notify;

use crate::{Future, Promise};
use timers::{Callback, TimerKey, Timers};

/// What time it is, and what happens when it has come.
///
/// A [system clock](Clock::system) follows the machine's. A [test clock](Clock::paused) stands
/// still until the test [advances](Clock::advance) it; [`Clock::settle`] then waits until no process
/// on any node with this clock has anything left to do. Cloning gives another handle on the same
/// clock.
///
/// ```
/// use std::time::Duration;
/// use libprocess::{Clock, Node, Process, Time};
///
/// struct Alarm(bool);
///
/// impl Process for Alarm {
///     fn initialize(&mut self, cx: &mut libprocess::Context<Self>) {
///         cx.delay(Duration::from_secs(3600), |alarm, _cx| alarm.0 = true);
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let clock = Clock::paused(Time::EPOCH);
/// let node = Node::builder().clock(clock.clone()).start().await?;
/// let alarm = node.spawn(Alarm(false));
/// clock.settle().await;
/// clock.advance(Duration::from_secs(3600)).await;
/// assert!(alarm.ask(|alarm, _cx| alarm.0).await?);
/// # Ok(()) })
/// # }
/// ```
#[derive(Clone)]
pub struct Clock {
    shared: Arc<Shared>,
    // Dropped with the last handle; the driver's thread holds only `shared`, and ends then.
    _keeper: Arc<Keeper>,
}

struct Shared {
    began: Instant,
    began_at: Time,
    /// A clock that can be paused counts the work of its processes, to know when they settle; the
    /// system clock spares them that.
    tracks: bool,
    state: Mutex<State>,
    changed: Condvar,
    busy: AtomicUsize,
    quiet: Notify,
}

struct State {
    /// The time at which the clock stands, or how to read it while it runs.
    reading: Reading,
    timers: Timers,
    driven: bool,
    closed: bool,
}

#[derive(Clone, Copy)]
enum Reading {
    Standing(Time),
    /// Runs since the instant, from the time.
    Running(Instant, Time),
}

struct Keeper(Arc<Shared>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.state.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn begin(&self, pieces: usize) {
        if self.tracks {
            self.busy.fetch_add(pieces, Ordering::AcqRel);
        }
    }

    fn end(&self, pieces: usize) {
        if self.tracks && pieces > 0 && self.busy.fetch_sub(pieces, Ordering::AcqRel) == pieces {
            self.quiet.notify_waiters();
        }
    }

    fn now(&self, reading: Reading) -> Time {
        match reading {
            Reading::Standing(at) => at,
            Reading::Running(since, from) => from + since.elapsed(),
        }
    }
}

impl Clock {
    /// The clock of the machine: the date when it was made, and then as much later as the machine's
    /// monotonic clock says, so that it never jumps.
    pub fn system() -> Self {
        Self::new(system_time(), false, None)
    }

    /// A clock that stands at `at` until it is advanced or resumed.
    pub fn paused(at: Time) -> Self {
        Self::new(at, true, Some(at))
    }

    fn new(began_at: Time, tracks: bool, standing: Option<Time>) -> Self {
        let began = Instant::now();
        let reading = standing.map_or(Reading::Running(began, began_at), Reading::Standing);
        let state = State {
            reading,
            timers: if tracks { Timers::exact() } else { Timers::wheel(began_at) },
            driven: false,
            closed: false,
        };
        let shared = Arc::new(Shared {
            began,
            began_at,
            tracks,
            state: Mutex::new(state),
            changed: Condvar::new(),
            busy: AtomicUsize::new(0),
            quiet: Notify::new(),
        });
        Self { _keeper: Arc::new(Keeper(Arc::clone(&shared))), shared }
    }

    /// What time it is.
    pub fn now(&self) -> Time {
        if !self.shared.tracks {
            return self.shared.began_at + self.shared.began.elapsed();
        }
        let state = self.shared.state.lock();
        self.shared.now(state.reading)
    }

    /// Stops the clock where it is.
    ///
    /// # Panics
    ///
    /// Panics on a [system clock](Clock::system), which cannot be stopped.
    pub fn pause(&self) {
        self.assert_test_clock("paused");
        let mut state = self.shared.state.lock();
        state.reading = Reading::Standing(self.shared.now(state.reading));
    }

    /// Lets a paused clock run on in step with the machine's.
    pub fn resume(&self) {
        let mut state = self.shared.state.lock();
        if let Reading::Standing(at) = state.reading {
            state.reading = Reading::Running(Instant::now(), at);
            self.drive(&mut state);
            self.shared.changed.notify_all();
        }
    }

    /// When the next timer is due.
    ///
    /// # Panics
    ///
    /// Panics on a [system clock](Clock::system), which fires its timers itself.
    pub fn next_timer(&self) -> Option<Time> {
        self.assert_test_clock("asked for its timers");
        self.shared.state.lock().timers.next_due()
    }

    /// Moves a paused clock forward to `time`, and fires each timer that falls due on the way, but does not
    /// wait for what that sets off: for who runs the processes itself, as a simulator does. Everybody else
    /// [advances](Clock::advance) it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use libprocess::{Clock, Time};
    ///
    /// let clock = Clock::paused(Time::EPOCH);
    /// let slept = clock.sleep(Duration::from_secs(2));
    /// assert_eq!(clock.next_timer(), Some(Time::EPOCH + Duration::from_secs(2)));
    /// clock.advance_to(Time::EPOCH + Duration::from_secs(3));
    /// assert!(slept.state().has_ended());
    /// assert_eq!(clock.next_timer(), None);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics on a [system clock](Clock::system), and on one that is not paused.
    pub fn advance_to(&self, time: Time) {
        self.assert_test_clock("advanced");
        while let Some(callbacks) = self.pass(time) {
            callbacks.into_iter().for_each(|callback| callback());
        }
    }

    /// Moves the clock to the next timer that is due by then, and gives the callbacks of that instant;
    /// `None` when there is none, and the clock stands at the time.
    fn pass(&self, target: Time) -> Option<Vec<Callback>> {
        let mut state = self.shared.state.lock();
        assert!(matches!(state.reading, Reading::Standing(_)), "a clock is advanced only while it is paused");
        let due = state.timers.next_due().filter(|due| *due <= target);
        let at = due.unwrap_or(target);
        state.reading = Reading::Standing(at.max(self.shared.now(state.reading)));
        due.map(|at| state.timers.take_due(at))
    }

    /// Moves a paused clock forward by `duration`, stopping at each timer that falls due on the way:
    /// it fires, and what it sets off [settles](Clock::settle), before time goes on.
    ///
    /// # Panics
    ///
    /// Panics on a [system clock](Clock::system), and on one that is not paused.
    pub async fn advance(&self, duration: Duration) {
        self.assert_test_clock("advanced");
        let target = self.now() + duration;
        while let Some(callbacks) = self.pass(target) {
            callbacks.into_iter().for_each(|callback| callback());
            self.settle().await;
        }
        self.settle().await;
    }

    /// Waits until no process on a node with this clock has an event to handle, and no future
    /// given to [`Context::run`](crate::Context::run) or [`Node::run`](crate::Node::run) can go on
    /// by itself. Timers that are not due do not count, nor does what is on its way through a
    /// socket or waits for one.
    ///
    /// # Panics
    ///
    /// Panics on a [system clock](Clock::system), which keeps no such count.
    pub async fn settle(&self) {
        self.assert_test_clock("settled");
        loop {
            let mut quiet = pin!(self.shared.quiet.notified());
            quiet.as_mut().enable();
            if self.shared.busy.load(Ordering::Acquire) == 0 {
                return;
            }
            quiet.await;
        }
    }

    /// Calls `f` once `duration` has passed, on a thread of the clock: `f` must be short.
    pub(crate) fn after(&self, duration: Duration, f: impl FnOnce() + Send + 'static) -> Timer {
        let mut state = self.shared.state.lock();
        let due = self.shared.now(state.reading) + duration;
        let next = state.timers.next_due();
        let key = state.timers.insert(due, Box::new(f));
        let earliest = state.timers.next_due() != next;
        if !state.driven {
            self.drive(&mut state);
        } else if earliest {
            self.shared.changed.notify_all();
        }
        Timer { shared: Arc::downgrade(&self.shared), key }
    }

    /// Sees to it that the timers of a running clock fire. One that stands needs no thread for that.
    fn drive(&self, state: &mut State) {
        if !state.driven && matches!(state.reading, Reading::Running(..)) && state.timers.next_due().is_some()
        {
            state.driven = true;
            driver::start(Arc::clone(&self.shared));
        }
    }

    /// A future that is ready once `duration` has passed. Discarding it cancels the timer.
    pub fn sleep(&self, duration: Duration) -> Future<()> {
        let promise = Promise::new();
        let future = promise.future();
        let slot = Arc::new(Mutex::new(Some(promise)));
        let fired = Arc::clone(&slot);
        let timer = self.after(duration, move || {
            let promise = fired.lock().take();
            if let Some(promise) = promise {
                promise.set(());
            }
        });
        if let Some(promise) = &*slot.lock() {
            let slot = Arc::downgrade(&slot);
            promise.on_discard(move || {
                // Cancelling drops the callback, and with it the other hold on the slot.
                let promise = slot.upgrade().and_then(|slot| slot.lock().take());
                timer.cancel();
                if let Some(promise) = promise {
                    promise.discard();
                }
            });
        }
        future
    }

    /// Waits for `future`, but not longer than `duration`: `None` when it was late. It is dropped
    /// then.
    pub async fn timeout<F: StdFuture>(&self, duration: Duration, future: F) -> Option<F::Output> {
        let mut sleep = Sleep(self.sleep(duration));
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => Pin::new(&mut sleep.0).poll(cx).map(|_| None),
        })
        .await
    }

    pub(crate) fn tracks(&self) -> bool {
        self.shared.tracks
    }

    /// Notes a piece of work that [`Clock::settle`] waits for.
    pub(crate) fn begin(&self) {
        self.shared.begin(1);
    }

    /// Notes the end of what [`Clock::begin`] noted.
    pub(crate) fn end(&self, pieces: usize) {
        self.shared.end(pieces);
    }

    fn assert_test_clock(&self, action: &str) {
        assert!(self.shared.tracks, "only a test clock can be {action}; this is the system's");
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// A sleep whose timer goes with whoever sleeps.
struct Sleep(Future<()>);

impl Drop for Sleep {
    fn drop(&mut self) {
        self.0.discard();
    }
}

/// A callback that waits for its time.
///
/// Dropping it changes nothing; the callback still runs.
#[derive(Debug)]
pub struct Timer {
    shared: std::sync::Weak<Shared>,
    key: TimerKey,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl Timer {
    /// Cancels the callback; says whether that was in time.
    pub fn cancel(&self) -> bool {
        let Some(shared) = self.shared.upgrade() else { return false };
        let callback = shared.state.lock().timers.remove(self.key);
        callback.is_some()
    }
}

fn system_time() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::EPOCH + since_epoch
}

#[cfg(test)]
mod tests;
