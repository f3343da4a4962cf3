//! Where the messages of an actor wait, and who may run it.
//!
//! This is the one place of the crate with `unsafe` code. A [`Cell`] is the memory of an actor: what all
//! its handles share, its mailbox, and its body, which only who runs it may touch. All of its
//! synchronisation is one word:
//!
//! * `IDLE`: nothing waits, and nobody runs the actor. It keeps itself alive by a handle on itself.
//! * the newest message: somebody runs the actor, or will. Each message knows the one before it.
//! * `CLOSED`: the actor has ended, and takes no more.
//!
//! Sending is one exchange of that word. The one that finds it idle gets the [`Turn`]: the right, and the
//! duty, to have the actor run. While it runs, the word stays on the newest message that was taken: what
//! was pushed meanwhile is the list from the word down to that one, and is turned round, since the newest
//! comes first in it. So taking a batch is one load, and going idle is one exchange, which fails when
//! something has come. The message that the word is on keeps its node until then: its address must
//! not be that of another message.
//!
//! The bits that an address does not have count what was pushed, for the depth of the mailbox.
//!
//! Models of the mailbox and of the [slot](slot) under all interleavings are in `mailbox/models.rs`.

mod node;
mod ready;
mod slab;
pub(crate) mod slot;
mod sync;
mod turn;

#[cfg(all(test, libprocess_loom))]
mod models;
#[cfg(all(test, not(libprocess_loom)))]
mod tests;

use std::ops::Deref;
use std::ptr;
use std::sync::Arc;

use node::Node;
use sync::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering, UnsafeCell};

pub(crate) use ready::{Drive, Ready};
pub(crate) use turn::Turn;

const _: () = assert!(usize::BITS == 64, "the mailbox keeps a count in the upper bits of an address");

/// Where the count begins.
const COUNT_SHIFT: u32 = 48;
const ADDRESS_MASK: usize = (1 << COUNT_SHIFT) - 1;
/// No node has this address, nor the next: they are aligned.
const IDLE: usize = 1;
const CLOSED: usize = 2;

/// The memory of an actor; `S` is what its handles share, `B` is its body.
pub(crate) struct Cell<S, B> {
    /// The state, with the count of what was pushed above it.
    word: AtomicPtr<Node<B>>,
    /// How often the count has begun anew.
    counts: AtomicU32,
    ends_at_once: AtomicBool,
    /// What was taken out, in all. Only the owner writes it.
    taken: AtomicU64,
    /// Belongs to who has the turn.
    owned: UnsafeCell<Owned<S, B>>,
    shared: S,
}

struct Owned<S, B> {
    /// What was taken from the list and not handed out, oldest first.
    batch: *mut Node<B>,
    /// The message that the word was on when the last batch was taken; null before the first one.
    last: *mut Node<B>,
    /// The cell itself, while it is idle.
    own: Option<Arc<Cell<S, B>>>,
    body: Option<B>,
}

// SAFETY: `owned` is reached by who has the turn only, and the turn passes on with release and acquire:
// the body and the messages in it are sent, never shared.
unsafe impl<S: Send + Sync, B: Send> Sync for Cell<S, B> {}
// SAFETY: as above.
unsafe impl<S: Send + Sync, B: Send> Send for Cell<S, B> {}

fn address<B>(word: *mut Node<B>) -> usize {
    word.addr() & ADDRESS_MASK
}

/// The pointer in a word that is neither idle nor closed.
fn node<B>(word: *mut Node<B>) -> *mut Node<B> {
    word.map_addr(|word| word & ADDRESS_MASK)
}

fn count<B>(word: *mut Node<B>) -> usize {
    word.addr() >> COUNT_SHIFT
}

fn with_count<B>(node: *mut Node<B>, count: usize) -> *mut Node<B> {
    node.map_addr(|address| address | (count << COUNT_SHIFT))
}

impl<S, B> Deref for Cell<S, B> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.shared
    }
}

impl<S, B> Cell<S, B> {
    /// An actor without a body, together with its turn: it is idle once that rests.
    pub(crate) fn with_turn(shared: S) -> Turn<S, B> {
        let owned = Owned { batch: ptr::null_mut(), last: ptr::null_mut(), own: None, body: None };
        Turn(Arc::new(Self {
            word: AtomicPtr::new(ptr::null_mut()),
            counts: AtomicU32::new(0),
            ends_at_once: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            owned: UnsafeCell::new(owned),
            shared,
        }))
    }

    /// Sends a message. Whoever gets a turn must see to it that the actor runs.
    ///
    /// # Errors
    ///
    /// Gives the message back when the actor has ended.
    #[inline]
    pub(crate) fn push<F>(&self, f: F) -> Result<Option<Turn<S, B>>, F>
    where
        B: 'static,
        F: FnOnce(&mut B) + Send + 'static,
    {
        if const { Node::<B>::fits::<F>() } { self.push_small(f) } else { self.push_large(f) }
    }

    fn push_large<F>(&self, f: F) -> Result<Option<Turn<S, B>>, F>
    where
        B: 'static,
        F: FnOnce(&mut B) + Send + 'static,
    {
        if self.is_closed() {
            return Err(f);
        }
        self.push_small(Box::new(f)).map_err(|f| *f)
    }

    #[inline]
    fn push_small<F>(&self, f: F) -> Result<Option<Turn<S, B>>, F>
    where
        B: 'static,
        F: FnOnce(&mut B) + Send + 'static,
    {
        let mut word = self.word.load(Ordering::Relaxed);
        if address(word) == CLOSED {
            return Err(f);
        }
        let new = Node::with(f);
        loop {
            let idle = address(word) == IDLE;
            let next = if idle { ptr::null_mut() } else { node(word) };
            // SAFETY: the node is not published yet, so that only this thread has it.
            unsafe { (*new.as_ptr()).next = next };
            let pushed = count(word).wrapping_add(1) & (usize::MAX >> COUNT_SHIFT);
            let desired = with_count(new.as_ptr(), pushed);
            // Release publishes the message; acquire, for who finds the actor idle, is the other end of
            // `Turn::rest`. Since all changes are exchanges, who reads one message has also acquired
            // those before it.
            match self.word.compare_exchange_weak(word, desired, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => {
                    if pushed == 0 {
                        self.counts.fetch_add(1, Ordering::Relaxed);
                    }
                    // SAFETY: the exchange led out of idle, so that nobody has the turn but us.
                    return Ok(if idle { Some(unsafe { self.wake() }) } else { None });
                }
                Err(now) if address(now) == CLOSED => {
                    // SAFETY: the node was made from `f` above, and was not published.
                    return Err(unsafe { Node::into_closure(new) });
                }
                Err(now) => word = now,
            }
        }
    }

    /// Makes the turn of an actor that was idle.
    ///
    /// # Safety
    ///
    /// The caller has led the word out of idle.
    #[inline]
    unsafe fn wake(&self) -> Turn<S, B> {
        // SAFETY: as the caller says, so that `owned` is ours.
        let own = self.owned.with_mut(|owned| unsafe { (*owned).own.take() });
        let Some(own) = own else { unreachable!("an idle actor holds itself") };
        Turn(own)
    }

    /// Has the actor end after the message at hand, whatever waits. A message must follow to wake it.
    pub(crate) fn end_at_once(&self) {
        self.ends_at_once.store(true, Ordering::Release);
    }

    pub(crate) fn ends_at_once(&self) -> bool {
        self.ends_at_once.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        address(self.word.load(Ordering::Relaxed)) == CLOSED
    }

    /// How many messages were taken up so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many messages wait, with those that were taken in one batch with the one at hand.
    pub(crate) fn depth(&self) -> u64 {
        let taken = self.taken();
        let counts = u64::from(self.counts.load(Ordering::Relaxed));
        let word = self.word.load(Ordering::Relaxed);
        if address(word) == CLOSED {
            return 0;
        }
        let pushed = (counts << (usize::BITS - COUNT_SHIFT)) + count(word) as u64;
        // Who begins the count anew notes it a moment later.
        let missing = if pushed < taken { 1 << (usize::BITS - COUNT_SHIFT) } else { 0 };
        (pushed + missing).saturating_sub(taken)
    }
}
