//! Processes whose ids are numbered.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::table::NumberHasher;
use crate::pid::{AnyProcess, Shared};

/// So many locks for one family; pages go round.
const SHARDS: u64 = 8;
/// So many numbers that follow one another share a page: where one process of each page stays, that is
/// half a kilobyte each; where all do, as good as nothing beside their handles.
const PAGE_PLACES: u64 = 32;
/// A table that has become this much too large is made smaller.
const SPARSE: usize = 8;
const KEPT_PLACES_MAX: usize = 1024;

/// The processes whose ids begin with one prefix.
pub(crate) struct Family {
    pub(crate) prefix: &'static str,
    count: AtomicU64,
    shards: [Mutex<Shard>; SHARDS as usize],
}

/// Pages by the number of their first place.
#[derive(Default)]
struct Shard(HashMap<u64, Box<Page>, BuildHasherDefault<NumberHasher>>);

#[derive(Default)]
struct Page {
    places: [Option<Arc<dyn AnyProcess>>; PAGE_PLACES as usize],
    used: u32,
}

impl Shard {
    fn insert(&mut self, number: u64, process: Arc<dyn AnyProcess>) {
        let page = self.0.entry(number / PAGE_PLACES).or_default();
        // No two processes have one number.
        page.used += 1;
        page.places[(number % PAGE_PLACES) as usize] = Some(process);
    }

    fn get(&self, number: u64) -> Option<&Arc<dyn AnyProcess>> {
        self.0.get(&(number / PAGE_PLACES))?.places[(number % PAGE_PLACES) as usize].as_ref()
    }

    /// Takes out the process if it is the one.
    fn remove(&mut self, number: u64, shared: &Shared) -> Option<Arc<dyn AnyProcess>> {
        let page = self.0.get_mut(&(number / PAGE_PLACES))?;
        let place = &mut page.places[(number % PAGE_PLACES) as usize];
        let removed = place.take_if(|process| std::ptr::eq(process.shared(), shared))?;
        page.used -= 1;
        if page.used == 0 {
            self.0.remove(&(number / PAGE_PLACES));
            if self.0.capacity() > KEPT_PLACES_MAX && self.0.len() < self.0.capacity() / SPARSE {
                let kept = self.0.capacity() / 4;
                self.0.shrink_to(kept);
            }
        }
        Some(removed)
    }
}

impl Family {
    pub(super) fn new(prefix: &'static str) -> Self {
        Self { prefix, count: AtomicU64::new(0), shards: Default::default() }
    }

    /// A number that no process of the family had.
    pub(super) fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn shard(&self, number: u64) -> &Mutex<Shard> {
        &self.shards[(number / PAGE_PLACES % SHARDS) as usize]
    }

    /// Enters a process if `may`, which is asked while nobody can look at the place.
    pub(super) fn insert(
        &self,
        number: u64,
        process: Arc<dyn AnyProcess>,
        may: impl FnOnce() -> bool,
    ) -> bool {
        let mut shard = self.shard(number).lock();
        let may = may();
        if may {
            shard.insert(number, process);
        }
        may
    }

    pub(super) fn get(&self, number: u64) -> Option<Arc<dyn AnyProcess>> {
        self.shard(number).lock().get(number).cloned()
    }

    /// Takes out the process if it is the one.
    pub(super) fn remove(&self, number: u64, shared: &Shared) -> Option<Arc<dyn AnyProcess>> {
        self.shard(number).lock().remove(number, shared)
    }

    pub(super) fn add_all_to(&self, all: &mut Vec<Arc<dyn AnyProcess>>) {
        for shard in &self.shards {
            let shard = shard.lock();
            all.extend(shard.0.values().flat_map(|page| page.places.iter().flatten().cloned()));
        }
    }
}
