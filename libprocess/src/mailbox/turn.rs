//! The right to run an actor, and what comes with it.

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use super::node::{Message, Node};
use super::sync::Ordering;
use super::{CLOSED, Cell, IDLE, Owned, count, node, slab, with_count};

/// The right to run an actor, and the duty to: there is one for each actor that is not idle, and it
/// passes from who wakes the actor, through a run queue, to who runs it.
///
/// Dropping it ends the actor: its body and what waits for it are dropped.
pub(crate) struct Turn<S, B>(pub(super) Arc<Cell<S, B>>);

impl<S, B> Turn<S, B> {
    pub(crate) fn cell(&self) -> &Arc<Cell<S, B>> {
        &self.0
    }

    /// What waits for the actor, and its body.
    #[inline]
    pub(crate) fn parts(&mut self) -> (Inbox<'_, S, B>, &mut Option<B>) {
        let cell: &Cell<S, B> = &self.0;
        // SAFETY: `owned` belongs to the turn, which is borrowed for as long as the references live.
        let owned = cell.owned.with_mut(|owned| unsafe { &mut *owned });
        let Owned { batch, last, body, .. } = owned;
        (Inbox { cell, batch, last }, body)
    }

    /// Lets the actor be until somebody sends to it.
    ///
    /// # Errors
    ///
    /// Gives the turn back when something waits.
    #[inline]
    pub(crate) fn rest(self) -> Result<(), Self> {
        let cell = Arc::as_ptr(&self.0);
        // SAFETY: the turn is ours, and with it `owned`; the handle that keeps the cell alive is in `self`
        // or, from here on, in the cell.
        unsafe {
            let word = (*cell).word.load(Ordering::Relaxed);
            let (batch, last) = (*cell).owned.with_mut(|owned| ((*owned).batch, (*owned).last));
            if !batch.is_null() || node(word) != last {
                return Err(self);
            }
            let own = self.into_cell();
            (*cell).owned.with_mut(|owned| {
                (*owned).last = ptr::null_mut();
                (*owned).own = Some(own);
            });
            let idle = with_count(ptr::without_provenance_mut(IDLE), count(word));
            // Release hands all that the turn owns to who wakes the actor. From then on the actor may be
            // gone.
            match (*cell).word.compare_exchange(word, idle, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => {
                    if let Some(last) = NonNull::new(last) {
                        // Its payload is gone, and no word has its address any more.
                        slab::give_back(last.cast());
                    }
                    Ok(())
                }
                Err(_) => Err(Self((*cell).owned.with_mut(|owned| {
                    (*owned).last = last;
                    (*owned).own.take().expect("it was put there above")
                }))),
            }
        }
    }

    /// Ends the mailbox, like [`Inbox::close`].
    #[cfg(test)]
    pub(crate) fn close(&mut self, panicked: impl FnMut(Box<dyn std::any::Any + Send>)) -> usize {
        self.parts().0.close(panicked)
    }

    /// The cell without the turn: it must get it back.
    pub(super) fn into_cell(self) -> Arc<Cell<S, B>> {
        let turn = ManuallyDrop::new(self);
        // SAFETY: the turn is not used or dropped any more.
        unsafe { ptr::read(&turn.0) }
    }
}

impl<S, B> Drop for Turn<S, B> {
    fn drop(&mut self) {
        let (mut inbox, body) = self.parts();
        inbox.close(drop);
        let body = body.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(body)));
    }
}

/// What waits for the actor whose turn it is, in the order of each sender.
pub(crate) struct Inbox<'a, S, B> {
    cell: &'a Cell<S, B>,
    batch: &'a mut *mut Node<B>,
    last: &'a mut *mut Node<B>,
}

impl<'a, S, B> Inbox<'a, S, B> {
    pub(crate) fn cell(&self) -> &'a Cell<S, B> {
        self.cell
    }

    /// The next message.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Message<B>> {
        if self.batch.is_null() {
            let newest = node(self.cell.word.load(Ordering::Acquire));
            if newest == *self.last {
                return None;
            }
            self.turn_round(newest);
        }
        self.pop()
    }

    fn pop(&mut self) -> Option<Message<B>> {
        let next = NonNull::new(*self.batch)?;
        // SAFETY: nodes of a batch are ours. The last of the batch, which the word may be on, keeps its
        // node; that of every other one goes with its message.
        let message = unsafe {
            *self.batch = (*next.as_ptr()).next;
            Message::new(next, next.as_ptr() != *self.last)
        };
        // Nobody else writes it.
        self.cell.taken.store(self.cell.taken.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        Some(message)
    }

    /// Takes the list that begins with `newest` and ends where the last batch began, as the next batch.
    fn turn_round(&mut self, newest: *mut Node<B>) {
        // SAFETY: the list was read from the word with acquire, and the batch is used up, so that the
        // payload of its last node is gone and the word has moved on from it.
        unsafe {
            *self.batch = reversed(newest, *self.last);
            if let Some(last) = NonNull::new(std::mem::replace(self.last, newest)) {
                slab::give_back(last.cast());
            }
        }
    }

    /// Ends the mailbox: nothing is taken any more, and what waited is dropped. Says how much that was.
    pub(crate) fn close(&mut self, mut panicked: impl FnMut(Box<dyn std::any::Any + Send>)) -> usize {
        let mut dropped = 0;
        while let Some(message) = self.close_and_next() {
            dropped += 1;
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(message))) {
                panicked(panic);
            }
        }
        dropped
    }

    /// Closes the mailbox if it is open; then gives what is left in it.
    fn close_and_next(&mut self) -> Option<Message<B>> {
        if !self.cell.is_closed() {
            let closed = ptr::without_provenance_mut(CLOSED);
            let newest = node(self.cell.word.swap(closed, Ordering::AcqRel));
            // The word is on no message any more: all nodes go with their messages from here on.
            let last = std::mem::replace(self.last, ptr::null_mut());
            // SAFETY: the list was read from the word with acquire; the last node is in the batch, or its
            // payload is gone.
            unsafe {
                let later = reversed(newest, last);
                match NonNull::new(*self.batch) {
                    Some(_) => (*last).next = later,
                    None => {
                        *self.batch = later;
                        if let Some(last) = NonNull::new(last) {
                            slab::give_back(last.cast());
                        }
                    }
                }
            }
        }
        self.pop()
    }
}

/// The list from `newest` down to `end`, which is not in it, the other way round.
///
/// # Safety
///
/// The nodes of the list were read from the word of a mailbox by who has its turn.
unsafe fn reversed<B>(newest: *mut Node<B>, end: *mut Node<B>) -> *mut Node<B> {
    let (mut node, mut oldest) = (newest, ptr::null_mut());
    while node != end {
        // SAFETY: as the caller says; nobody but the owner reads or writes `next` of a published node.
        let next = unsafe { std::mem::replace(&mut (*node).next, oldest) };
        oldest = node;
        node = next;
    }
    oldest
}
