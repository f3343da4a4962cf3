//! Numbers that are there once.

use std::cell::Cell;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};

use crate::Node;

/// What the states of the generator lie apart: odd, so that all numbers come before one comes again.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

thread_local! {
    static STATE: Cell<u64> = Cell::new(RandomState::new().build_hasher().finish());
}

/// A number that nobody could tell in advance.
pub(super) fn random() -> u64 {
    STATE.with(|state| {
        state.set(state.get().wrapping_add(STEP));
        mixed(state.get())
    })
}

/// A number for what a process of this node handles. Where a scheduler decides what happens, it is the same in every
/// run.
pub(super) fn next(node: &Node) -> u64 {
    if !node.runtime().is_own() {
        return random();
    }
    let mut hasher = DefaultHasher::new();
    node.address().hash(&mut hasher);
    mixed(hasher.finish().wrapping_add(node.next_number().wrapping_mul(STEP)))
}

/// The output of SplitMix64 for a state: another one for each.
fn mixed(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// The id of a span: 0 is none.
pub(super) fn span(next: impl Fn() -> u64) -> u64 {
    loop {
        let id = next();
        if id != 0 {
            return id;
        }
    }
}

/// The id of a trace.
pub(super) fn trace(next: impl Fn() -> u64) -> u128 {
    (u128::from(span(&next)) << 64) | u128::from(next())
}
