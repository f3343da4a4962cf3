//! What every library is given to do: the actor, its messages, and who waits for the end.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;

/// A library that runs actors.
pub(crate) trait Library: Clone + Send + Sync + 'static {
    /// How one of its actors is reached.
    type Actor: Actor;

    /// Starts it on a runtime of two workers; one that has threads of its own leaves that idle.
    fn start(runtime: &Handle) -> Self;

    /// Starts an actor. `place` says which ones belong together, to a library that cares on which
    /// thread an actor runs.
    fn spawn(&self, place: usize, worker: Worker<Self::Actor>) -> impl Future<Output = Self::Actor> + Send;

    /// Runs code that is no actor where those who use the library would run it.
    fn client(&self, place: usize, work: impl Future<Output = ()> + Send + 'static);

    /// Ends its threads, and waits for that.
    fn stop(self, runtime: &Handle);
}

/// A handle on an actor, as a library's users hold it.
pub(crate) trait Actor: Clone + Send + Sync + 'static {
    /// Sends a message that is not answered.
    fn tell(&self, message: Tell<Self>) -> impl Future<Output = ()> + Send;

    /// Has the actor count one more, and waits for how many that makes.
    fn bump(&self) -> impl Future<Output = u64> + Send;
}

/// A message that is not answered.
pub(crate) enum Tell<A> {
    /// Counts.
    Add(u64),
    /// Counts, and arrives at the gate.
    Touch,
    /// Counts, and goes on to the neighbour so many times more.
    Ball(u64),
    /// Makes an actor the neighbour.
    Meet(A),
    /// Sets [`timers`], which touch the actor.
    Arm(Duration),
    /// Counts, and ends the actor.
    Finish,
}

/// What remains for the library to do after a message.
pub(crate) enum Then<'a, A> {
    Wait,
    Send(&'a A, Tell<A>),
    Delay(Duration),
    Stop,
}

/// What an actor keeps, and what it does with a message: the same for every library.
pub(crate) struct Worker<A> {
    seen: u64,
    /// At how many it arrives at the gate.
    awaited: u64,
    neighbour: Option<A>,
    gate: Arc<Gate>,
    finished: bool,
}

impl<A> Worker<A> {
    pub(crate) fn new(gate: &Arc<Gate>) -> Self {
        Self::awaiting(u64::MAX, gate)
    }

    pub(crate) fn awaiting(awaited: u64, gate: &Arc<Gate>) -> Self {
        Self { seen: 0, awaited, neighbour: None, gate: Arc::clone(gate), finished: false }
    }

    #[inline]
    pub(crate) fn tell(&mut self, message: Tell<A>) -> Then<'_, A> {
        match message {
            Tell::Add(count) => self.add(count),
            Tell::Touch => self.touch(),
            Tell::Ball(hops) => {
                if let Some((neighbour, hops)) = self.ball(hops) {
                    return Then::Send(neighbour, Tell::Ball(hops));
                }
            }
            Tell::Meet(neighbour) => self.meet(neighbour),
            Tell::Arm(first) => return Then::Delay(first),
            Tell::Finish => {
                self.finish();
                return Then::Stop;
            }
        }
        Then::Wait
    }

    #[inline]
    pub(crate) fn bump(&mut self) -> u64 {
        self.seen += 1;
        self.seen
    }

    #[inline]
    pub(crate) fn add(&mut self, count: u64) {
        self.seen += count;
        if self.seen == self.awaited {
            self.gate.arrive();
        }
    }

    #[inline]
    pub(crate) fn touch(&mut self) {
        self.seen += 1;
        self.gate.arrive();
    }

    /// Where the ball goes next, and how many hops it then has left.
    #[inline]
    pub(crate) fn ball(&mut self, hops: u64) -> Option<(&A, u64)> {
        self.seen += 1;
        let Some(left) = hops.checked_sub(1) else {
            self.gate.arrive();
            return None;
        };
        self.neighbour.as_ref().map(|neighbour| (neighbour, left))
    }

    pub(crate) fn meet(&mut self, neighbour: A) {
        self.neighbour = Some(neighbour);
    }

    #[inline]
    pub(crate) fn finish(&mut self) {
        self.seen += 1;
        self.finished = true;
    }
}

impl<A> Drop for Worker<A> {
    fn drop(&mut self) {
        // Only an actor that had its message counts as one that has ended.
        if self.finished {
            self.gate.arrive();
        }
    }
}

/// How many timers an actor sets.
pub(crate) const TIMERS: usize = 100;

/// After how long each timer of an actor is due.
pub(crate) fn timers(first: Duration) -> impl Iterator<Item = Duration> + Send {
    (0..TIMERS as u64).map(move |n| first + Duration::from_millis(2) * n as u32)
}

/// Opens when as many have arrived as are expected.
pub(crate) struct Gate {
    left: AtomicUsize,
    opened: Notify,
}

impl Gate {
    pub(crate) fn new(expected: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(expected), opened: Notify::new() })
    }

    /// Closes it again, for so many.
    pub(crate) fn close(&self, expected: usize) {
        let left = self.left.swap(expected, Ordering::AcqRel);
        assert_eq!(left, 0, "as many arrived as were expected");
    }

    fn arrive(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.opened.notify_one();
        }
    }

    /// Waits until it is open; one waits at a time.
    pub(crate) async fn wait(&self) {
        self.opened.notified().await;
        assert_eq!(self.left.load(Ordering::Acquire), 0, "as many arrived as were expected");
    }
}
