//! The handle on a process with a bound.

use std::fmt;
use std::future::Future as StdFuture;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::gate::{Gate, Job, Place};
use super::{Bound, Bounded, Refused};
use crate::pid::{AnyProcess, tell};
use crate::runner::Body;
use crate::{Context, Exit, Failure, Future, FutureError, Node, Process, Promise, Upid, trace};

/// A handle on a process for which only so much may wait.
///
/// It is to such a process what [`Pid`](crate::Pid) is to one without a [bound](crate::bounded). Cloning is cheap;
/// dropping it does not end the process. What is sent from one place runs in the order in which it was sent.
pub struct BoundedPid<P> {
    bounded: Arc<Bounded<P>>,
}

impl<P: Process> BoundedPid<P> {
    pub(crate) fn new(bounded: Arc<Bounded<P>>) -> Self {
        Self { bounded }
    }

    /// The address of the process.
    pub fn upid(&self) -> &Upid {
        self.bounded.cell.upid()
    }

    /// The node on which the process runs.
    pub fn node(&self) -> &Node {
        &self.bounded.cell.node
    }

    /// How much may wait, and what happens to what is more.
    pub fn bound(&self) -> Bound {
        self.bounded.bound
    }

    /// Has the process run `f`, and does not wait for room.
    ///
    /// # Errors
    ///
    /// Gives `f` back when as much waits as may, unless the oldest makes room for it.
    pub fn try_tell<F>(&self, f: F) -> Result<(), Refused<F>>
    where
        F: FnOnce(&mut P, &mut Context<P>) + Send + 'static,
    {
        match &self.bounded.gate {
            Gate::Places(places) => match places.take() {
                Some(place) => self.push(place, f),
                None => self.refuse(f),
            },
            Gate::Recent(recent) => {
                let job: Job<P> = Box::new(move |body| f(&mut body.process, &mut body.cx));
                let job = if trace::enabled() { Box::new(trace::dispatch(job)) } else { job };
                if self.bounded.push_job(recent.push(job)) { Ok(()) } else { Err(Refused::Ended) }
            }
        }
    }

    /// Has the process run `f`, once there is room for it in the queue: after those who began to wait earlier.
    ///
    /// A process that sends gives the future to [`Context::run`], since it does not wait itself.
    ///
    /// # Errors
    ///
    /// Gives `f` back when as much waits as may and the bound is one that [refuses](Bound::refuse).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it sends nothing, and leaves its place among those who wait.
    pub fn send<F>(&self, f: F) -> impl StdFuture<Output = Result<(), Refused<F>>> + Send + use<P, F>
    where
        F: FnOnce(&mut P, &mut Context<P>) + Send + 'static,
    {
        let this = self.clone();
        async move {
            let Gate::Places(places) = &this.bounded.gate else { return this.try_tell(f) };
            match places.wait().await {
                Some(place) => this.push(place, f),
                None => this.refuse(f),
            }
        }
    }

    /// Has the process run `f`, and gives back what it returns, like [`Pid::ask`](crate::Pid::ask). It does not
    /// wait for room. The future is abandoned when the process ends first, or `f` makes room for something newer.
    ///
    /// # Errors
    ///
    /// Refuses what [`BoundedPid::try_tell`] does.
    pub fn try_ask<R: Send + 'static, F>(&self, f: F) -> Result<Future<R>, Refused<F>>
    where
        F: FnOnce(&mut P, &mut Context<P>) -> R + Send + 'static,
    {
        let (promise, future) = Promise::pair();
        let told = match &self.bounded.gate {
            Gate::Places(places) => {
                let Some(place) = places.take() else { return self.refuse(f) };
                self.push(place, |process, cx| promise.set(f(process, cx))).is_ok()
            }
            Gate::Recent(_) => self.try_tell(|process, cx| promise.set(f(process, cx))).is_ok(),
        };
        if told { Ok(future) } else { Err(Refused::Ended) }
    }

    /// Asks the process, once there is room in its queue, and waits for the answer.
    ///
    /// # Errors
    ///
    /// Fails when as much waits as may and the bound is one that [refuses](Bound::refuse); it is abandoned when
    /// the process ends before it answers, or the question makes room for something newer.
    pub fn ask<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut P, &mut Context<P>) -> R + Send + 'static,
    ) -> impl StdFuture<Output = Result<R, FutureError>> + Send {
        let (promise, future) = Promise::pair();
        let sent = self.send(move |process, cx| promise.set(f(process, cx)));
        let upid = self.upid().clone();
        async move {
            match sent.await {
                Err(Refused::Full(_)) => {
                    let full = format!("cannot ask {upid}: as much waits for it as may");
                    Err(FutureError::Failed(Failure::from(full)))
                }
                Err(Refused::Ended) => Err(FutureError::Abandoned),
                Ok(()) => future.await,
            }
        }
    }

    fn push<F>(&self, place: Place, f: F) -> Result<(), Refused<F>>
    where
        F: FnOnce(&mut P, &mut Context<P>) + Send + 'static,
    {
        let told = tell(&*self.bounded.cell, move |body: &mut Body<P>| {
            drop(place); // What is being done does not wait any more.
            f(&mut body.process, &mut body.cx);
        });
        if told { Ok(()) } else { Err(Refused::Ended) }
    }

    fn refuse<T, F>(&self, f: F) -> Result<T, Refused<F>> {
        if self.bounded.cell.is_closed() {
            return Err(Refused::Ended);
        }
        self.bounded.refused.fetch_add(1, Ordering::Relaxed);
        Err(Refused::Full(f))
    }

    /// How many closures and messages were refused so far because as much waited as may.
    pub fn refused(&self) -> u64 {
        self.bounded.refused.load(Ordering::Relaxed)
    }

    /// How many closures and messages were dropped so far to make room for newer ones.
    pub fn dropped(&self) -> u64 {
        self.bounded.dropped.load(Ordering::Relaxed)
    }

    /// Ends the process like [`Pid::terminate`](crate::Pid::terminate).
    pub fn terminate(&self) {
        self.bounded.terminate(true);
    }

    /// Ends the process once it has handled what waits now.
    pub fn terminate_after_queued(&self) {
        self.bounded.terminate(false);
    }

    /// A future that is ready once the process has ended, like [`Pid::wait`](crate::Pid::wait).
    pub fn wait(&self) -> Future<()> {
        self.bounded.cell.wait()
    }

    /// A future of why the process has ended, like [`Pid::exit`](crate::Pid::exit).
    pub fn exit(&self) -> Future<Exit> {
        self.bounded.cell.exit()
    }
}

impl<P> Clone for BoundedPid<P> {
    fn clone(&self) -> Self {
        Self { bounded: Arc::clone(&self.bounded) }
    }
}

/// Two handles are equal when they are on the same process.
impl<P> PartialEq for BoundedPid<P> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bounded, &other.bounded)
    }
}

impl<P> Eq for BoundedPid<P> {}

impl<P> Hash for BoundedPid<P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.bounded).addr().hash(state);
    }
}

impl<P> fmt::Display for BoundedPid<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bounded.cell.upid().fmt(f)
    }
}

impl<P> fmt::Debug for BoundedPid<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoundedPid({})", self.bounded.cell.upid())
    }
}
