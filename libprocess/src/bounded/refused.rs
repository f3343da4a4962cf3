//! Why a bounded process did not take something.

use std::fmt;

/// Why a closure was not sent to a process with a bound.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused<F> {
    /// As much waits as may. Here is the closure.
    Full(F),
    /// The process has ended, and the closure was dropped.
    Ended,
}

impl<F> Refused<F> {
    /// The closure, if it is still there.
    pub fn into_inner(self) -> Option<F> {
        match self {
            Self::Full(f) => Some(f),
            Self::Ended => None,
        }
    }
}

impl<F> fmt::Debug for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full",
            Self::Ended => "Ended",
        })
    }
}

impl<F> fmt::Display for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "as much waits for the process as may",
            Self::Ended => "the process has ended",
        })
    }
}

impl<F> std::error::Error for Refused<F> {}
