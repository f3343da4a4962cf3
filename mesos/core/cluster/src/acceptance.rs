//! An ACCEPT with valid offers: what it waits for, and what becomes of it.

use std::sync::Arc;

use mesos_allocation::Input as Allocate;
use mesos_api::v1::offer::Operation;
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{AgentId, ExecutorInfo, Filters, FrameworkId, TaskInfo};
use mesos_resources::{Conversion, Resources};

use crate::accounting::take_entry;
use crate::cluster::Cluster;
use crate::connection::Token;
use crate::pending::Question;
use crate::step::Step;

/// An ACCEPT with valid offers, on its way to the agent.
#[derive(Debug)]
pub(crate) struct Acceptance {
    pub(crate) framework: FrameworkId,
    pub(crate) agent: AgentId,
    /// What the offers held. The offers themselves are over.
    pub(crate) offered: Resources,
    pub(crate) filters: Option<Filters>,
    pub(crate) plan: Vec<Planned>,
}

/// One operation that passed the first checks.
#[derive(Debug)]
pub(crate) enum Planned {
    Launch(Vec<PlannedTask>),
    LaunchGroup {
        executor: Box<ExecutorInfo>,
        tasks: Vec<PlannedTask>,
    },
    /// RESERVE, UNRESERVE, CREATE or DESTROY, with so many questions for the authorizer.
    Convert {
        operation: Box<Operation>,
        questions: usize,
    },
    /// An operation of storage.
    Storage(Box<Operation>),
}

/// A task that waits for its authorization.
#[derive(Clone, Debug)]
pub(crate) struct PlannedTask {
    pub(crate) info: Arc<TaskInfo>,
    /// Whether it is listed as pending. One whose id was pending already is not.
    pub(crate) listed: bool,
}

/// What is left of the offers while operations are carried out one after the other.
#[derive(Debug)]
pub(crate) struct Remaining {
    pub(crate) framework: FrameworkId,
    pub(crate) agent: AgentId,
    pub(crate) resources: Resources,
    /// The shared resources of the offers; tasks may use more copies of them than were offered.
    pub(crate) shared: Resources,
    pub(crate) conversions: Vec<Conversion>,
}

impl Acceptance {
    fn tasks(&self) -> impl Iterator<Item = &PlannedTask> {
        self.plan.iter().flat_map(|planned| match planned {
            Planned::Launch(tasks) | Planned::LaunchGroup { tasks, .. } => tasks.as_slice(),
            Planned::Convert { .. } | Planned::Storage(_) => &[],
        })
    }
}

impl Cluster {
    /// Takes a task off the lists of pending ones. Says whether it was still there: if not, it was
    /// killed meanwhile.
    pub(crate) fn unlist_pending(&mut self, id: &FrameworkId, agent: &AgentId, task: &PlannedTask) -> bool {
        if !task.listed {
            return false;
        }
        let key = &task.info.task_id;
        let ours = |listed: Option<&Arc<TaskInfo>>| listed.is_some_and(|it| Arc::ptr_eq(it, &task.info));
        if let Some(agent) = self.agent_mut(agent)
            && ours(agent.pending_tasks.get(id).and_then(|tasks| tasks.get(key)))
        {
            take_entry(&mut agent.pending_tasks, id, key);
        }
        let Some(framework) = self.framework_mut(id) else { return false };
        let pending = ours(framework.pending_tasks.get(key));
        if pending {
            framework.pending_tasks.remove(key);
        }
        pending
    }

    pub(crate) fn acceptance_authorized(
        &mut self,
        acceptance: Acceptance,
        token: Token,
        allowed: &[bool],
        cx: &mut Step<'_>,
    ) {
        if let Some(framework) = self.framework_mut(&acceptance.framework) {
            framework.accepting.remove(&token);
        }
        if let Some(agent) = self.agent_mut(&acceptance.agent) {
            agent.accepting.remove(&token);
        }
        if self.connected_agent(&acceptance.agent).is_none() {
            self.lose_acceptance(acceptance, Reason::AgentDisconnected, "Agent disconnected", cx);
            return;
        }
        let Acceptance { framework, agent, offered, filters, plan } = acceptance;
        let mut rest = Remaining {
            framework,
            agent,
            shared: offered.shared(),
            resources: offered.clone(),
            conversions: Vec::new(),
        };
        // The answers come in the order of the questions.
        let mut answers = allowed.iter().copied();
        for planned in plan {
            match planned {
                Planned::Launch(tasks) => {
                    for task in tasks {
                        let allowed = answers.next().unwrap_or(true);
                        self.launch(&mut rest, task, allowed, cx);
                    }
                }
                Planned::LaunchGroup { executor, tasks } => {
                    let allowed: Vec<bool> = tasks.iter().map(|_| answers.next().unwrap_or(true)).collect();
                    self.launch_group(&mut rest, *executor, tasks, &allowed, cx);
                }
                Planned::Convert { operation, questions } => {
                    let allowed: Vec<bool> = answers.by_ref().take(questions).collect();
                    let allowed = allowed.into_iter().all(|allowed| allowed);
                    self.convert(&mut rest, *operation, allowed, cx);
                }
                Planned::Storage(operation) => self.refuse_storage(&rest, &operation, cx),
            }
        }
        self.settle(rest, &offered, filters, cx);
    }

    /// Tells the allocator what became of the offers.
    fn settle(&mut self, rest: Remaining, offered: &Resources, filters: Option<Filters>, cx: &mut Step<'_>) {
        let Remaining { framework, agent, resources, conversions, .. } = rest;
        if !conversions.is_empty() {
            cx.allocate(Allocate::UpdateAllocation {
                framework: framework.clone(),
                agent: agent.clone(),
                offered: offered.clone(),
                conversions,
            });
        }
        // What was converted was wanted: only the rest counts as declined.
        let converted = &resources - offered;
        let declined = &resources - &converted;
        self.recover_resources(&framework, &agent, converted, None, cx);
        self.recover_resources(&framework, &agent, declined, filters, cx);
    }

    /// The agent is not there any more: tasks are lost, the resources go back.
    fn lose_acceptance(&mut self, acceptance: Acceptance, reason: Reason, message: &str, cx: &mut Step<'_>) {
        for task in acceptance.tasks() {
            // One that was killed meanwhile has had its end.
            if self.unlist_pending(&acceptance.framework, &acceptance.agent, task) || !task.listed {
                self.drop_task(&acceptance.framework, &task.info, reason, message, cx);
            }
        }
        let Acceptance { framework, agent, offered, .. } = acceptance;
        self.recover_resources(&framework, &agent, offered, None, cx);
    }

    fn take_acceptance(&mut self, token: Token) -> Option<Acceptance> {
        match self.questions.remove(&token)? {
            Question::Accept(acceptance) => Some(acceptance),
            other => {
                self.questions.insert(token, other);
                None
            }
        }
    }

    /// An agent goes: what waits for it is lost. Comes after the allocator was told.
    pub(crate) fn void_acceptances_of_agent(&mut self, id: &AgentId, cx: &mut Step<'_>) {
        let Some(agent) = self.agent_mut(id) else { return };
        for token in std::mem::take(&mut agent.accepting) {
            if let Some(acceptance) = self.take_acceptance(token) {
                if let Some(framework) = self.framework_mut(&acceptance.framework) {
                    framework.accepting.remove(&token);
                }
                self.lose_acceptance(acceptance, Reason::AgentRemoved, "Agent removed", cx);
            }
        }
    }

    /// A framework ends: what it waits for goes back. Nobody is left to be told.
    pub(crate) fn void_acceptances_of_framework(&mut self, id: &FrameworkId, cx: &mut Step<'_>) {
        let Some(framework) = self.framework_mut(id) else { return };
        for token in std::mem::take(&mut framework.accepting) {
            if let Some(acceptance) = self.take_acceptance(token) {
                if let Some(agent) = self.agent_mut(&acceptance.agent) {
                    agent.accepting.remove(&token);
                }
                for task in acceptance.tasks() {
                    self.unlist_pending(id, &acceptance.agent, task);
                }
                self.recover_resources(id, &acceptance.agent, acceptance.offered, None, cx);
            }
        }
    }
}
