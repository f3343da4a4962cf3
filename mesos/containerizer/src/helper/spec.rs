//! What the agent tells the helper.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The content of the file `launch_info`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The command as the JSON of a `CommandInfo`: shell text or argv, and URIs.
    pub(crate) command: String,
    /// All of the environment.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where URIs go, and where the command starts.
    pub(crate) sandbox: PathBuf,
    /// The directory of `stdout` and `stderr`.
    pub(crate) log_directory: PathBuf,
    pub(crate) user: Option<String>,
    pub(crate) frameworks_home: Option<PathBuf>,
    pub(crate) stall_timeout_ms: u64,
    pub(crate) stdout_size_max: Option<u64>,
    pub(crate) stderr_size_max: Option<u64>,
}
