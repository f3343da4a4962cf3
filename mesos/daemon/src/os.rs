//! What differs between operating systems.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::*;
#[cfg(unix)]
pub(crate) use unix::*;

/// What a file system says of a file beside its size and time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ownership {
    /// Type and permissions, as `st_mode` has them.
    pub(crate) mode: u32,
    /// How many names the file has.
    pub(crate) links: u64,
    /// The numbers of owner and group.
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}
