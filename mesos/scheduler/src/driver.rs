//! How a framework talks to the master.

use std::sync::Arc;

use libprocess::Future;
use mesos_api::v1::offer::Operation;
use mesos_api::v1::scheduler::{Call, call};
use mesos_api::v1::{
    AgentId, ExecutorId, Filters, FrameworkId, KillPolicy, OfferId, TaskId, TaskInfo, TaskStatus,
};

use crate::calls;

/// A handle through which a framework calls the master, from any thread. Calls arrive in the order
/// in which one thread makes them. As in Mesos, a call made while there is no subscription is
/// dropped, and an accepted one promises nothing: what became of it comes as an event.
#[derive(Clone)]
pub struct Driver {
    pub(crate) send: Arc<dyn Fn(Request) + Send + Sync>,
}

/// What a driver asks its process to do.
pub(crate) enum Request {
    Call(Box<Call>),
    Stop { teardown: bool },
}

impl Driver {
    /// Makes any call; the framework id is filled in.
    pub fn call(&self, call: Call) {
        (self.send)(Request::Call(Box::new(call)));
    }

    /// Accepts offers of one agent, for operations that are carried out in order. What they leave
    /// over is declined with the filters.
    pub fn accept(
        &self,
        offers: impl IntoIterator<Item = OfferId>,
        operations: Vec<Operation>,
        filters: Option<Filters>,
    ) {
        let offer_ids = offers.into_iter().collect();
        self.call(calls::accept(call::Accept { offer_ids, operations, filters }));
    }

    /// Accepts offers of one agent, to launch tasks.
    pub fn launch(&self, offers: impl IntoIterator<Item = OfferId>, tasks: Vec<TaskInfo>) {
        self.accept(offers, vec![calls::launch(tasks)], None);
    }

    /// Declines offers; without filters, their resources stay away for five seconds.
    pub fn decline(&self, offers: impl IntoIterator<Item = OfferId>, filters: Option<Filters>) {
        let offer_ids = offers.into_iter().collect();
        self.call(calls::decline(call::Decline { offer_ids, filters }));
    }

    /// Lifts all filters and suppressions, in these roles or, without any, in all.
    pub fn revive(&self, roles: Vec<String>) {
        self.call(calls::revive(roles));
    }

    /// Asks for no offers until revived, in these roles or, without any, in all.
    pub fn suppress(&self, roles: Vec<String>) {
        self.call(calls::suppress(roles));
    }

    /// Kills a task, by its own kill policy or the one given.
    pub fn kill(&self, task_id: TaskId, agent_id: Option<AgentId>, kill_policy: Option<KillPolicy>) {
        self.call(calls::kill(call::Kill { task_id, agent_id, kill_policy }));
    }

    /// Acknowledges an update. One without a uuid or an agent needs none, and this does nothing then.
    pub fn acknowledge(&self, status: &TaskStatus) {
        if let (Some(agent_id), Some(uuid)) = (&status.agent_id, &status.uuid) {
            let (agent_id, task_id) = (agent_id.clone(), status.task_id.clone());
            self.call(calls::acknowledge(call::Acknowledge { agent_id, task_id, uuid: uuid.clone() }));
        }
    }

    /// Asks for the states of these tasks or, without any, of all that are live.
    pub fn reconcile(&self, tasks: Vec<(TaskId, Option<AgentId>)>) {
        let tasks = tasks
            .into_iter()
            .map(|(task_id, agent_id)| call::reconcile::Task { task_id, agent_id })
            .collect();
        self.call(calls::reconcile(call::Reconcile { tasks }));
    }

    /// Sends bytes to an executor, which may or may not get them.
    pub fn message(&self, agent_id: AgentId, executor_id: ExecutorId, data: Vec<u8>) {
        self.call(calls::message(call::Message { agent_id, executor_id, data }));
    }

    /// Ends an executor and its tasks.
    pub fn shutdown_executor(&self, executor_id: ExecutorId, agent_id: AgentId) {
        self.call(calls::shutdown(call::Shutdown { executor_id, agent_id }));
    }

    /// Ends the framework: the master kills its tasks, and its id is used up. The library stops once the master has
    /// answered; [`Running::wait`] tells whether it was told.
    pub fn teardown(&self) {
        (self.send)(Request::Stop { teardown: true });
    }

    /// Disconnects, and leaves the framework to its failover timeout.
    pub fn stop(&self) {
        (self.send)(Request::Stop { teardown: false });
    }
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Driver")
    }
}

/// A framework that [runs](crate::start).
#[derive(Debug)]
pub struct Running {
    pub(crate) driver: Driver,
    pub(crate) ended: Future<Option<FrameworkId>>,
}

impl Running {
    /// The handle that the scheduler is given, too.
    pub fn driver(&self) -> Driver {
        self.driver.clone()
    }

    /// Waits until the framework stops: its id, if it ever got one.
    ///
    /// # Errors
    ///
    /// Fails with the text of [`Scheduler::error`](crate::Scheduler::error) when it could not go on, with the reason
    /// when it was to be [torn down](Driver::teardown) and the master could not be told, and is abandoned when the
    /// node shut down.
    pub async fn wait(self) -> Result<Option<FrameworkId>, libprocess::FutureError> {
        self.ended.await
    }
}
