//! What waits for an address, and who cares about the connection to it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use tokio::sync::{Notify, oneshot};

use super::queue::Queue;
use crate::Upid;
use crate::http::{append_message, message_bytes};
use crate::pid::{AnyProcess, Hooks, Link};
use crate::trace::TraceContext;

/// So many bytes at most wait for one peer. One that takes nothing in any more is cut off there,
/// and those who linked to it hear that it exited.
pub(super) const PENDING_BYTES_MAX: usize = 256 << 20;

/// When no more than this waits, there is room for more.
pub(super) const ROOM_BYTES: usize = 4 << 20;

#[derive(Default)]
pub(super) struct Peer {
    /// Which connection this is: a task that ends must not touch its successor.
    pub(super) connection: u64,
    pub(super) stage: Stage,
    pub(super) queue: Queue,
    pub(super) signals: Signals,
    /// For who waits until less is pending.
    pub(super) room: Arc<Notify>,
    /// Fails when the task of the connection ends.
    ended: Option<oneshot::Receiver<()>>,
    /// By who is linked to and who linked.
    pub(super) links: HashMap<(Upid, Upid), Arc<dyn AnyProcess>>,
    /// What else hears of the end of the connection.
    pub(super) hooks: Hooks,
    /// Who sent the last message, also as text.
    sender: Option<(Upid, String)>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    #[default]
    Open,
    /// All was written, and the other side is to say that it has read it. What comes now waits for
    /// another connection.
    Closing,
    /// A message was dropped, so that none may follow it.
    CutOff,
}

/// How the task of a connection is talked to.
#[derive(Default, Clone)]
pub(super) struct Signals {
    /// Something has changed.
    pub(super) work: Arc<Notify>,
    /// It is to end at once.
    pub(super) cut: Arc<Notify>,
}

/// The connection before this one, which is at its end.
pub(super) struct Predecessor {
    cut: Arc<Notify>,
    ended: oneshot::Receiver<()>,
}

impl Predecessor {
    /// Waits until it has ended.
    pub(super) async fn end(&mut self) {
        // The sender is dropped, and sends nothing.
        let _ = (&mut self.ended).await;
    }
}

impl Drop for Predecessor {
    fn drop(&mut self) {
        self.cut.notify_one();
    }
}

impl Peer {
    /// Begins anew with another connection, whose task is to hold the sender.
    pub(super) fn connect(&mut self, connection: u64) -> (Option<Predecessor>, oneshot::Sender<()>) {
        let (ends, ended) = oneshot::channel();
        let before = std::mem::take(&mut self.signals);
        before.work.notify_one();
        let ended = self.ended.replace(ended);
        self.connection = connection;
        self.stage = Stage::Open;
        self.queue.abandon();
        (ended.map(|ended| Predecessor { cut: before.cut, ended }), ends)
    }

    /// Adds a message; says whether the peer is cut off because of it.
    pub(super) fn append(
        &mut self,
        from: &Upid,
        to_id: &str,
        name: &str,
        body: &[u8],
        trace: Option<TraceContext>,
    ) -> bool {
        let sender = match self.sender.take() {
            Some(sender) if sender.0 == *from => sender,
            _ => (from.clone(), from.to_string()),
        };
        let text = sender.1.as_str();
        let bytes = message_bytes(text, to_id, name, body);
        let cut_off = self.add(bytes, |queue| {
            queue.append(bytes, |segment| append_message(segment, text, to_id, name, body, trace));
        });
        self.sender = Some(sender);
        cut_off
    }

    /// Adds the bytes of a message; says whether the peer is cut off because of them.
    pub(super) fn push(&mut self, message: Vec<u8>) -> bool {
        self.add(message.len(), |queue| queue.push(message))
    }

    fn add(&mut self, bytes: usize, add: impl FnOnce(&mut Queue)) -> bool {
        if self.stage == Stage::CutOff {
            return false;
        }
        if self.queue.bytes().saturating_add(bytes) > PENDING_BYTES_MAX {
            self.stage = Stage::CutOff;
            self.queue.clear();
            self.signals.cut.notify_one();
            return true;
        }
        let was_empty = self.queue.is_empty();
        add(&mut self.queue);
        if was_empty {
            self.signals.work.notify_one();
        }
        false
    }

    /// Whether somebody cares about the connection.
    pub(super) fn is_linked(&self) -> bool {
        !(self.links.is_empty() && self.hooks.is_empty())
    }

    pub(super) fn link(&mut self, pid: &Upid, linker: Arc<dyn AnyProcess>) -> Link {
        match self.links.entry((pid.clone(), linker.shared().upid().clone())) {
            Entry::Occupied(_) => Link::Known,
            Entry::Vacant(free) => {
                free.insert(linker);
                self.signals.work.notify_one(); // What rests does not close now.
                Link::Set
            }
        }
    }
}
