//! A framework: its scheduler's connection, its tasks and what they use.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use mesos_api::v1::{
    AgentId, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, InverseOffer, OfferId, Task as TaskProto,
    TaskId, TaskInfo,
};
use mesos_resources::Resources;
use stout::Time;

use crate::capabilities::FrameworkCapabilities;
use crate::connection::{ConnectionId, SchedulerPeer, Token};
use crate::history::History;
use crate::offer::Offer;
use crate::options::Options;
use crate::task::Task;

/// How a framework's scheduler is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FrameworkState {
    /// Connected, and gets offers.
    Active(SchedulerPeer),
    /// Connected, but gets no offers: a driver deactivated it.
    Inactive(SchedulerPeer),
    /// Its last connection broke; its tasks go on for the failover timeout.
    Disconnected {
        /// The last connection. A driver may come back from the same PID.
        last: SchedulerPeer,
        /// When it broke.
        since: Time,
    },
    /// Known only from agents that run its tasks: it has not subscribed since
    /// this master was elected.
    Recovered,
}

impl FrameworkState {
    /// The live connection.
    #[must_use]
    pub fn peer(&self) -> Option<&SchedulerPeer> {
        match self {
            Self::Active(peer) | Self::Inactive(peer) => Some(peer),
            Self::Disconnected { .. } | Self::Recovered => None,
        }
    }

    /// The live connection, or the one that broke last.
    #[must_use]
    pub fn last_peer(&self) -> Option<&SchedulerPeer> {
        match self {
            Self::Active(peer) | Self::Inactive(peer) | Self::Disconnected { last: peer, .. } => Some(peer),
            Self::Recovered => None,
        }
    }
}

/// A framework that is known, or in the history of completed ones.
///
/// A clone shares all maps with the original.
#[derive(Clone, Debug)]
pub struct Framework {
    /// Its id; `info.id` is the same.
    pub id: FrameworkId,
    /// What it said about itself.
    pub info: Arc<FrameworkInfo>,
    /// `info.capabilities`.
    pub capabilities: FrameworkCapabilities,
    /// The roles it is subscribed to.
    pub roles: BTreeSet<String>,
    /// How it is reached.
    pub state: FrameworkState,
    /// When it first subscribed to this master; the epoch for a recovered one.
    pub registered_time: Time,
    /// When it subscribed last.
    pub reregistered_time: Time,
    /// When it was completed.
    pub unregistered_time: Option<Time>,
    /// Tasks that wait for their authorization.
    pub pending_tasks: OrdMap<TaskId, Arc<TaskInfo>>,
    /// Tasks on agents, until their last update is acknowledged.
    pub tasks: OrdMap<TaskId, Arc<Task>>,
    /// Tasks of agents that are unreachable; the newest so many.
    pub unreachable_tasks: History<TaskId, Arc<Task>>,
    /// Tasks that are over; the newest so many.
    pub completed_tasks: History<TaskId, Arc<Task>>,
    /// Executors, by agent. Command executors are not among them.
    pub executors: OrdMap<AgentId, OrdMap<ExecutorId, Arc<ExecutorInfo>>>,
    /// Outstanding offers.
    pub offers: OrdMap<OfferId, Arc<Offer>>,
    /// Outstanding inverse offers.
    pub inverse_offers: OrdMap<OfferId, Arc<InverseOffer>>,
    /// What tasks, executors and operations use, by agent.
    pub used: OrdMap<AgentId, Resources>,
    /// What is offered, by agent.
    pub offered: OrdMap<AgentId, Resources>,
    /// Operations whose result is not known yet, by UUID: on which agent.
    pub operations: OrdMap<Vec<u8>, AgentId>,
    /// How many tasks and executors it has on each agent.
    pub(crate) on_agents: OrdMap<AgentId, u64>,
    /// How many tasks, executors and operations hold resources of a role.
    pub(crate) holders: BTreeMap<String, u64>,
    /// Its ACCEPT calls that wait for the authorizer.
    pub(crate) accepting: OrdSet<Token>,
    /// Counts the disconnections, so that an old timer is told from a new one.
    pub(crate) epoch: u64,
}

impl Framework {
    /// A framework without tasks. `info.id` must be set.
    pub(crate) fn new(
        id: FrameworkId,
        info: FrameworkInfo,
        state: FrameworkState,
        time: Time,
        options: &Options,
    ) -> Self {
        Self {
            id,
            capabilities: FrameworkCapabilities::new(&info.capabilities),
            roles: roles_of(&info),
            info: Arc::new(info),
            state,
            registered_time: time,
            reregistered_time: time,
            unregistered_time: None,
            pending_tasks: OrdMap::new(),
            tasks: OrdMap::new(),
            unreachable_tasks: History::new(options.max_unreachable_tasks_per_framework),
            completed_tasks: History::new(options.max_completed_tasks_per_framework),
            executors: OrdMap::new(),
            offers: OrdMap::new(),
            inverse_offers: OrdMap::new(),
            used: OrdMap::new(),
            offered: OrdMap::new(),
            operations: OrdMap::new(),
            on_agents: OrdMap::new(),
            holders: BTreeMap::new(),
            accepting: OrdSet::new(),
            epoch: 0,
        }
    }

    /// Whether it is connected and gets offers.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.state, FrameworkState::Active(_))
    }

    /// Whether it can be told anything.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state.peer().is_some()
    }

    /// Whether it is known only from agents.
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        self.state == FrameworkState::Recovered
    }

    /// The live connection's number.
    #[must_use]
    pub fn connection(&self) -> Option<ConnectionId> {
        self.state.peer().map(SchedulerPeer::connection)
    }

    /// The PID of a driver, also of one that is away.
    #[must_use]
    pub fn pid(&self) -> Option<&str> {
        self.state.last_peer().and_then(SchedulerPeer::pid)
    }

    /// The task on an agent with this id.
    #[must_use]
    pub fn task(&self, id: &TaskId) -> Option<&Arc<Task>> {
        self.tasks.get(id)
    }

    /// Whether an executor of this id is on the agent.
    #[must_use]
    pub fn has_executor(&self, agent: &AgentId, executor: &ExecutorId) -> bool {
        self.executors.get(agent).is_some_and(|executors| executors.contains_key(executor))
    }

    /// The agents where it has a task or an executor.
    pub fn agents(&self) -> impl Iterator<Item = &AgentId> {
        self.on_agents.keys()
    }

    /// The pending tasks in the form of tasks.
    pub fn pending(&self) -> impl Iterator<Item = TaskProto> + '_ {
        self.pending_tasks.values().map(|task| crate::launch::task_proto(task, &self.id))
    }
}

/// The roles that a framework subscribes to: one for those without MULTI_ROLE.
#[must_use]
pub fn roles_of(info: &FrameworkInfo) -> BTreeSet<String> {
    if FrameworkCapabilities::new(&info.capabilities).multi_role {
        info.roles.iter().cloned().collect()
    } else {
        BTreeSet::from([info.role.clone().unwrap_or_else(|| "*".to_owned())])
    }
}
