use std::sync::Arc;

use mesos_api::internal::status_update_record;
use mesos_api::v1::{AgentId, ContainerId, FrameworkId, TaskState};
use mesos_resources::{Resources, apply_checkpointed};
use mesos_updates::{Stream, TaskKey, state::is_terminal};

use super::{Found, FoundAgent, FoundExecutor, FoundFramework, FoundRun, FoundTask, RecoveryError};
use crate::compatible::{Policy, check, same};
use crate::events::{Count, Effect, Garbage, Input, Termination};
use crate::model::{Executor, ExecutorState, Framework, Link};
use crate::paths::RunId;
use crate::resources::normalize;
use crate::workload::key_of;
use crate::{Phase, Workload};

/// A container that should still be running.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveredContainer {
    /// Its id.
    pub container: ContainerId,
    /// The process of its command.
    pub pid: u32,
    /// Its sandbox.
    pub directory: std::path::PathBuf,
    /// What it may use.
    pub resources: Vec<mesos_api::v1::Resource>,
}

/// What an agent takes up again, beside what is in the model then.
#[derive(Debug, Default)]
pub struct Recovered {
    /// For the containerizer.
    pub containers: Vec<RecoveredContainer>,
    /// For the update streams.
    pub streams: Vec<(TaskKey, Stream)>,
    /// The old agent is given up: the link to it has to go.
    pub forget_agent: bool,
    /// Something about the agent has changed: the master must be able to take that.
    pub changed: bool,
    /// Reservations and volumes to put in force before anything else.
    pub sync: Option<Resources>,
}

impl Workload {
    /// Takes up what was found: decides whether this is still the same agent, and rebuilds its frameworks,
    /// executors and tasks.
    ///
    /// The effects send paths away that nobody uses any more; when the containerizer has recovered too,
    /// [`Workload::reconnect`] goes on.
    ///
    /// # Errors
    ///
    /// When the agent may not start with this configuration, or not with these reservations.
    pub fn recover(
        &mut self,
        found: Found,
        policy: Policy,
        out: &mut Vec<Effect>,
    ) -> Result<Recovered, RecoveryError> {
        let mut recovered = Recovered::default();
        out.extend(found.notes.into_iter().map(Effect::Note));
        if found.errors > 0 {
            out.push(Effect::Count(Count::RecoveryErrors(found.errors)));
        }
        let resources = found.resources.target.clone().unwrap_or_else(|| found.resources.info.clone());
        recovered.sync = found.resources.target;
        let configured = self.configured();
        self.total =
            apply_checkpointed(&configured, &resources).map_err(|error| RecoveryError::Resources {
                checkpointed: resources.to_string(),
                configured: configured.to_string(),
                reason: error.to_string(),
            })?;
        // Until the target is in force, what was is remembered.
        self.checkpointed = if recovered.sync.is_some() { found.resources.info } else { resources };
        let Some(agent) = found.agent else { return Ok(recovered) };
        let Some(info) = &agent.info else { return Ok(recovered) };
        self.info.id = Some(info.id.clone().unwrap_or_else(|| AgentId { value: agent.id.clone() }));
        match check(policy, info, &self.info) {
            Ok(()) => {
                recovered.changed = !same(info, &self.info);
                self.recover_agent(agent, &mut recovered, out);
            }
            Err(error) if found.rebooted => {
                out.push(Effect::Note(format!("starting as a new agent: {error}")));
                self.info.id = None;
                recovered.forget_agent = true;
            }
            Err(error) => return Err(RecoveryError::Incompatible(error.0)),
        }
        Ok(recovered)
    }

    /// The target of an interrupted change of reservations is in force now.
    pub fn resources_recovered(&mut self, resources: Resources) {
        self.checkpointed = resources;
    }

    /// Takes up the executors once the containerizer knows their containers: asks them to come back, or,
    /// for a clean-up, ends them.
    ///
    /// Says whether there is anything to wait for; if not, recovery is over.
    pub fn reconnect(&mut self, out: &mut Vec<Effect>) -> bool {
        let ids: Vec<FrameworkId> = self.frameworks.values().map(|framework| framework.id()).collect();
        for id in &ids {
            let Some(framework) = self.framework(id) else { continue };
            let executors: Vec<Arc<Executor>> = framework.executors.values().cloned().collect();
            for executor in executors {
                out.push(Effect::Watch(key_of(&executor)));
                match (&executor.link, self.options.cleanup) {
                    (Link::Pid(pid), false) => out.push(Effect::Reconnect { pid: pid.clone() }),
                    (Link::AwaitingHttp | Link::Http(_) | Link::None, false) => {}
                    (Link::Pid(_) | Link::AwaitingHttp | Link::Http(_), true) => {
                        self.end_executor(id, executor.id(), out);
                    }
                    (Link::None, true) => {
                        out.push(Effect::Destroy(executor.container_id.clone()));
                    }
                }
            }
        }
        if self.options.cleanup {
            self.phase = Phase::Terminating;
            self.finish_if_done(out);
            return false;
        }
        if self.frameworks.is_empty() {
            self.phase = Phase::Disconnected;
            return false;
        }
        let wait = self.options.reregistration_timeout;
        out.push(Effect::After(wait, Box::new(Input::ReregistrationTimeout)));
        true
    }

    fn recover_agent(&mut self, agent: FoundAgent, recovered: &mut Recovered, out: &mut Vec<Effect>) {
        for framework in agent.frameworks {
            self.recover_framework(framework, recovered, out);
        }
    }

    fn recover_framework(&mut self, found: FoundFramework, recovered: &mut Recovered, out: &mut Vec<Effect>) {
        let agent = self.agent_id().value;
        let id = FrameworkId { value: found.id.clone() };
        let info = found.info.filter(|_| !found.executors.is_empty());
        let Some(mut info) = info else {
            let paths =
                [self.layout.framework(&agent, &found.id), self.layout.framework_meta(&agent, &found.id)];
            out.push(Effect::Collect(paths.into_iter().map(old).collect()));
            return;
        };
        info.id.get_or_insert_with(|| id.clone());
        let mut framework = Framework::new(info, found.pid);
        framework.checkpointed = true;
        self.frameworks.insert(found.id, Arc::new(framework));
        for executor in found.executors {
            self.recover_executor(&id, executor, recovered, out);
        }
        self.remove_framework_if_idle(&id, out);
    }

    fn recover_executor(
        &mut self,
        framework: &FrameworkId,
        found: FoundExecutor,
        recovered: &mut Recovered,
        out: &mut Vec<Effect>,
    ) {
        let agent = self.agent_id().value;
        let (id, latest) = (found.id.clone(), found.latest.clone().unwrap_or_default());
        let run_id =
            |container| RunId { agent: &agent, framework: &framework.value, executor: &id, container };
        let newest = found.runs.iter().find(|run| run.id == latest).cloned();
        let info = found.info.clone().zip(newest);
        let Some((mut info, run)) = info else {
            let paths = [
                self.layout.executor(&agent, &framework.value, &id),
                self.layout.executor_meta(&agent, &framework.value, &id),
            ];
            out.push(Effect::Note(format!("executor '{id}' of framework {framework} cannot be recovered")));
            out.push(Effect::Collect(paths.into_iter().map(old).collect()));
            return;
        };
        for other in found.runs.iter().filter(|run| run.id != latest) {
            let run = run_id(&other.id);
            out.push(Effect::Collect([self.layout.run(run), self.layout.run_meta(run)].map(old).to_vec()));
        }
        let Some(owner) = self.framework(framework) else { return };
        let framework_info = owner.info.clone();
        if let Err(error) = normalize(&mut info.resources, &framework_info) {
            out.push(Effect::Note(format!("resources of executor '{id}' cannot be recovered: {error}")));
            info.resources.clear();
        }
        let command_user = info.command.as_ref().and_then(|command| command.user.clone());
        let mut executor = Executor {
            framework_id: framework.clone(),
            container_id: ContainerId { value: run.id.clone(), parent: None },
            directory: self.layout.run(run_id(&run.id)),
            user: self
                .options
                .switch_user
                .then(|| command_user.unwrap_or_else(|| framework_info.user.clone())),
            checkpoint: true,
            for_command_task: found.for_command_task,
            state: ExecutorState::Registering,
            link: run.link.clone(),
            queued: Vec::new(),
            queued_groups: Vec::new(),
            launched: Default::default(),
            terminated: Default::default(),
            completed: Default::default(),
            unaccepted: Default::default(),
            pending_termination: run
                .never_forked
                .then(|| Termination { never_ran: true, ..Termination::default() }),
            info,
        };
        for task in &run.tasks {
            recover_task(&mut executor, task, &framework_info, out);
        }
        if run.completed {
            self.recover_completed(framework, executor, out);
            return;
        }
        out.push(Effect::Attach { run: key_of(&executor), directory: executor.directory.clone() });
        note_recovered(&executor, &run, recovered);
        if let Some(owner) = self.framework_mut(framework) {
            owner.executors.insert(id, Arc::new(executor));
        }
    }

    fn recover_completed(&mut self, framework: &FrameworkId, mut executor: Executor, out: &mut Vec<Effect>) {
        executor.state = ExecutorState::Terminated;
        out.push(Effect::Count(Count::ExecutorTerminated));
        out.push(Effect::Collect(self.executor_garbage(&executor, true, false)));
        if let Some(owner) = self.framework_mut(framework) {
            owner.completed.push_back(Arc::new(executor));
        }
    }
}

fn note_recovered(executor: &Executor, run: &FoundRun, recovered: &mut Recovered) {
    if let Some(pid) = run.forked_pid {
        recovered.containers.push(RecoveredContainer {
            container: executor.container_id.clone(),
            pid,
            directory: executor.directory.clone(),
            resources: executor.allocated().to_protos(),
        });
    }
    for task in run.tasks.iter().filter(|task| task.info.is_some() && !task.records.is_empty()) {
        let key = TaskKey { framework: executor.framework_id.value.clone(), task: task.id.clone() };
        recovered.streams.push((key, Stream::replay(&task.records)));
    }
}

fn recover_task(
    executor: &mut Executor,
    found: &FoundTask,
    framework: &mesos_api::v1::FrameworkInfo,
    out: &mut Vec<Effect>,
) {
    let Some(mut task) = found.info.clone() else {
        out.push(Effect::Note(format!("task '{}' cannot be recovered: it was not written", found.id)));
        return;
    };
    if let Err(error) = normalize(&mut task.resources, framework) {
        out.push(Effect::Note(format!("resources of task '{}' cannot be recovered: {error}", found.id)));
        task.resources.clear();
    }
    task.set_state(TaskState::TaskStaging);
    executor.launched.insert(found.id.clone(), task);
    for record in &found.records {
        let Some(update) =
            record.update.as_ref().filter(|_| record.r#type() == status_update_record::Type::Update)
        else {
            continue;
        };
        if executor.set_task_status(&update.status).is_err() || !is_terminal(update.status.state()) {
            continue;
        }
        let acknowledged = found
            .records
            .iter()
            .any(|other| other.r#type() == status_update_record::Type::Ack && other.uuid == update.uuid);
        if acknowledged {
            executor.complete(&found.id);
        }
        break;
    }
}

fn old(path: std::path::PathBuf) -> Garbage {
    Garbage { path, fresh: false }
}
