//! What subscribers of the operator API are told.

use std::sync::Arc;

use mesos_api::v1::master::{Event, event};
use mesos_api::v1::{AgentId, FrameworkInfo, TaskState, TaskStatus};

use crate::agent::Agent;
use crate::framework::Framework;
use crate::task::Task;

/// A change that the operator event stream shows, with what is needed to decide
/// who may see it.
#[derive(Clone, Debug)]
pub enum Observation {
    /// A task was launched or came with its agent.
    TaskAdded {
        /// The task.
        task: Arc<Task>,
        /// Its framework.
        framework: Arc<FrameworkInfo>,
    },
    /// A task's state, health or check result changed.
    TaskUpdated {
        /// The task as it is now.
        task: Arc<Task>,
        /// Its framework.
        framework: Arc<FrameworkInfo>,
        /// The news.
        status: Box<TaskStatus>,
        /// The latest state, possibly newer than the status.
        state: TaskState,
    },
    /// A new agent.
    AgentAdded(Arc<Agent>),
    /// An agent left for good (not: unreachable or gone).
    AgentRemoved(AgentId),
    /// A framework subscribed for the first time.
    FrameworkAdded(Arc<Framework>),
    /// A framework subscribed again.
    FrameworkUpdated(Arc<Framework>),
    /// A framework is completed.
    FrameworkRemoved(Arc<FrameworkInfo>),
}

impl Observation {
    /// The v1 event.
    #[must_use]
    pub fn to_event(&self) -> Event {
        use event::Type;
        let of = |r#type: Type| Event { r#type: Some(r#type as i32), ..Event::default() };
        match self {
            Self::TaskAdded { task, .. } => Event {
                task_added: Some(event::TaskAdded { task: task.info.clone() }),
                ..of(Type::TaskAdded)
            },
            Self::TaskUpdated { task, status, state, .. } => Event {
                task_updated: Some(event::TaskUpdated {
                    framework_id: task.info.framework_id.clone(),
                    status: (**status).clone(),
                    state: *state as i32,
                }),
                ..of(Type::TaskUpdated)
            },
            Self::AgentAdded(agent) => Event {
                agent_added: Some(event::AgentAdded { agent: agent.to_response() }),
                ..of(Type::AgentAdded)
            },
            Self::AgentRemoved(id) => Event {
                agent_removed: Some(event::AgentRemoved { agent_id: id.clone() }),
                ..of(Type::AgentRemoved)
            },
            Self::FrameworkAdded(framework) => Event {
                framework_added: Some(event::FrameworkAdded { framework: framework.to_response() }),
                ..of(Type::FrameworkAdded)
            },
            Self::FrameworkUpdated(framework) => Event {
                framework_updated: Some(event::FrameworkUpdated { framework: framework.to_response() }),
                ..of(Type::FrameworkUpdated)
            },
            Self::FrameworkRemoved(info) => Event {
                framework_removed: Some(event::FrameworkRemoved { framework_info: (**info).clone() }),
                ..of(Type::FrameworkRemoved)
            },
        }
    }
}
