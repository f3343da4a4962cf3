//! The allocator actor.
