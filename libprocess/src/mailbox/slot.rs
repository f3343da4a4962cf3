//! A place for one value, which its owner fills and anybody may empty.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::Arc;

use super::sync::{AtomicU8, Ordering, UnsafeCell};

/// Nothing is there; the owner may write.
const EMPTY: u8 = 0;
/// A value is there; who changes this to something else has it.
const FULL: u8 = 1;
/// A thief is reading the value.
const LEAVING: u8 = 2;

struct Slot<T> {
    state: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the value goes from one thread to another, and only one reaches it at a time: the owner while
// the state is EMPTY, and who took it out of FULL.
unsafe impl<T: Send> Sync for Slot<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Slot<T> {}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        if self.state.load(Ordering::Acquire) == FULL {
            // SAFETY: nobody else has the slot any more, and FULL says that there is a value.
            self.value.with_mut(|value| unsafe { (*value).assume_init_drop() });
        }
    }
}

/// The owner's side: it stays on one thread.
pub(crate) struct Owner<T> {
    slot: Arc<Slot<T>>,
    _one_thread: PhantomData<*const ()>,
}

// SAFETY: it may move to another thread; since it is not `Sync` or `Clone`, one thread has it at a time.
unsafe impl<T: Send> Send for Owner<T> {}

/// The side of those who may take the value away.
pub(crate) struct Thief<T>(Arc<Slot<T>>);

/// Makes an empty slot.
pub(crate) fn slot<T: Send>() -> (Owner<T>, Thief<T>) {
    let slot = Slot { state: AtomicU8::new(EMPTY), value: UnsafeCell::new(MaybeUninit::uninit()) };
    let slot = Arc::new(slot);
    (Owner { slot: Arc::clone(&slot), _one_thread: PhantomData }, Thief(slot))
}

impl<T> Owner<T> {
    /// Puts a value into an empty slot, or gives it back.
    #[inline]
    pub(crate) fn put(&self, value: T) -> Result<(), T> {
        // Acquire: a thief has read the value before it said so.
        if self.slot.state.load(Ordering::Acquire) != EMPTY {
            return Err(value);
        }
        // SAFETY: only the owner, which is on one thread, leads out of EMPTY, so that nobody else
        // reaches the value; and there is none that would be lost.
        self.slot.value.with_mut(|place| unsafe { (*place).write(value) });
        self.slot.state.store(FULL, Ordering::Release);
        Ok(())
    }

    /// Takes the value, if it is still there.
    #[inline]
    pub(crate) fn take(&self) -> Option<T> {
        if self.slot.state.load(Ordering::Relaxed) != FULL {
            return None;
        }
        self.slot.state.compare_exchange(FULL, EMPTY, Ordering::Acquire, Ordering::Relaxed).ok()?;
        // SAFETY: FULL said that there is a value, which is ours with the exchange; only the owner itself,
        // which is here, could write another one.
        Some(self.slot.value.with_mut(|place| unsafe { read_by_words(place) }))
    }
}

/// Reads a value word by word, as it was written a moment ago: the processor is slow to read in one piece
/// what it still holds in several.
///
/// # Safety
///
/// There is a value, which nobody else reads or writes.
#[inline]
unsafe fn read_by_words<T>(place: *const MaybeUninit<T>) -> T {
    if size_of::<T>() != size_of::<[MaybeUninit<usize>; 2]>() || align_of::<T>() != align_of::<usize>() {
        // SAFETY: as the caller says.
        return unsafe { (*place).assume_init_read() };
    }
    let words = place.cast::<MaybeUninit<*const ()>>();
    // SAFETY: the value is two aligned words long. What is copied is the value, whatever it consists of.
    unsafe {
        let words = [words.read_volatile(), words.add(1).read_volatile()];
        std::mem::transmute_copy(&words)
    }
}

impl<T> Thief<T> {
    /// Takes the value away from the owner, if it is still there.
    pub(crate) fn steal(&self) -> Option<T> {
        self.0.state.compare_exchange(FULL, LEAVING, Ordering::Acquire, Ordering::Relaxed).ok()?;
        // SAFETY: FULL said that there is a value, which is ours with the exchange; until LEAVING is over
        // nobody writes.
        let value = self.0.value.with_mut(|place| unsafe { (*place).assume_init_read() });
        self.0.state.store(EMPTY, Ordering::Release);
        Some(value)
    }
}

#[cfg(all(test, not(libprocess_loom)))]
mod tests {
    use super::*;

    #[test]
    fn value_is_taken_once_and_dropped_with_the_slot() {
        let (owner, thief) = slot();
        let value = Arc::new(7);
        assert!(owner.take().is_none());
        owner.put(Arc::clone(&value)).unwrap();
        assert!(owner.put(Arc::new(8)).is_err());
        assert_eq!(thief.steal().as_deref(), Some(&7));
        assert!(owner.take().is_none() && thief.steal().is_none());
        owner.put(Arc::clone(&value)).unwrap();
        assert_eq!(owner.take().as_deref(), Some(&7));
        owner.put(Arc::clone(&value)).unwrap();
        drop((owner, thief));
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
