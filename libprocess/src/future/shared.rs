//! What a promise and its futures share: one allocation.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};

use parking_lot::{Mutex, MutexGuard};

use super::{FutureError, FutureState, Outcome, nesting};

/// The cell in which an outcome goes from a promise to a consumer.
pub(super) struct Shared<T> {
    state: Mutex<State<T>>,
    /// Whether there is an outcome, or was: to see that without the lock.
    ended: AtomicBool,
    /// How many handles were given out: each has its number, under which it leaves its waker.
    handles: AtomicU32,
}

struct State<T> {
    progress: Progress<T>,
    discard: Discard,
}

/// Everything before [`Progress::Ended`] is pending.
enum Progress<T> {
    /// Nobody waits yet.
    Awaited,
    Callback(Callback<T>),
    Task(Handle, Waker),
    Several(Box<Consumers<T>>),
    Ended(Outcome<T>),
    Taken,
}

/// The number of a future among those of one promise.
pub(super) type Handle = u32;

type Callback<T> = Box<dyn FnOnce(Outcome<T>) + Send>;

/// Who waits where the futures of one promise are in several hands: one of them gets the outcome, the
/// others hear that there is none for them.
struct Consumers<T> {
    callbacks: Vec<Callback<T>>,
    tasks: Vec<(Handle, Waker)>,
}

enum Discard {
    /// Not requested, and nobody asked to hear of it.
    Silent,
    Hook(Hook),
    Hooks(Vec<Hook>),
    Requested,
}

/// What a discard request sets off.
enum Hook {
    Call(Box<dyn FnOnce() + Send>),
    Upstream(Upstream),
}

impl Hook {
    fn pull(self) {
        match self {
            Self::Call(call) => nesting::run(call),
            Self::Upstream(upstream) => nesting::run(move || upstream.discard()),
        }
    }
}

/// A future to which discard requests are passed on.
#[derive(Clone)]
pub(crate) struct Upstream(Weak<dyn RequestDiscard>);

impl Upstream {
    pub(crate) fn discard(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.request_discard();
        }
    }
}

trait RequestDiscard: Send + Sync {
    fn request_discard(&self);
}

impl<T: Send> RequestDiscard for Shared<T> {
    fn request_discard(&self) {
        Shared::request_discard(self);
    }
}

impl<T> Consumers<T> {
    /// Ends a future in several hands: a callback comes first.
    fn end(self, mut state: MutexGuard<'_, State<T>>, outcome: Outcome<T>) {
        let mut callbacks = self.callbacks.into_iter();
        match callbacks.next() {
            Some(first) => {
                drop(state);
                first(outcome);
            }
            None => {
                state.progress = Progress::Ended(outcome);
                drop(state);
            }
        }
        callbacks.for_each(|callback| callback(Err(FutureError::Abandoned)));
        self.tasks.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl<T> State<T> {
    /// What a discard would have set off, where the future ends without one.
    fn take_hooks(&mut self) -> Option<Discard> {
        match self.discard {
            Discard::Silent | Discard::Requested => None,
            _ => Some(std::mem::replace(&mut self.discard, Discard::Silent)),
        }
    }

    fn is_pending(&self) -> bool {
        !matches!(self.progress, Progress::Ended(_) | Progress::Taken)
    }

    /// The outcome of a future that has ended. Whoever comes too late for it is told so.
    fn take(&mut self) -> Option<Outcome<T>> {
        if self.is_pending() {
            return None;
        }
        match std::mem::replace(&mut self.progress, Progress::Taken) {
            Progress::Ended(outcome) => Some(outcome),
            _ => Some(Err(FutureError::Abandoned)),
        }
    }

    /// The consumers as a list, for one more of them.
    fn several(&mut self) -> &mut Consumers<T> {
        if !matches!(self.progress, Progress::Several(_)) {
            let mut several = Box::new(Consumers { callbacks: Vec::new(), tasks: Vec::new() });
            match std::mem::replace(&mut self.progress, Progress::Awaited) {
                Progress::Callback(callback) => several.callbacks.push(callback),
                Progress::Task(handle, waker) => several.tasks.push((handle, waker)),
                _ => {}
            }
            self.progress = Progress::Several(several);
        }
        let Progress::Several(several) = &mut self.progress else { unreachable!("set above") };
        several
    }
}

impl<T> Shared<T> {
    pub(super) fn pending() -> Self {
        Self::new(Progress::Awaited, Discard::Silent, false)
    }

    pub(super) fn ended(outcome: Outcome<T>) -> Self {
        Self::new(Progress::Ended(outcome), Discard::Silent, true)
    }

    pub(super) fn following(upstream: Upstream) -> Self {
        Self::new(Progress::Awaited, Discard::Hook(Hook::Upstream(upstream)), false)
    }

    fn new(progress: Progress<T>, discard: Discard, ended: bool) -> Self {
        Self {
            state: Mutex::new(State { progress, discard }),
            ended: AtomicBool::new(ended),
            handles: AtomicU32::new(1),
        }
    }

    /// The number for one more handle; the first has 0.
    pub(super) fn next_handle(&self) -> Handle {
        self.handles.fetch_add(1, Ordering::Relaxed)
    }

    /// Sets the outcome unless there is one. Callbacks run on this thread, outside the lock.
    pub(super) fn complete(&self, outcome: Outcome<T>) {
        let mut state = self.state.lock();
        if !state.is_pending() {
            return drop(state); // Before the outcome, which is somebody else's code.
        }
        self.ended.store(true, Ordering::Release);
        let hooks = state.take_hooks();
        if let Progress::Awaited = state.progress {
            state.progress = Progress::Ended(outcome);
            drop(state);
        } else {
            match std::mem::replace(&mut state.progress, Progress::Taken) {
                Progress::Callback(callback) => {
                    drop(state);
                    callback(outcome);
                }
                Progress::Task(_, waker) => {
                    state.progress = Progress::Ended(outcome);
                    drop(state);
                    waker.wake();
                }
                Progress::Several(several) => several.end(state, outcome),
                Progress::Awaited | Progress::Ended(_) | Progress::Taken => unreachable!("dealt with above"),
            }
        }
        if let Some(hooks) = hooks {
            nesting::run(move || drop(hooks));
        }
    }

    pub(super) fn request_discard(&self) {
        let mut state = self.state.lock();
        if !state.is_pending() {
            return;
        }
        let hooks = std::mem::replace(&mut state.discard, Discard::Requested);
        drop(state);
        match hooks {
            Discard::Silent | Discard::Requested => {}
            Discard::Hook(hook) => hook.pull(),
            Discard::Hooks(hooks) => hooks.into_iter().for_each(Hook::pull),
        }
    }

    pub(super) fn on_discard(&self, call: Box<dyn FnOnce() + Send>) {
        self.add_hook(Hook::Call(call));
    }

    /// Passes discard requests on to `upstream`, too.
    pub(super) fn follow(&self, upstream: Upstream) {
        self.add_hook(Hook::Upstream(upstream));
    }

    /// Passes discard requests on to `upstream`, and to nothing else from now on.
    pub(super) fn follow_only(&self, upstream: Upstream) {
        let mut state = self.state.lock();
        if matches!(state.discard, Discard::Requested) {
            drop(state);
            return nesting::run(move || upstream.discard());
        }
        let earlier = std::mem::replace(&mut state.discard, Discard::Hook(Hook::Upstream(upstream)));
        drop(state);
        drop(earlier);
    }

    fn add_hook(&self, hook: Hook) {
        let mut state = self.state.lock();
        if !state.is_pending() {
            return drop(state); // Before the hook.
        }
        match std::mem::replace(&mut state.discard, Discard::Requested) {
            Discard::Silent => state.discard = Discard::Hook(hook),
            Discard::Hook(first) => state.discard = Discard::Hooks(vec![first, hook]),
            Discard::Hooks(mut hooks) => {
                hooks.push(hook);
                state.discard = Discard::Hooks(hooks);
            }
            Discard::Requested => {
                drop(state);
                hook.pull();
            }
        }
    }

    pub(super) fn discard_requested(&self) -> bool {
        let state = self.state.lock();
        state.is_pending() && matches!(state.discard, Discard::Requested)
    }

    /// Whether somebody has left something to do when the outcome comes.
    pub(super) fn has_callback(&self) -> bool {
        match &self.state.lock().progress {
            Progress::Callback(_) => true,
            Progress::Several(several) => !several.callbacks.is_empty(),
            _ => false,
        }
    }

    /// Takes the outcome, or leaves the waker of who holds `handle`, in place of its earlier one.
    pub(super) fn take_or_wait(&self, handle: Handle, waker: &Waker) -> Poll<Outcome<T>> {
        let mut state = self.state.lock();
        if let Some(outcome) = state.take() {
            return Poll::Ready(outcome);
        }
        // A waker is somebody else's code: the earlier one is dropped outside the lock.
        let _earlier = match &mut state.progress {
            Progress::Awaited => {
                state.progress = Progress::Task(handle, waker.clone());
                None
            }
            Progress::Task(known, earlier) if *known == handle => replace_waker(earlier, waker),
            _ => {
                let tasks = &mut state.several().tasks;
                match tasks.iter_mut().find(|(known, _)| *known == handle) {
                    Some((_, earlier)) => replace_waker(earlier, waker),
                    None => {
                        tasks.push((handle, waker.clone()));
                        None
                    }
                }
            }
        };
        drop(state);
        Poll::Pending
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// The outcome, if there is one. The last one to hold the cell needs no lock.
    pub(super) fn take(mut self: Arc<Self>) -> Option<Outcome<T>> {
        match Arc::get_mut(&mut self) {
            Some(shared) => shared.state.get_mut().take(),
            None => self.state.lock().take(),
        }
    }

    pub(super) fn state(&self) -> FutureState {
        match &self.state.lock().progress {
            Progress::Ended(Ok(_)) => FutureState::Ready,
            Progress::Ended(Err(FutureError::Failed(_))) => FutureState::Failed,
            Progress::Ended(Err(FutureError::Discarded)) => FutureState::Discarded,
            Progress::Ended(Err(FutureError::Abandoned)) => FutureState::Abandoned,
            Progress::Taken => FutureState::Taken,
            _ => FutureState::Pending,
        }
    }
}

fn replace_waker(earlier: &mut Waker, waker: &Waker) -> Option<Waker> {
    (!earlier.will_wake(waker)).then(|| std::mem::replace(earlier, waker.clone()))
}

impl<T: Send + 'static> Shared<T> {
    /// Calls `f` with the outcome: now if there is one, else when it comes.
    pub(super) fn on_any(self: Arc<Self>, f: impl FnOnce(Outcome<T>) + Send + 'static) {
        if self.has_ended() {
            let outcome = self.take().unwrap_or(Err(FutureError::Abandoned));
            return nesting::run(move || f(outcome));
        }
        let mut state = self.state.lock();
        if let Some(outcome) = state.take() {
            drop(state);
            return nesting::run(move || f(outcome));
        }
        let callback: Callback<T> = Box::new(move |outcome| nesting::run(move || f(outcome)));
        match &mut state.progress {
            Progress::Awaited => state.progress = Progress::Callback(callback),
            _ => state.several().callbacks.push(callback),
        }
    }

    pub(super) fn upstream(self: &Arc<Self>) -> Upstream {
        let weak: Weak<Self> = Arc::downgrade(self);
        Upstream(weak)
    }
}
