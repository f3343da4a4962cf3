//! How far a future is.

use std::fmt;

/// What a [`Future`](crate::Future) looks like from outside at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FutureState {
    /// The operation is under way.
    Pending,
    /// There is a value.
    Ready,
    /// The operation failed.
    Failed,
    /// The producer stopped because it was asked to.
    Discarded,
    /// The producer is gone without an answer.
    Abandoned,
    /// It had ended, and a consumer has the outcome.
    Taken,
}

impl FutureState {
    /// Whether nothing will change any more but who has the outcome.
    pub fn has_ended(self) -> bool {
        self != Self::Pending
    }
}

impl fmt::Display for FutureState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Discarded => "discarded",
            Self::Abandoned => "abandoned",
            Self::Taken => "taken",
        })
    }
}
