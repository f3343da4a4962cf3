//! Which processes a node has.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::RwLock;

use super::SpawnError;
use super::family::Family;
use crate::pid::{AnyProcess, Shared};

/// The processes by their ids. Those whose ids were generated, which may be very many and come and go,
/// are in tables by number.
#[derive(Default)]
pub(super) struct Table {
    named: RwLock<HashMap<String, Arc<dyn AnyProcess>>>,
    /// How many named ids look like generated ones.
    lookalikes: AtomicUsize,
    families: RwLock<HashMap<&'static str, Arc<Family>, BuildHasherDefault<NumberHasher>>>,
    closed: AtomicBool,
}

/// Spreads numbers that follow one another, and names that the program itself has.
#[derive(Default)]
pub(super) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        // An odd constant without a pattern; the upper bits tell the places of a table apart, too.
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

/// The parts of an id that looks generated, such as `slave(1)`.
fn split(id: &str) -> Option<(&str, u64)> {
    let (prefix, number) = id.strip_suffix(')')?.rsplit_once('(')?;
    let canonical = number.bytes().all(|digit| digit.is_ascii_digit()) && !number.starts_with('0');
    Some((prefix, number.parse().ok().filter(|_| canonical)?))
}

impl Table {
    pub(super) fn family(&self, prefix: &'static str) -> Arc<Family> {
        if let Some(family) = self.families.read().get(prefix) {
            return Arc::clone(family);
        }
        Arc::clone(self.families.write().entry(prefix).or_insert_with(|| Arc::new(Family::new(prefix))))
    }

    /// Enters a process whose id was generated. Somebody may have given a process this id by name.
    pub(super) fn enter_generated(
        &self,
        family: &Family,
        number: u64,
        process: Arc<dyn AnyProcess>,
    ) -> Result<(), SpawnError> {
        // Who closes looks at the place after that.
        if !family.insert(number, process, || !self.closed.load(Ordering::SeqCst)) {
            return Err(SpawnError::ShuttingDown);
        }
        if self.lookalikes.load(Ordering::SeqCst) > 0
            && let Some(process) = family.get(number)
        {
            let shared = process.shared();
            let id = shared.upid().id();
            if self.named.read().contains_key(id) {
                let entered = family.remove(number, shared);
                drop(entered); // After the lock.
                return Err(SpawnError::IdInUse(id.to_owned()));
            }
        }
        Ok(())
    }

    pub(super) fn enter_named(&self, id: &str, process: Arc<dyn AnyProcess>) -> Result<(), SpawnError> {
        let mut named = self.named.write();
        if self.closed.load(Ordering::SeqCst) {
            return Err(SpawnError::ShuttingDown);
        }
        if named.contains_key(id) {
            return Err(SpawnError::IdInUse(id.to_owned()));
        }
        if let Some((prefix, number)) = split(id) {
            self.lookalikes.fetch_add(1, Ordering::SeqCst);
            if self.numbered(prefix, number).is_some() {
                self.lookalikes.fetch_sub(1, Ordering::SeqCst);
                return Err(SpawnError::IdInUse(id.to_owned()));
            }
        }
        named.insert(id.to_owned(), process);
        Ok(())
    }

    fn numbered(&self, prefix: &str, number: u64) -> Option<Arc<dyn AnyProcess>> {
        self.families.read().get(prefix)?.get(number)
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<dyn AnyProcess>> {
        if let Some((prefix, number)) = split(id)
            && let Some(process) = self.numbered(prefix, number)
        {
            return Some(process);
        }
        self.named.read().get(id).cloned()
    }

    /// Drops a process that has ended, or was not entered: another one may have its id.
    pub(super) fn remove(&self, shared: &Shared) {
        let is_it = |process: &Arc<dyn AnyProcess>| std::ptr::eq(process.shared(), shared);
        let removed = match shared.generated() {
            Some((family, number)) => family.remove(number, shared),
            None => {
                let id = shared.upid().id();
                let mut named = self.named.write();
                if !named.get(id).is_some_and(is_it) {
                    return;
                }
                if split(id).is_some() {
                    self.lookalikes.fetch_sub(1, Ordering::SeqCst);
                }
                named.remove(id)
            }
        };
        drop(removed); // After the locks.
    }

    /// All processes, in no order.
    pub(super) fn all(&self) -> Vec<Arc<dyn AnyProcess>> {
        let mut all: Vec<_> = self.named.read().values().cloned().collect();
        for family in self.families.read().values() {
            family.add_all_to(&mut all);
        }
        all
    }

    /// Refuses new processes, and gives those there are.
    pub(super) fn close(&self) -> Vec<Arc<dyn AnyProcess>> {
        self.closed.store(true, Ordering::SeqCst);
        self.all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_that_looks_generated_is_the_one_that_would_be() {
        for (id, expected) in [
            ("slave(1)", Some(("slave", 1))),
            ("a(b)(12)", Some(("a(b)", 12))),
            ("(3)", Some(("", 3))),
            ("slave(01)", None),
            ("slave(0)", None),
            ("slave(+1)", None),
            ("slave()", None),
            ("slave(1", None),
            ("slave(99999999999999999999)", None),
            ("master", None),
        ] {
            assert_eq!(split(id), expected, "{id}");
        }
    }
}
