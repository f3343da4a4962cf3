//! The JSON of the endpoints that came before the v1 API, such as `/state`.
//!
//! It is not the JSON of the messages: resources are one object of numbers and texts, attributes
//! have their names as keys, a task's id is `id`. Each type here wraps a message and is written
//! straight to where JSON is written to, so that a daemon can put large answers together without
//! building them up in memory first.
//!
//! ```
//! use mesos_api::v1::Task;
//! use mesos_daemon::model;
//! use serde_json::json;
//!
//! let task = Task { name: "web".to_owned(), ..Task::default() };
//! let json = serde_json::to_value(model::Task(&task))?;
//! assert_eq!(json["name"], "web");
//! assert_eq!(json["resources"], json!({ "cpus": 0.0, "gpus": 0.0, "mem": 0.0, "disk": 0.0 }));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod agent;
mod executor;
mod framework;
mod resources;
mod task;
#[cfg(test)]
mod tests;
mod value;

pub use agent::{AgentCapabilities, AgentInfo, Domain, MasterCapabilities, MasterInfo};
pub use executor::{CommandInfo, ExecutorInfo};
pub use framework::{FrameworkDetails, FrameworkSummary, Offer};
pub use resources::{Resources, ResourcesFull};
pub use task::{ContainerStatus, NetworkInfo, PendingTask, Task, TaskStatus};
pub use value::{Attributes, Labels, Proto};
