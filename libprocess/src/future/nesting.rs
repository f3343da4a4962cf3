//! Callbacks that end other futures, without a deep stack.
//!
//! A callback may end a promise, which calls the callback of that one's future, and so on. Up to a
//! depth each runs inside the other, so that whoever ends a promise finds its callback done when it
//! goes on. Deeper ones wait in a queue of the thread until the one at that depth has returned.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::error;

/// So many callbacks at most run inside each other.
const NESTED_MAX: usize = 16;

thread_local! {
    static NESTED: Cell<usize> = const { Cell::new(0) };
    static QUEUED: RefCell<VecDeque<Box<dyn FnOnce()>>> = const { RefCell::new(VecDeque::new()) };
}

/// Runs `f`: now, or once the callbacks that it would be nested in have returned.
pub(crate) fn run(f: impl FnOnce() + 'static) {
    let depth = NESTED.get();
    if depth >= NESTED_MAX {
        let mut f = Some(f);
        // The queue is gone on a thread that is ending: then there is no other way than deeper.
        let _ = QUEUED.try_with(|queued| queued.borrow_mut().extend(f.take().map(|f| Box::new(f) as _)));
        if let Some(f) = f {
            contain(f);
        }
        return;
    }
    NESTED.set(depth + 1);
    contain(f);
    if depth + 1 == NESTED_MAX {
        while let Ok(Some(next)) = QUEUED.try_with(|queued| queued.borrow_mut().pop_front()) {
            contain(next);
        }
    }
    NESTED.set(depth);
}

/// Runs what one side of a future has left to run when the other side does something.
fn contain(f: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
        error!("a callback of a future panicked: {}", crate::panic::text(&*panic));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    fn nest(left: usize, order: Rc<RefCell<Vec<usize>>>) {
        run(move || {
            order.borrow_mut().push(left);
            if left > 0 {
                nest(left - 1, order);
            }
        });
    }

    #[test]
    fn all_that_was_nested_has_run_in_order_when_the_outermost_returns() {
        let order = Rc::default();
        nest(100_000, Rc::clone(&order));
        assert!(order.borrow().iter().rev().copied().eq(0..=100_000));
    }

    #[test]
    fn panic_ends_only_the_callback_that_it_is_in() {
        let ran = Rc::new(Cell::new(0));
        for _ in 0..2 * NESTED_MAX {
            let ran = Rc::clone(&ran);
            run(move || {
                run(|| panic!("on purpose"));
                ran.set(ran.get() + 1);
            });
        }
        assert_eq!((ran.get(), NESTED.get()), (2 * NESTED_MAX, 0));
    }
}
