//! How the node and the wire see a process with a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use stout::Time;
use tracing::warn;

use super::Bound;
use super::gate::{Gate, Job, Pushed};
use crate::pid::{AnyProcess, ProcessCell, Queued, Shared, push, push_message};
use crate::runner::Body;
use crate::{Future, Process, Upid, trace};

/// So often at most is it logged that messages are lost.
const COMPLAINT_EVERY: Duration = Duration::from_secs(10);

/// A process and its bound; it stands in the table of processes instead of the process itself.
pub(crate) struct Bounded<P> {
    pub(super) cell: ProcessCell<P>,
    pub(super) bound: Bound,
    pub(super) gate: Gate<P>,
    pub(super) refused: AtomicU64,
    pub(super) dropped: AtomicU64,
    /// When it was last logged that messages are lost.
    complained: Mutex<Option<Time>>,
}

impl<P: Process> Bounded<P> {
    pub(super) fn new(cell: &ProcessCell<P>, bound: Bound) -> Arc<Self> {
        Arc::new(Self {
            cell: Arc::clone(cell),
            bound,
            gate: Gate::new(bound),
            refused: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            complained: Mutex::new(None),
        })
    }

    /// Adds a job where the oldest makes room; says whether the process was there to take it.
    pub(super) fn push_job(&self, pushed: Pushed<P>) -> bool {
        match pushed {
            Pushed::Instead(oldest) => {
                drop(oldest);
                self.dropped.fetch_add(1, Ordering::Relaxed);
                !self.cell.is_closed()
            }
            Pushed::With(token) => push(&*self.cell, move |body: &mut Body<P>| {
                if let Some(job) = token.spend() {
                    job(body);
                }
            })
            .is_ok(),
        }
    }

    fn complain(&self) {
        let now = self.cell.node.clock().now();
        {
            let mut complained = self.complained.lock();
            if complained.is_some_and(|last| now < last + COMPLAINT_EVERY) {
                return;
            }
            *complained = Some(now);
        }
        warn!(
            to = %self.cell.upid(),
            waiting_max = self.bound.waiting_max,
            refused = self.refused.load(Ordering::Relaxed),
            dropped = self.dropped.load(Ordering::Relaxed),
            "losing messages: as much waits for the process as may"
        );
    }
}

/// One of the messages that wait, until this is dropped.
struct Waiting<P: Process>(ProcessCell<P>);

impl<P: Process> Drop for Waiting<P> {
    fn drop(&mut self) {
        self.0.note_message(false);
    }
}

impl<P: Process> AnyProcess for Bounded<P> {
    fn shared(&self) -> &Shared {
        &self.cell
    }

    fn message(&self, from: Upid, name: String, bytes: Bytes) -> bool {
        match &self.gate {
            Gate::Places(places) => match places.take() {
                Some(place) => push_message(&self.cell, from, name, bytes, place),
                None => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    self.complain();
                    // The process is there; that is all that the sender can be told.
                    !self.cell.is_closed()
                }
            },
            Gate::Recent(recent) => {
                self.cell.note_message(true);
                let waiting = Waiting(Arc::clone(&self.cell));
                let traced_name = trace::enabled().then(|| name.clone());
                let job: Job<P> = Box::new(move |body| {
                    drop(waiting);
                    let Body { process, cx } = body;
                    cx.message(process, &from, &name, &bytes);
                });
                let job = match traced_name {
                    None => job,
                    Some(name) => Box::new(trace::message(&name, job)),
                };
                let pushed = recent.push(job);
                let full = matches!(pushed, Pushed::Instead(_));
                let taken = self.push_job(pushed);
                if full {
                    self.complain();
                }
                taken
            }
        }
    }

    fn exited(&self, pid: Upid) {
        self.cell.exited(pid);
    }

    fn terminate(&self, at_once: bool) {
        AnyProcess::terminate(&*self.cell, at_once);
    }

    fn initialized(&self) -> Future<()> {
        self.cell.initialized()
    }

    fn queued(&self) -> Queued {
        self.cell.queued()
    }

    fn handled(&self) -> u64 {
        self.cell.handled()
    }

    fn identity(&self) -> usize {
        self.cell.identity()
    }
}
