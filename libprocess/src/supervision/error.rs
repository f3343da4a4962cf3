//! When restarts do not help.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::Exit;

/// Why a supervisor failed: its children had to be begun anew too often. It is the error behind the
/// [`Failure`](crate::Failure) that those hear who monitor it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TooManyRestarts {
    /// The child whose end was one too many.
    pub child: String,
    /// Why that one ended.
    pub last: Exit,
    /// How many restarts there may be.
    pub restarts_max: usize,
    /// In how long.
    pub within: Duration,
}

impl fmt::Display for TooManyRestarts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { child, last, restarts_max, within } = self;
        write!(
            f,
            "more than {restarts_max} restarts of children within {within:?} would be needed; \
             the last that ended is '{child}': {last}"
        )
    }
}

impl Error for TooManyRestarts {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.last.source()
    }
}
