//! What the shell must do, in order.

use std::time::Duration;

use mesos_access::{Action, Object, Subject};
use mesos_api::internal;
use mesos_api::v1::{AgentId, FrameworkId};

use crate::connection::{ConnectionId, RequestId, Token};
use crate::event::SchedulerEvent;
use crate::input::Timer;
use crate::observation::Observation;

/// One thing to do after [`Cluster::apply`](crate::Cluster::apply).
///
/// Perform them in order: what goes to one peer, to the allocator or to the
/// registrar must arrive in the order in which it was decided.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // what goes to the allocator is large, and most of what there is
pub enum Effect {
    /// Tell a scheduler something. [`SchedulerEvent`] knows both dialects.
    Scheduler {
        /// Whom.
        to: ConnectionId,
        /// What.
        event: Box<SchedulerEvent>,
    },
    /// This connection is a framework's scheduler from now on: link to its PID (again), or watch
    /// its stream, and report when it breaks. Comes again when a driver returns.
    WatchScheduler {
        /// The framework.
        framework: FrameworkId,
        /// Its connection.
        connection: ConnectionId,
    },
    /// Close a scheduler's stream after what was sent, or drop the link to its PID; the connection
    /// is nobody's now.
    CloseScheduler(ConnectionId),
    /// Send an agent a message.
    Agent {
        /// Whom.
        to: ConnectionId,
        /// What.
        message: Box<ToAgent>,
    },
    /// Link to an agent (again) and keep pinging it, telling it in each ping
    /// whether [`Agent::is_connected`](crate::Agent::is_connected).
    /// Comes again when a known agent returns, possibly over another connection.
    WatchAgent {
        /// The agent.
        agent: AgentId,
        /// Where to ping it.
        connection: ConnectionId,
    },
    /// Stop pinging an agent and forget its connection.
    ForgetAgent {
        /// The agent.
        agent: AgentId,
        /// Its connection.
        connection: ConnectionId,
    },
    /// Hand this to the allocator.
    Allocate(mesos_allocation::Input),
    /// Apply this to the registry and answer with
    /// [`Input::RegistryDone`](crate::Input::RegistryDone).
    Registry {
        /// For the answer.
        token: Token,
        /// What to apply.
        operation: mesos_registry::Operation,
    },
    /// Ask the authorizer all of this and answer with
    /// [`Input::Authorized`](crate::Input::Authorized). An empty list is never sent.
    Authorize {
        /// For the answer.
        token: Token,
        /// On whose behalf.
        subject: Subject,
        /// The questions.
        questions: Vec<(Action, Object)>,
    },
    /// Come back with [`Input::Due`](crate::Input::Due) after this time.
    After(Duration, Timer),
    /// Tell the subscribers of the operator API.
    Observe(Observation),
    /// Answer an operator.
    Reply {
        /// The shell's name for the request.
        request: RequestId,
        /// What became of it.
        result: Result<(), OperatorError>,
    },
    /// Write a line for the operator's log.
    Log(Level, String),
    /// The cluster cannot go on: end the process with this text.
    Exit(String),
}

/// How much a log line matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// Something that happens in a healthy cluster.
    Info,
    /// A peer did something that was ignored or refused.
    Warning,
}

/// A message to an agent, still in its own type.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)] // the names of the messages say it
pub enum ToAgent {
    Registered(internal::SlaveRegisteredMessage),
    Reregistered(internal::SlaveReregisteredMessage),
    RunTask(Box<internal::RunTaskMessage>),
    RunTaskGroup(Box<internal::RunTaskGroupMessage>),
    KillTask(internal::KillTaskMessage),
    Acknowledge(internal::StatusUpdateAcknowledgementMessage),
    ExecutorMessage(internal::FrameworkToExecutorMessage),
    ShutdownFramework(internal::ShutdownFrameworkMessage),
    ShutdownExecutor(internal::ShutdownExecutorMessage),
    UpdateFramework(Box<internal::UpdateFrameworkMessage>),
    CheckpointResources(internal::CheckpointResourcesMessage),
    ApplyOperation(Box<internal::ApplyOperationMessage>),
    AcknowledgeOperation(internal::AcknowledgeOperationStatusMessage),
    ReconcileOperations(internal::ReconcileOperationsMessage),
    Shutdown(internal::ShutdownMessage),
}

impl ToAgent {
    /// The message's name on the wire and its bytes.
    #[must_use]
    pub fn to_wire(&self) -> (&'static str, Vec<u8>) {
        fn wire<M: stout::WireMessage>(message: &M) -> (&'static str, Vec<u8>) {
            (M::wire_name(), message.encode_wire())
        }
        match self {
            Self::Registered(m) => wire(m),
            Self::Reregistered(m) => wire(m),
            Self::RunTask(m) => wire(&**m),
            Self::RunTaskGroup(m) => wire(&**m),
            Self::KillTask(m) => wire(m),
            Self::Acknowledge(m) => wire(m),
            Self::ExecutorMessage(m) => wire(m),
            Self::ShutdownFramework(m) => wire(m),
            Self::ShutdownExecutor(m) => wire(m),
            Self::UpdateFramework(m) => wire(&**m),
            Self::CheckpointResources(m) => wire(m),
            Self::ApplyOperation(m) => wire(&**m),
            Self::AcknowledgeOperation(m) => wire(m),
            Self::ReconcileOperations(m) => wire(m),
            Self::Shutdown(m) => wire(m),
        }
    }
}

/// Why an operator's request was not carried out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OperatorError {
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The authorizer says no.
    #[error("not authorized")]
    Forbidden,
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be applied to the present state.
    #[error("{0}")]
    Conflict(String),
    /// Another transition of the same agent is under way: try later.
    #[error("{0}")]
    Unavailable(String),
}
