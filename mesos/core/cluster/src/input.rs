//! What can happen to a cluster.

use std::collections::VecDeque;
use std::sync::Arc;

use mesos_access::Subject;
use mesos_api::internal;
use mesos_api::v1::quota::QuotaInfo;
use mesos_api::v1::{AgentId, FrameworkId, OfferId, Resource, WeightInfo, maintenance, scheduler};

use crate::connection::{AgentPeer, ConnectionId, RequestId, SchedulerPeer, Token};

/// One thing that happened, as [`Cluster::apply`](crate::Cluster::apply) takes it.
///
/// The shell sends calls here only after it has checked their syntax
/// ([`validation::call`](crate::validation::call)).
#[derive(Clone, Debug)]
pub enum Input {
    /// The registry was read: the master may work. Comes once and first; all
    /// that comes earlier is dropped.
    Recovered(Box<internal::Registry>),

    /// A scheduler subscribes: SUBSCRIBE, or the old (re)register messages.
    Subscribe(Subscribe),
    /// Any other call of a scheduler. Dropped unless `from` is the connection of
    /// the framework that the call names.
    Call {
        /// The connection it came over.
        from: ConnectionId,
        /// The call.
        call: Box<scheduler::Call>,
    },
    /// A driver that stops without ending its framework
    /// (`DeactivateFrameworkMessage`).
    DeactivateFramework {
        /// The connection it came over.
        from: ConnectionId,
        /// The framework.
        framework: FrameworkId,
    },
    /// A scheduler's stream ended or its link broke.
    SchedulerDisconnected(ConnectionId),

    /// A new agent (`RegisterSlaveMessage`).
    RegisterAgent {
        /// Who sent it.
        peer: AgentPeer,
        /// The principal it authenticated as.
        principal: Option<String>,
        /// The message.
        message: Box<internal::RegisterSlaveMessage>,
    },
    /// An agent that has an id (`ReregisterSlaveMessage`).
    ReregisterAgent {
        /// Who sent it.
        peer: AgentPeer,
        /// The principal it authenticated as.
        principal: Option<String>,
        /// The message.
        message: Box<internal::ReregisterSlaveMessage>,
    },
    /// Any other message of an agent.
    Agent {
        /// The connection it came over.
        from: ConnectionId,
        /// The message.
        message: Box<FromAgent>,
    },
    /// The link to an agent broke.
    AgentDisconnected(ConnectionId),
    /// An agent left the limit of pings in a row without answer.
    PingsTimedOut(AgentId),
    /// An agent for which [`Input::PingsTimedOut`] was sent answers again.
    PongReceived(AgentId),

    /// The answer to [`Effect::Authorize`](crate::Effect::Authorize), one flag a question
    /// in the order of the questions. A failed authorizer counts as a denial.
    Authorized {
        /// The question's.
        token: Token,
        /// One flag a question.
        allowed: Vec<bool>,
    },
    /// The registrar has stored [`Effect::Registry`](crate::Effect::Registry), or the
    /// operation did not apply. (A registrar that fails to store ends the process.)
    RegistryDone {
        /// The operation's.
        token: Token,
        /// `Err` says why the registry refused the operation.
        result: Result<(), String>,
    },
    /// The allocator speaks.
    Allocation(mesos_allocation::Output),
    /// The time of [`Effect::After`](crate::Effect::After) is over.
    Due(Timer),

    /// An operator wants something done; answered by
    /// [`Effect::Reply`](crate::Effect::Reply) with the same id.
    Operator {
        /// The shell's name for the request.
        request: RequestId,
        /// Who asks.
        subject: Subject,
        /// What.
        action: OperatorAction,
    },
}

/// A scheduler's wish to be the scheduler of a framework.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// The scheduler's connection.
    pub peer: SchedulerPeer,
    /// The principal it authenticated as.
    pub principal: Option<String>,
    /// The call's content.
    pub subscribe: Box<scheduler::call::Subscribe>,
    /// v0's `failover` flag: take over from another PID. HTTP schedulers always do.
    pub force: bool,
}

/// A message of a registered agent.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the names of the messages say it
#[allow(clippy::large_enum_variant)] // the large one is the frequent one
pub enum FromAgent {
    Unregister(internal::UnregisterSlaveMessage),
    Update(internal::UpdateSlaveMessage),
    StatusUpdate(internal::StatusUpdateMessage),
    ExecutorMessage(internal::ExecutorToFrameworkMessage),
    ExecutorExited(internal::ExitedExecutorMessage),
    OperationUpdate(internal::UpdateOperationStatusMessage),
}

/// A moment that the model asked to be told of.
#[derive(Clone, PartialEq, Debug)]
pub enum Timer {
    /// An offer is out for `--offer_timeout`.
    OfferExpired(OfferId),
    /// A disconnected framework's `failover_timeout` is over, unless it
    /// subscribed since.
    FrameworkFailover {
        /// The framework.
        framework: FrameworkId,
        /// Which disconnection started this timer.
        epoch: u64,
    },
    /// A disconnected agent is away for `--agent_reregister_timeout`, unless it
    /// came back since.
    AgentReregistration {
        /// The agent.
        agent: AgentId,
        /// Which disconnection started this timer.
        epoch: u64,
    },
    /// After failover, the agents had their `--agent_reregister_timeout` to come back.
    RecoveredAgents,
    /// The removal limiter lets the next agent through.
    RemovalPermit,
    /// `--registry_gc_interval`.
    RegistryGc,
    /// A long RECONCILE goes on, if its scheduler is still connected as it was.
    Reconcile(Reconciliation),
}

/// What is still to be answered of a RECONCILE: many tasks must not keep everybody else waiting.
#[derive(Clone, PartialEq, Debug)]
pub struct Reconciliation {
    pub(crate) framework: FrameworkId,
    /// Who asked.
    pub(crate) connection: ConnectionId,
    pub(crate) left: LeftToReconcile,
}

/// The tasks of a [`Reconciliation`] that were not answered yet.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum LeftToReconcile {
    /// These.
    Named(VecDeque<scheduler::call::reconcile::Task>),
    /// All that the framework has, behind this one.
    After(Option<mesos_api::v1::TaskId>),
}

/// What an operator may ask of the model.
#[derive(Clone, Debug)]
pub enum OperatorAction {
    /// TEARDOWN of a framework.
    Teardown(FrameworkId),
    /// MARK_AGENT_GONE.
    MarkAgentGone(AgentId),
    /// RESERVE_RESOURCES.
    Reserve {
        /// Where.
        agent: AgentId,
        /// What, reservations included.
        resources: Vec<Resource>,
    },
    /// UNRESERVE_RESOURCES.
    Unreserve {
        /// Where.
        agent: AgentId,
        /// What.
        resources: Vec<Resource>,
    },
    /// CREATE_VOLUMES.
    CreateVolumes {
        /// Where.
        agent: AgentId,
        /// What.
        volumes: Vec<Resource>,
    },
    /// DESTROY_VOLUMES.
    DestroyVolumes {
        /// Where.
        agent: AgentId,
        /// What.
        volumes: Vec<Resource>,
    },
    /// SET_QUOTA.
    SetQuota {
        /// What the role is to be guaranteed, as [`requested`](crate::validation::quota::requested) makes it.
        info: Arc<QuotaInfo>,
        /// Also where the cluster seems too small for it.
        force: bool,
    },
    /// REMOVE_QUOTA of a role.
    RemoveQuota(String),
    /// UPDATE_WEIGHTS.
    UpdateWeights(Vec<WeightInfo>),
    /// UPDATE_MAINTENANCE_SCHEDULE.
    UpdateMaintenanceSchedule(maintenance::Schedule),
    /// START_MAINTENANCE.
    StartMaintenance(Vec<mesos_api::v1::MachineId>),
    /// STOP_MAINTENANCE.
    StopMaintenance(Vec<mesos_api::v1::MachineId>),
}
