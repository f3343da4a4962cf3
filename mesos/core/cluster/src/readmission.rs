//! Agents that come back with what this master does not know: after a failover, or from being unreachable.

use std::collections::BTreeSet;
use std::sync::Arc;

use mesos_allocation::Input as Allocate;
use mesos_api::internal::{ReregisterSlaveMessage, ShutdownFrameworkMessage, SlaveReregisteredMessage};
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{AgentId, ExecutorInfo, FrameworkId, FrameworkInfo};
use mesos_resources::Resources;
use stout::Time;

use crate::capabilities::AgentCapabilities;
use crate::cluster::Cluster;
use crate::effect::ToAgent;
use crate::framework::{Framework, FrameworkState};
use crate::registration::{AgentParts, Refusal};
use crate::reregistration::Reregistration;
use crate::status;
use crate::step::Step;
use crate::subscribe::update_message;
use crate::task::Task;

impl Cluster {
    /// An agent that this master does not know, or not any more.
    pub(crate) fn readmit(&mut self, registration: Reregistration, cx: &mut Step<'_>) {
        let Reregistration { id, peer, message, .. } = registration;
        let ReregisterSlaveMessage {
            slave,
            checkpointed_resources,
            executor_infos,
            tasks,
            frameworks,
            completed_frameworks,
            version,
            agent_capabilities,
            resource_version_uuid,
        } = *message;
        let parts = AgentParts {
            info: slave,
            peer,
            version: version.unwrap_or_default(),
            capabilities: AgentCapabilities::new(&agent_capabilities),
            checkpointed: checkpointed_resources,
            resource_version: resource_version_uuid.map(|uuid| uuid.value),
        };
        let mut agent = match self.make_agent(parts, cx) {
            Ok(agent) => agent,
            Err((peer, error)) => {
                self.refuse_agent(&peer, Refusal::ShutDown(error), cx);
                return;
            }
        };
        agent.reregistered_time = Some(cx.now);
        let to = agent.peer.connection;
        // Tasks of a recovered agent are no news to anybody.
        let news = match () {
            () if self.state.recovered_agents.contains_key(&id) => None,
            () if self.state.unreachable_agents.contains_key(&id) => Some("Unreachable agent re-registered"),
            () => Some("Unknown agent re-registered"),
        };
        self.counters.slave_reregistrations += 1;
        self.insert_agent(agent);
        let recovered = self.recover_frameworks(&frameworks);
        self.take_in_executors(&id, executor_infos);
        self.take_in_tasks(&id, tasks, news, cx);
        self.take_in_completed(completed_frameworks);
        self.announce_agent(&id, cx);
        let message = SlaveReregisteredMessage {
            slave_id: id.clone(),
            reconciliations: Vec::new(),
            connection: self.ping_promise(),
        };
        cx.send(to, ToAgent::Reregistered(message));
        self.shut_down_completed(&id, frameworks.iter().filter_map(|info| info.id.as_ref()), cx);
        self.tell_agent_of_frameworks(&id, &frameworks, &recovered, cx);
    }

    /// Makes frameworks that only the agent knows; the allocator is told later.
    pub(crate) fn recover_frameworks(&mut self, infos: &[FrameworkInfo]) -> BTreeSet<FrameworkId> {
        let mut recovered = BTreeSet::new();
        for info in infos {
            let Some(id) = info.id.clone() else { continue };
            if self.state.frameworks.contains_key(&id) || self.state.completed_frameworks.contains(&id) {
                continue;
            }
            let state = FrameworkState::Recovered;
            let framework = Framework::new(id.clone(), info.clone(), state, Time::EPOCH, &self.options);
            self.state.frameworks.insert(id.clone(), Arc::new(framework));
            self.track_roles(&id);
            recovered.insert(id);
        }
        recovered
    }

    fn take_in_executors(&mut self, id: &AgentId, executors: Vec<ExecutorInfo>) {
        for executor in executors {
            let Some(framework) = executor.framework_id.clone() else { continue };
            // They were valid when they came.
            let resources = Resources::from_protos(executor.resources.iter().cloned()).unwrap_or_default();
            self.add_executor(&framework, id, Arc::new(executor), &resources);
        }
    }

    /// Adds the agent's tasks, except those of frameworks that are over, and tells their schedulers.
    fn take_in_tasks(
        &mut self,
        id: &AgentId,
        tasks: Vec<mesos_api::v1::Task>,
        news: Option<&str>,
        cx: &mut Step<'_>,
    ) {
        for info in tasks {
            let Some(framework) = self.framework_mut(&info.framework_id) else { continue };
            framework.unreachable_tasks.remove(&info.task_id);
            if framework.tasks.contains_key(&info.task_id) {
                // The scheduler has reused the id on another agent: the two cannot be told apart.
                cx.warn(format!(
                    "agent {id} has a second task '{}' of framework {}: ignoring it",
                    info.task_id, info.framework_id
                ));
                continue;
            }
            let resources = Resources::from_protos(info.resources.iter().cloned()).unwrap_or_default();
            let task = Task::new(info, resources);
            if let Some(message) = news {
                let update =
                    status::with_details(&task, task.state(), Reason::AgentReregistered, message, cx);
                self.forward(&task.info.framework_id, update, None, cx);
            }
            self.add_task(task, cx);
        }
    }

    fn take_in_completed(&mut self, completed: Vec<mesos_api::internal::archive::Framework>) {
        for archived in completed {
            let Some(id) = &archived.framework_info.id else { continue };
            let Some(framework) = self.framework_mut(id) else { continue };
            for info in archived.tasks {
                let resources = Resources::from_protos(info.resources.iter().cloned()).unwrap_or_default();
                framework.completed_tasks.push(info.task_id.clone(), Arc::new(Task::new(info, resources)));
            }
        }
    }

    /// Frameworks that ended while the agent was away end there too.
    pub(crate) fn shut_down_completed<'a>(
        &self,
        id: &AgentId,
        frameworks: impl IntoIterator<Item = &'a FrameworkId>,
        cx: &mut Step<'_>,
    ) {
        let Some(to) = self.connected_agent(id) else { return };
        let mut seen = BTreeSet::new();
        for framework in frameworks {
            if self.state.completed_frameworks.contains(framework) && seen.insert(framework) {
                let message = ShutdownFrameworkMessage { framework_id: framework.clone() };
                cx.send(to, ToAgent::ShutdownFramework(message));
            }
        }
    }

    /// Tells an agent how the schedulers of its frameworks are reached, and the allocator of those
    /// that nobody knew.
    pub(crate) fn tell_agent_of_frameworks(
        &self,
        id: &AgentId,
        frameworks: &[FrameworkInfo],
        recovered: &BTreeSet<FrameworkId>,
        cx: &mut Step<'_>,
    ) {
        let to = self.connected_agent(id);
        for framework in frameworks.iter().filter_map(|info| info.id.as_ref()) {
            let Some(framework) = self.framework(framework) else { continue };
            if recovered.contains(&framework.id) {
                cx.allocate(Allocate::AddFramework {
                    id: framework.id.clone(),
                    info: (*framework.info).clone(),
                    used: framework.used.iter().map(|(id, used)| (id.clone(), used.clone())).collect(),
                    active: false,
                    suppressed_roles: BTreeSet::new(),
                });
            } else if let Some(to) = to {
                cx.send(to, ToAgent::UpdateFramework(Box::new(update_message(framework))));
            }
        }
    }
}
