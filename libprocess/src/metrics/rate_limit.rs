//! How often the page of metrics is shown.

use std::time::Duration;

use tracing::error;

use crate::sync::Rate;

/// Where the rate is set.
const VARIABLE: &str = "LIBPROCESS_METRICS_SNAPSHOT_ENDPOINT_RATE_LIMIT";

/// The rate that the environment gives: empty is none, and what cannot be read the default, with an
/// error in the log.
pub(super) fn from_env() -> Option<Rate> {
    let default = Rate::new(2, Duration::from_secs(1));
    let Ok(text) = std::env::var(VARIABLE) else { return Some(default) };
    if text.is_empty() {
        return None;
    }
    let read = text.parse();
    Some(read.unwrap_or_else(|error| {
        error!(%error, "ignoring {VARIABLE}");
        default
    }))
}
