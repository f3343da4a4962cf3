//! Who waits for something, in the order in which they came.

use std::collections::VecDeque;

use crate::Promise;

/// The number of somebody who waits.
pub(super) type Ticket = u64;

/// Somebody who waits and may lose interest.
pub(super) trait Waiter {
    fn is_wanted(&self) -> bool;
}

impl<T> Waiter for Promise<T> {
    fn is_wanted(&self) -> bool {
        Promise::is_wanted(self)
    }
}

/// A queue from whose middle one can leave.
pub(super) struct Waiters<W> {
    queue: VecDeque<(Ticket, W)>,
    tickets: Ticket,
}

impl<W> Default for Waiters<W> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), tickets: 0 }
    }
}

impl<W: Waiter> Waiters<W> {
    /// The ticket for whoever is pushed next.
    pub(super) fn next_ticket(&self) -> Ticket {
        self.tickets
    }

    /// Adds somebody at the end, and returns those there who have lost interest, so that a loop of
    /// attempts which are given up leaves nothing behind.
    #[must_use = "they are dropped outside the lock"]
    pub(super) fn push(&mut self, waiter: W) -> Vec<W> {
        let wanted = self.queue.iter().rposition(|(_, waiter)| waiter.is_wanted());
        let gone = self.queue.split_off(wanted.map_or(0, |last| last + 1));
        self.queue.push_back((self.tickets, waiter));
        self.tickets += 1;
        gone.into_iter().map(|(_, waiter)| waiter).collect()
    }

    /// The first, whether or not anybody still wants it.
    pub(super) fn front(&self) -> Option<&W> {
        self.queue.front().map(|(_, waiter)| waiter)
    }

    pub(super) fn pop(&mut self) -> Option<W> {
        self.queue.pop_front().map(|(_, waiter)| waiter)
    }

    /// Takes somebody out who leaves.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<W> {
        let index = self.queue.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()?;
        self.queue.remove(index).map(|(_, waiter)| waiter)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many there are, with those whom nobody has found to be gone yet.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn take_all(&mut self) -> impl Iterator<Item = W> + use<W> {
        std::mem::take(&mut self.queue).into_iter().map(|(_, waiter)| waiter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Waiter for (u8, bool) {
        fn is_wanted(&self) -> bool {
            self.1
        }
    }

    #[test]
    fn one_leaves_from_the_middle_and_the_others_keep_their_order() {
        let mut waiters = Waiters::default();
        let mut tickets = Vec::new();
        for n in 0..4 {
            tickets.push(waiters.next_ticket());
            assert!(waiters.push((n, true)).is_empty());
        }
        assert_eq!(waiters.pop(), Some((0, true)));
        assert_eq!(waiters.remove(tickets[2]), Some((2, true)));
        assert_eq!(waiters.remove(tickets[2]), None);
        assert_eq!(waiters.remove(tickets[0]), None);
        assert_eq!(waiters.take_all().map(|(n, _)| n).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn those_at_the_end_who_lost_interest_go_with_the_next_push() {
        let mut waiters = Waiters::default();
        for (n, wanted) in [(0, true), (1, false), (2, false)] {
            let _ = waiters.push((n, wanted));
        }
        assert_eq!(waiters.len(), 2);
        assert_eq!(waiters.push((3, true)), [(2, false)]);
        assert_eq!(waiters.len(), 2);
    }
}
