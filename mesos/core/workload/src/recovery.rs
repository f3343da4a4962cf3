//! What an agent does with what it finds on disk when it starts.
//!
//! [`read`] makes sense of the files, through a [`Disk`] that its caller provides; [`Workload::recover`](crate::Workload::recover)
//! decides who the agent is now and what it takes up again.

mod disk;
mod found;
mod reader;
mod recover;

pub use disk::{Disk, MemoryDisk};
pub use found::{Found, FoundAgent, FoundExecutor, FoundFramework, FoundResources, FoundRun, FoundTask};
pub use reader::{RecoveryError, read};
pub use recover::{Recovered, RecoveredContainer};
