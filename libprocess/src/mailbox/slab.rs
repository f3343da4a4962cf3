//! Memory for nodes: a cache of free ones in each thread, and a depot behind them.
//!
//! A thread takes nodes from its magazine and puts those it frees there. Full and empty magazines are
//! exchanged with the depot, so that nodes which one thread takes and another one frees find their
//! way back, at the price of one lock for many messages. The depot keeps a bounded number; beyond
//! that nodes go home to their chunk, which is freed once all its nodes are back.

#[cfg(not(libprocess_loom))]
pub(super) use cached::{give_back, take};

/// The size and alignment of a node.
pub(super) const NODE_BYTES: usize = 64;

#[cfg(not(libprocess_loom))]
mod cached {
    use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
    use std::cell::UnsafeCell;
    use std::mem;
    use std::ptr::{self, NonNull};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use parking_lot::Mutex;

    use super::NODE_BYTES;

    const MAGAZINE_NODES: usize = 128;
    /// A million nodes: 64 MiB.
    const DEPOT_MAGAZINES_MAX: usize = 8192;
    const CHUNK_BYTES: usize = 64 << 10;
    /// The first place of a chunk is its header.
    const CHUNK_NODES: usize = CHUNK_BYTES / NODE_BYTES - 1;
    const CHUNK_LAYOUT: Layout = match Layout::from_size_align(CHUNK_BYTES, CHUNK_BYTES) {
        Ok(layout) => layout,
        Err(_) => panic!("the layout of a chunk is valid"),
    };
    /// A mailbox keeps a count where addresses have no bits.
    const ADDRESS_BITS: u32 = 48;

    type Place = NonNull<u8>;

    /// How many nodes of a chunk have come home. A node that has is not used again.
    struct ChunkHeader {
        home: AtomicUsize,
    }

    struct Magazine {
        length: usize,
        places: [*mut u8; MAGAZINE_NODES],
    }

    // SAFETY: the places are free memory that belongs to the magazine.
    unsafe impl Send for Magazine {}

    impl Magazine {
        fn empty() -> Box<Self> {
            Box::new(Self { length: 0, places: [ptr::null_mut(); MAGAZINE_NODES] })
        }

        #[inline]
        fn pop(&mut self) -> Option<Place> {
            self.length = self.length.checked_sub(1)?;
            NonNull::new(self.places[self.length])
        }

        #[inline]
        fn push(&mut self, place: Place) -> bool {
            let Some(free) = self.places.get_mut(self.length) else { return false };
            *free = place.as_ptr();
            self.length += 1;
            true
        }
    }

    /// Magazines that no thread has, and the chunk that new nodes are cut from.
    #[allow(clippy::vec_box)] // They pass to and from threads as they are, with a kilobyte of places.
    struct Depot {
        full: Vec<Box<Magazine>>,
        empty: Vec<Box<Magazine>>,
        chunk: *mut u8,
        uncut: usize,
    }

    // SAFETY: what is uncut of the chunk belongs to the depot.
    unsafe impl Send for Depot {}

    static DEPOT: Mutex<Depot> =
        Mutex::new(Depot { full: Vec::new(), empty: Vec::new(), chunk: ptr::null_mut(), uncut: 0 });

    impl Depot {
        /// Cuts a node from the chunk, and gets a new chunk when that is used up.
        fn cut(&mut self) -> Place {
            if self.uncut == 0 {
                // SAFETY: the layout is not empty.
                self.chunk = unsafe { alloc(CHUNK_LAYOUT) };
                if self.chunk.is_null() {
                    handle_alloc_error(CHUNK_LAYOUT);
                }
                let last = self.chunk.addr() + (CHUNK_BYTES - 1);
                assert!(last >> ADDRESS_BITS == 0, "memory lies above 2^{ADDRESS_BITS}");
                let header = ChunkHeader { home: AtomicUsize::new(0) };
                // SAFETY: the chunk is new, aligned to its size, and larger than the header.
                unsafe { self.chunk.cast::<ChunkHeader>().write(header) };
                self.uncut = CHUNK_NODES;
            }
            // Upwards, as the processor fetches ahead.
            let index = CHUNK_NODES + 1 - self.uncut;
            self.uncut -= 1;
            // SAFETY: the index is in 1..=CHUNK_NODES, so that the place lies in the chunk.
            unsafe { NonNull::new_unchecked(self.chunk.add(index * NODE_BYTES)) }
        }

        fn refill(&mut self, magazine: &mut Magazine) {
            while magazine.push(self.cut()) {
                if magazine.length == MAGAZINE_NODES {
                    // Taken from the end: the lowest address first.
                    magazine.places.reverse();
                    return;
                }
            }
        }
    }

    /// Gives a node back to its chunk.
    fn go_home(place: Place) {
        let chunk = place.as_ptr().map_addr(|address| address & !(CHUNK_BYTES - 1));
        // SAFETY: nodes are cut from chunks, which begin with a header, and a chunk lives until all
        // its nodes are home; this one is not yet.
        let home = unsafe { (*chunk.cast::<ChunkHeader>()).home.fetch_add(1, Ordering::AcqRel) + 1 };
        if home == CHUNK_NODES {
            // SAFETY: it was allocated with this layout, all of it was cut and is home again, and who
            // comes home last frees it.
            unsafe { dealloc(chunk, CHUNK_LAYOUT) };
        }
    }

    /// What one thread has.
    struct Cache {
        /// Nodes come from here and go here.
        at_hand: Box<Magazine>,
        /// Full or empty: who takes and frees in turns does not go to the depot each time.
        spare: Box<Magazine>,
    }

    impl Cache {
        #[cold]
        fn refill(&mut self) -> Place {
            mem::swap(&mut self.at_hand, &mut self.spare);
            loop {
                if let Some(place) = self.at_hand.pop() {
                    return place;
                }
                let mut depot = DEPOT.lock();
                if let Some(full) = depot.full.pop() {
                    let empty = mem::replace(&mut self.at_hand, full);
                    if depot.empty.len() < DEPOT_MAGAZINES_MAX {
                        depot.empty.push(empty);
                    }
                } else {
                    depot.refill(&mut self.at_hand);
                }
            }
        }

        #[cold]
        fn make_room(&mut self, place: Place) {
            mem::swap(&mut self.at_hand, &mut self.spare);
            if self.at_hand.push(place) {
                return;
            }
            let mut depot = DEPOT.lock();
            if depot.full.len() < DEPOT_MAGAZINES_MAX {
                let empty = depot.empty.pop().unwrap_or_else(Magazine::empty);
                let full = mem::replace(&mut self.at_hand, empty);
                depot.full.push(full);
            } else {
                drop(depot);
                while let Some(place) = self.at_hand.pop() {
                    go_home(place);
                }
            }
            let pushed = self.at_hand.push(place);
            debug_assert!(pushed, "the magazine is empty");
        }
    }

    impl Drop for Cache {
        /// A thread that ends leaves what it has to the others.
        fn drop(&mut self) {
            let mut depot = DEPOT.lock();
            for magazine in [&mut self.at_hand, &mut self.spare] {
                while let Some(place) = magazine.pop() {
                    depot.keep(place);
                }
            }
        }
    }

    impl Depot {
        fn keep(&mut self, place: Place) {
            if !self.full.last_mut().is_some_and(|magazine| magazine.push(place)) {
                let mut magazine = self.empty.pop().unwrap_or_else(Magazine::empty);
                magazine.push(place);
                self.full.push(magazine);
            }
        }
    }

    thread_local! {
        static CACHE: UnsafeCell<Cache> =
            UnsafeCell::new(Cache { at_hand: Magazine::empty(), spare: Magazine::empty() });
    }

    /// Memory for one node.
    #[inline]
    pub(in super::super) fn take() -> NonNull<u8> {
        let taken = CACHE.try_with(|cache| {
            // SAFETY: the cell is only reached here and in `give_back`, by its own thread, and
            // nothing that runs meanwhile calls either of them.
            let cache = unsafe { &mut *cache.get() };
            match cache.at_hand.pop() {
                Some(place) => place,
                None => cache.refill(),
            }
        });
        // The thread is ending, and its cache is gone.
        taken.unwrap_or_else(|_| DEPOT.lock().cut())
    }

    /// Takes memory back that came from [`take`].
    ///
    /// # Safety
    ///
    /// It comes from `take`, and is not used any more.
    #[inline]
    pub(in super::super) unsafe fn give_back(place: NonNull<u8>) {
        let kept = CACHE.try_with(|cache| {
            // SAFETY: as in `take`.
            let cache = unsafe { &mut *cache.get() };
            if !cache.at_hand.push(place) {
                cache.make_room(place);
            }
        });
        if kept.is_err() {
            DEPOT.lock().keep(place);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn nodes_that_another_thread_frees_come_back() {
            let taken: Vec<usize> = (0..10_000).map(|_| take().as_ptr().expose_provenance()).collect();
            let mut distinct = taken.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), taken.len());
            assert!(taken.iter().all(|address| address.is_multiple_of(NODE_BYTES)));
            let freeing = std::thread::spawn(move || {
                for address in taken {
                    let place = NonNull::new(ptr::with_exposed_provenance_mut(address)).unwrap();
                    // SAFETY: taken above, and handed over.
                    unsafe { give_back(place) };
                }
            });
            freeing.join().unwrap();
            let again = take();
            // SAFETY: taken in the line above.
            unsafe { give_back(again) };
        }

        #[test]
        fn chunk_whose_nodes_are_all_home_is_freed() {
            let mut depot = Depot { full: Vec::new(), empty: Vec::new(), chunk: ptr::null_mut(), uncut: 0 };
            let places: Vec<_> = (0..CHUNK_NODES).map(|_| depot.cut()).collect();
            assert_eq!(depot.uncut, 0);
            // A leak checker sees it otherwise.
            places.into_iter().for_each(go_home);
        }
    }
}

/// Without a cache, so that loom sees what is freed and used again.
#[cfg(libprocess_loom)]
mod plain {
    use std::alloc::{Layout, alloc, dealloc};
    use std::ptr::NonNull;

    const LAYOUT: Layout = match Layout::from_size_align(super::NODE_BYTES, super::NODE_BYTES) {
        Ok(layout) => layout,
        Err(_) => panic!("the layout of a node is valid"),
    };

    pub(in super::super) fn take() -> NonNull<u8> {
        // SAFETY: the layout is not empty.
        NonNull::new(unsafe { alloc(LAYOUT) }).expect("memory for a model")
    }

    /// # Safety
    ///
    /// The memory comes from `take`, and is not used any more.
    pub(in super::super) unsafe fn give_back(place: NonNull<u8>) {
        // SAFETY: as the caller says.
        unsafe { dealloc(place.as_ptr(), LAYOUT) };
    }
}

#[cfg(libprocess_loom)]
pub(super) use plain::{give_back, take};
