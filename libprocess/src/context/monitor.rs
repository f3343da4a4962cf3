//! Monitors: to be told why another process is gone.

use std::net::SocketAddr;
use std::sync::Weak;

use super::Context;
use crate::pid::{AnyProcess, Hook};
use crate::{Exit, Node, Process, Upid};

/// A monitor that was set by [`Context::monitor`].
///
/// Dropping it changes nothing; the monitor stays.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Monitor {
    pid: Upid,
    number: u64,
}

impl Monitor {
    /// The process that is monitored.
    pub fn pid(&self) -> &Upid {
        &self.pid
    }
}

/// Monitors that a process has set.
pub(super) struct Monitored<P> {
    watch: Option<Watch>,
    call: Callback<P>,
}

type Callback<P> = Box<dyn FnOnce(&mut P, &mut Context<P>, Exit) + Send>;

/// Where a hook waits for an end.
pub(crate) struct Watch {
    number: u64,
    place: Place,
}

enum Place {
    /// At this very process, and not at a later one with the same id.
    Near(Weak<dyn AnyProcess>),
    Far(SocketAddr),
}

impl<P: Process> Context<P> {
    /// Calls `f` in this process, once, when `pid` is gone, with the reason.
    ///
    /// Like a [link](Context::link), a monitor is one-way: nothing befalls this process, and the other does
    /// not know of it. Unlike links, monitors are all on their own: two on one process are told both, and
    /// each is [taken back](Context::demonitor) by itself. They go with the process that set them.
    ///
    /// Of a process on this node, `f` hears the truth: that it terminated, its failure, the text of its
    /// panic, or that there is no process with this id now. Of a process on another node, it hears
    /// [`Exit::ConnectionLost`] when the connection there breaks or cannot be made, and nothing else: the
    /// protocol between nodes does not tell of the end of a process whose node lives on, as little as it does
    /// for a link. Like a link, a monitor keeps the connection open.
    ///
    /// ```
    /// use libprocess::{Context, Exit, Node, Process, Promise, Upid};
    ///
    /// struct Clumsy;
    /// impl Process for Clumsy {}
    ///
    /// struct Doctor;
    /// impl Process for Doctor {}
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let node = Node::builder().start().await.unwrap();
    /// let clumsy = node.spawn(Clumsy);
    /// let doctor = node.spawn(Doctor);
    /// let (promise, diagnosis) = Promise::pair();
    /// let patient = clumsy.upid().clone();
    /// doctor.ask(move |_doctor, cx| {
    ///     cx.monitor(&patient, move |_doctor, _cx, exit| promise.set(exit));
    /// }).await?;
    ///
    /// clumsy.tell(|_clumsy, _cx| panic!("I fell"));
    /// assert_eq!(diagnosis.await?, Exit::Panicked("I fell".into()));
    /// # Ok::<(), libprocess::FutureError>(())
    /// # }).unwrap();
    /// ```
    pub fn monitor(
        &mut self,
        pid: &Upid,
        f: impl FnOnce(&mut P, &mut Context<P>, Exit) + Send + 'static,
    ) -> Monitor {
        let number = self.node().next_number();
        let own = self.pid.downgrade();
        let hook = Box::new(move |exit| {
            if let Some(own) = own.upgrade() {
                own.tell(move |process, cx| cx.down(process, number, exit));
            }
        });
        let watch = self.node().watch(pid, number, hook);
        self.more().monitors.insert(number, Monitored { watch, call: Box::new(f) });
        Monitor { pid: pid.clone(), number }
    }

    /// Takes a monitor of this process back, and says whether that was in time. Afterwards its function is not
    /// called any more, not even if the other process is gone by now.
    pub fn demonitor(&mut self, monitor: &Monitor) -> bool {
        let monitored = self.more.as_mut().and_then(|more| more.monitors.remove(&monitor.number));
        let Some(monitored) = monitored else { return false };
        self.node().unwatch(monitored.watch);
        true
    }

    fn down(&mut self, process: &mut P, number: u64, exit: Exit) {
        // It may have been taken back since.
        let monitored = self.more.as_mut().and_then(|more| more.monitors.remove(&number));
        if let Some(monitored) = monitored {
            (monitored.call)(process, self, exit);
        }
    }
}

impl<P> Monitored<P> {
    pub(super) fn take_back(self, node: &Node) {
        node.unwatch(self.watch);
    }
}

impl Node {
    /// Has a hook called when a process is gone; at once if there is none. The number is the node's
    /// [next](Node::next_number).
    fn watch(&self, pid: &Upid, number: u64, hook: Hook) -> Option<Watch> {
        let place = if pid.address() != self.address() {
            self.remote().watch(pid.address(), number, hook).then(|| Place::Far(pid.address()))
        } else if let Some(process) = self.process(pid.id()) {
            process.shared().watch(number, hook).then(|| Place::Near(std::sync::Arc::downgrade(&process)))
        } else {
            hook(Exit::NoSuchProcess);
            None
        };
        place.map(|place| Watch { number, place })
    }

    fn unwatch(&self, watch: Option<Watch>) {
        match watch {
            Some(Watch { number, place: Place::Near(process) }) => {
                if let Some(process) = process.upgrade() {
                    process.shared().unwatch(number);
                }
            }
            Some(Watch { number, place: Place::Far(address) }) => self.remote().unwatch(address, number),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
