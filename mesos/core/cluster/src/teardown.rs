//! The end of a framework.

use std::sync::Arc;

use mesos_allocation::Input as Allocate;
use mesos_api::internal::ShutdownFrameworkMessage;
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{FrameworkId, TaskState};

use crate::cluster::Cluster;
use crate::connection::SchedulerPeer;
use crate::effect::{Effect, ToAgent};
use crate::observation::Observation;
use crate::status;
use crate::step::Step;

impl Cluster {
    /// Ends a framework: its agents shut it down, its tasks are counted as killed, and it moves to the
    /// history. Its scheduler is not told.
    pub(crate) fn remove_framework(&mut self, id: &FrameworkId, cx: &mut Step<'_>) {
        let Some(framework) = self.framework(id) else { return };
        cx.info(format!("removing framework {id} ({})", framework.info.name));
        self.deactivate(id, false, cx);
        self.remove_framework_offers(id, false, cx);
        self.void_acceptances_of_framework(id, cx);
        self.shut_down_on_agents(id, cx);
        self.kill_all_tasks(id, cx);
        self.remove_all_executors(id, cx);
        self.forget_framework_operations(id);
        let Some(framework) = self.framework(id) else { return };
        let peer = framework.state.last_peer().cloned();
        for role in framework.roles.clone() {
            self.untrack_role(id, &role);
        }
        if let Some(connection) = peer.as_ref().map(SchedulerPeer::connection)
            && self.schedulers.remove(&connection).is_some()
        {
            cx.push(Effect::CloseScheduler(connection));
        }
        let Some(mut framework) = self.state.frameworks.remove(id) else { return };
        {
            let framework = Arc::make_mut(&mut framework);
            framework.unregistered_time = Some(cx.now);
            if let (Some(peer), true) = (peer, framework.is_connected()) {
                framework.state =
                    crate::framework::FrameworkState::Disconnected { last: peer, since: cx.now };
            }
        }
        cx.allocate(Allocate::RemoveFramework(id.clone()));
        let info = Arc::clone(&framework.info);
        self.state.completed_frameworks.replace(id.clone(), framework);
        cx.observe(Observation::FrameworkRemoved(info));
    }

    /// Agents that are away hear of it when they come back.
    fn shut_down_on_agents(&self, id: &FrameworkId, cx: &mut Step<'_>) {
        let Some(framework) = self.framework(id) else { return };
        for agent in framework.agents() {
            if let Some(to) = self.connected_agent(agent) {
                let message = ShutdownFrameworkMessage { framework_id: id.clone() };
                cx.send(to, ToAgent::ShutdownFramework(message));
            }
        }
    }

    fn kill_all_tasks(&mut self, id: &FrameworkId, cx: &mut Step<'_>) {
        let Some(framework) = self.framework(id) else { return };
        let message = format!("Framework {id} removed");
        for task in framework.tasks.clone().values() {
            let update = status::about(task, TaskState::TaskKilled, Reason::FrameworkRemoved, &message, cx);
            self.update_task(id, &task.info.task_id, &update, cx);
            self.complete_task(id, &task.info.task_id, cx);
        }
        // Those on unreachable agents: nobody counts their resources any more.
        let Some(framework) = self.framework_mut(id) else { return };
        let shelved: Vec<_> = framework.unreachable_tasks.values().cloned().collect();
        for mut task in shelved {
            let update = status::about(&task, TaskState::TaskKilled, Reason::FrameworkRemoved, &message, cx);
            let key = task.info.task_id.clone();
            let entry = Arc::make_mut(&mut task);
            if !crate::task::is_terminal(entry.state()) {
                entry.info.state = TaskState::TaskKilled as i32;
            }
            entry.record(update.status);
            if let Some(framework) = self.framework_mut(id) {
                framework.unreachable_tasks.remove(&key);
                framework.completed_tasks.push(key, task);
            }
        }
    }

    fn remove_all_executors(&mut self, id: &FrameworkId, cx: &mut Step<'_>) {
        let Some(framework) = self.framework(id) else { return };
        for (agent, executors) in &framework.executors.clone() {
            for executor in executors.keys() {
                self.remove_executor(id, agent, executor, cx);
            }
        }
    }
}
