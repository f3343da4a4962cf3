//! What is called when something ends.

use std::collections::BTreeMap;

use crate::Exit;

/// Hears why something has ended. It may run with a handler of the process that hears of it under way, on any
/// thread: it tells, and does no more.
pub(crate) type Hook = Box<dyn FnOnce(Exit) + Send>;

/// Hooks by the numbers that their node gave them, called in that order.
#[derive(Default)]
pub(crate) struct Hooks(BTreeMap<u64, Hook>);

impl Hooks {
    pub(crate) fn insert(&mut self, number: u64, hook: Hook) {
        self.0.insert(number, hook);
    }

    /// Takes one out, for the caller to drop where no lock is held.
    pub(crate) fn remove(&mut self, number: u64) -> Option<Hook> {
        self.0.remove(&number)
    }

    #[cfg(feature = "remote")]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn call(self, exit: &Exit) {
        self.0.into_values().for_each(|hook| hook(exit.clone()));
    }
}
