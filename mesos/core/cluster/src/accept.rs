//! ACCEPT: from offers to operations, over the authorizer.

use std::sync::Arc;

use mesos_access::{Action, Object, Subject};
use mesos_api::v1::offer::Operation;
use mesos_api::v1::offer::operation::Type;
use mesos_api::v1::scheduler::call;
use mesos_api::v1::task_status::{Reason, Source};
use mesos_api::v1::{AgentId, FrameworkId, TaskInfo, TaskState};
use mesos_resources::{Resources, format, validate};

use crate::acceptance::{Acceptance, Planned, PlannedTask};
use crate::cluster::Cluster;
use crate::operations::questions_about;
use crate::pending::Question;
use crate::status::Made;
use crate::step::Step;
use crate::validation;
use crate::validation::check::infer_health_check_type;

/// The tasks that an operation wants to launch.
fn tasks_of(operation: &Operation) -> &[TaskInfo] {
    match operation.r#type() {
        Type::Launch => operation.launch.as_ref().map_or(&[], |launch| &launch.task_infos),
        Type::LaunchGroup => operation.launch_group.as_ref().map_or(&[], |launch| &launch.task_group.tasks),
        _ => &[],
    }
}

impl Cluster {
    pub(crate) fn accept(&mut self, id: &FrameworkId, accept: call::Accept, cx: &mut Step<'_>) {
        for operation in accept.operations.iter().filter(|it| it.r#type() == Type::Launch) {
            match tasks_of(operation).is_empty() {
                false => self.counters.messages_launch_tasks += 1,
                true => self.counters.messages_decline_offers += 1,
            }
        }
        if let Err(error) = validation::offer::accepted(&accept.offer_ids, id, &self.state) {
            self.refuse_acceptance(id, &accept, &error, cx);
            return;
        }
        let mut offered = Resources::new();
        let mut place = None;
        for offer in &accept.offer_ids {
            if let Some(offer) = self.take_offer(offer) {
                offered += &offer.resources;
                place = Some((offer.agent.clone(), offer.role.clone()));
            }
        }
        let Some((agent, role)) = place else { return };
        let mut plan = Vec::with_capacity(accept.operations.len());
        for operation in accept.operations {
            if let Some(planned) = self.plan(id, operation, &role, cx) {
                plan.push(planned);
            }
        }
        let mut acceptance =
            Acceptance { framework: id.clone(), agent, offered, filters: accept.filters, plan };
        let questions = self.list_and_question(&mut acceptance);
        let principal = self.framework(id).and_then(|framework| framework.info.principal.clone());
        let place = (acceptance.framework.clone(), acceptance.agent.clone());
        let token = self.ask(Subject::maybe_named(principal), questions, Question::Accept(acceptance), cx);
        if self.questions.contains_key(&token) {
            if let Some(framework) = self.framework_mut(&place.0) {
                framework.accepting.insert(token);
            }
            if let Some(agent) = self.agent_mut(&place.1) {
                agent.accepting.insert(token);
            }
        }
    }

    /// The offers cannot be used: what is valid of them goes back, tasks are lost.
    fn refuse_acceptance(&mut self, id: &FrameworkId, accept: &call::Accept, error: &str, cx: &mut Step<'_>) {
        cx.warn(format!("ACCEPT call of framework {id} used invalid offers: {error}"));
        for offer in &accept.offer_ids {
            if self.framework(id).is_some_and(|framework| framework.offers.contains_key(offer)) {
                self.return_offer(offer, None, false, cx);
            }
        }
        let message = format!("Task launched with invalid offers: {error}");
        for task in accept.operations.iter().flat_map(tasks_of) {
            self.drop_task(id, task, Reason::InvalidOffers, &message, cx);
        }
    }

    /// The first checks of an operation, and what is missing for later ones.
    fn plan(
        &mut self,
        id: &FrameworkId,
        mut operation: Operation,
        role: &str,
        cx: &mut Step<'_>,
    ) -> Option<Planned> {
        let r#type = operation.r#type();
        let verdict = match validate::operation(&mut operation) {
            Err(error) => Err(error.to_string()),
            Ok(()) if operation.id.is_some() => {
                Err("The `id` field was set on this operation, but operation status updates are not yet \
                 supported"
                    .to_owned())
            }
            Ok(()) => Ok(()),
        };
        if let Err(error) = verdict {
            let reason = match r#type {
                Type::LaunchGroup => Reason::TaskGroupInvalid,
                _ => Reason::TaskInvalid,
            };
            for task in tasks_of(&operation) {
                self.fail_task(id, task, reason, &error, cx);
            }
            if tasks_of(&operation).is_empty() {
                self.drop_operation(id, r#type, &error, cx);
            }
            return None;
        }
        format::allocate_all(&mut operation, role);
        let waiting = |info: TaskInfo| PlannedTask { info: Arc::new(info), listed: false };
        match r#type {
            Type::Launch => {
                let tasks = operation.launch.unwrap_or_default().task_infos;
                Some(Planned::Launch(tasks.into_iter().map(|task| waiting(complete(task, id))).collect()))
            }
            Type::LaunchGroup => {
                let launch = operation.launch_group.unwrap_or_default();
                let executor = Box::new(launch.executor);
                let tasks = launch.task_group.tasks.into_iter().map(|mut task| {
                    task.executor.get_or_insert_with(|| (*executor).clone());
                    waiting(task)
                });
                let tasks = tasks.collect();
                Some(Planned::LaunchGroup { executor, tasks })
            }
            Type::Reserve | Type::Unreserve | Type::Create | Type::Destroy => {
                Some(Planned::Convert { operation: Box::new(operation), questions: 0 })
            }
            Type::CreateVolume | Type::DestroyVolume | Type::CreateBlock | Type::DestroyBlock => {
                Some(Planned::Storage(Box::new(operation)))
            }
            Type::Unknown => None,
        }
    }

    /// Lists the tasks as pending and collects what the authorizer must be asked, in order.
    fn list_and_question(&mut self, acceptance: &mut Acceptance) -> Vec<(Action, Object)> {
        let Acceptance { framework: id, agent, plan, .. } = acceptance;
        let Some(info) = self.framework(id).map(|framework| Arc::clone(&framework.info)) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for planned in plan {
            match planned {
                Planned::Launch(tasks) | Planned::LaunchGroup { tasks, .. } => {
                    for task in tasks {
                        task.listed = self.list_pending(id, agent, &task.info);
                        let object = Object::any()
                            .with_task_info(Arc::clone(&task.info))
                            .with_framework(Arc::clone(&info));
                        all.push((Action::RunTask, object));
                    }
                }
                Planned::Convert { operation, questions } => {
                    let asked = questions_about(operation);
                    *questions = asked.len();
                    all.extend(asked);
                }
                Planned::Storage(_) => {}
            }
        }
        all
    }

    fn list_pending(&mut self, id: &FrameworkId, agent: &AgentId, task: &Arc<TaskInfo>) -> bool {
        let Some(framework) = self.framework_mut(id) else { return false };
        if framework.pending_tasks.contains_key(&task.task_id) {
            return false;
        }
        framework.pending_tasks.insert(task.task_id.clone(), Arc::clone(task));
        // The task names its agent itself, perhaps wrongly: it is listed where it would run.
        if let Some(agent) = self.agent_mut(agent) {
            agent.pending_tasks.entry(id.clone()).or_default().insert(task.task_id.clone(), Arc::clone(task));
        }
        true
    }

    /// A task that never got to its agent.
    pub(crate) fn drop_task(
        &mut self,
        id: &FrameworkId,
        task: &TaskInfo,
        reason: Reason,
        message: &str,
        cx: &mut Step<'_>,
    ) {
        let aware = self.framework(id).is_some_and(|it| it.capabilities.partition_aware);
        let state = if aware { TaskState::TaskDropped } else { TaskState::TaskLost };
        self.end_unlaunched(id, task, state, reason, message, cx);
    }

    /// A task that may not run.
    pub(crate) fn fail_task(
        &mut self,
        id: &FrameworkId,
        task: &TaskInfo,
        reason: Reason,
        message: &str,
        cx: &mut Step<'_>,
    ) {
        self.end_unlaunched(id, task, TaskState::TaskError, reason, message, cx);
    }

    pub(crate) fn end_unlaunched(
        &mut self,
        id: &FrameworkId,
        task: &TaskInfo,
        state: TaskState,
        reason: Reason,
        message: &str,
        cx: &mut Step<'_>,
    ) {
        let update = Made {
            framework: id,
            agent: Some(&task.agent_id),
            task: &task.task_id,
            executor: None,
            state,
            reason,
            message,
        }
        .update(cx);
        self.counters.ended_in(state);
        self.counters.ended(state, Source::Master, reason);
        self.forward(id, update, None, cx);
    }
}

/// Fills in what older schedulers leave out of a task.
fn complete(mut task: TaskInfo, framework: &FrameworkId) -> TaskInfo {
    if let Some(executor) = &mut task.executor {
        executor.framework_id.get_or_insert_with(|| framework.clone());
    }
    if let Some(check) = &mut task.health_check {
        infer_health_check_type(check);
    }
    task
}
