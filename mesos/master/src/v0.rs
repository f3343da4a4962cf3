//! The messages of drivers and agents.

use libprocess::{Context, Upid, WireMessage};
use mesos_api::internal::{
    AuthenticateMessage, AuthenticationErrorMessage, DeactivateFrameworkMessage, ExecutorToFrameworkMessage,
    ExitedExecutorMessage, FrameworkErrorMessage, FrameworkToExecutorMessage, KillTaskMessage,
    LaunchTasksMessage, ReconcileTasksMessage, RegisterFrameworkMessage, RegisterSlaveMessage,
    ReregisterFrameworkMessage, ReregisterSlaveMessage, ResourceRequestMessage, ReviveOffersMessage,
    StatusUpdateAcknowledgementMessage, StatusUpdateMessage, SubmitSchedulerRequest, SubmitSchedulerResponse,
    UnregisterFrameworkMessage, UnregisterSlaveMessage, UpdateOperationStatusMessage, UpdateSlaveMessage,
};
use mesos_api::v1::scheduler::{Call, call};
use mesos_api::v1::{FrameworkId, FrameworkInfo, offer};
use mesos_cluster::{AgentPeer, FromAgent, Input, SchedulerPeer, Subscribe, validation};
use tracing::{info, warn};

use crate::peers::NOBODY;
use crate::process::MasterProcess;

/// Installs the handlers of all messages that a master understands.
pub(crate) fn install(cx: &mut Context<MasterProcess>) {
    on(cx, |master, cx, from, call: Call| master.receive(cx, from, call));
    on(cx, |master, cx, from, message: RegisterFrameworkMessage| {
        master.register_framework(cx, from, message.framework);
    });
    on(cx, |master, cx, from, message: ReregisterFrameworkMessage| {
        master.reregister_framework(cx, from, message);
    });
    on(cx, |master, cx, from, message: UnregisterFrameworkMessage| {
        master.call(cx, from, message.framework_id, call::Type::Teardown, |_| {});
    });
    on(cx, |master, cx, from, message: DeactivateFrameworkMessage| {
        let from = master.peers.find(from).unwrap_or(NOBODY);
        master.step(cx, Input::DeactivateFramework { from, framework: message.framework_id });
    });
    on(cx, |master, cx, from, message: ResourceRequestMessage| {
        let request = call::Request { requests: message.requests };
        master.call(cx, from, message.framework_id, call::Type::Request, |call| call.request = Some(request));
    });
    on(cx, |master, cx, from, message: LaunchTasksMessage| master.launch_tasks(cx, from, message));
    on(cx, |master, cx, from, message: ReviveOffersMessage| {
        let revive = call::Revive { roles: message.roles };
        master.call(cx, from, message.framework_id, call::Type::Revive, |call| call.revive = Some(revive));
    });
    on(cx, |master, cx, from, message: KillTaskMessage| {
        let kill = call::Kill { task_id: message.task_id, agent_id: None, kill_policy: message.kill_policy };
        master.call(cx, from, message.framework_id, call::Type::Kill, |call| call.kill = Some(kill));
    });
    on(cx, |master, cx, from, message: StatusUpdateAcknowledgementMessage| {
        let acknowledge =
            call::Acknowledge { agent_id: message.slave_id, task_id: message.task_id, uuid: message.uuid };
        master.call(cx, from, message.framework_id, call::Type::Acknowledge, |call| {
            call.acknowledge = Some(acknowledge);
        });
    });
    on(cx, |master, cx, from, message: FrameworkToExecutorMessage| {
        let (agent_id, executor_id) = (message.slave_id, message.executor_id);
        let to_executor = call::Message { agent_id, executor_id, data: message.data };
        master.call(cx, from, message.framework_id, call::Type::Message, |call| {
            call.message = Some(to_executor)
        });
    });
    on(cx, |master, cx, from, message: ReconcileTasksMessage| master.reconcile_tasks(cx, from, message));
    on(cx, |_master, cx, from, _: SubmitSchedulerRequest| {
        cx.send(from, &SubmitSchedulerResponse { okay: false });
    });
    on(cx, |master, cx, _from, message: AuthenticateMessage| master.authenticate(cx, &message));

    on(cx, |master, cx, from, message: RegisterSlaveMessage| {
        let Some(peer) = master.agent_peer(cx, from) else { return };
        master.step(cx, Input::RegisterAgent { peer, principal: None, message: Box::new(message) });
    });
    on(cx, |master, cx, from, message: ReregisterSlaveMessage| {
        let Some(peer) = master.agent_peer(cx, from) else { return };
        master.step(cx, Input::ReregisterAgent { peer, principal: None, message: Box::new(message) });
    });
    on(cx, |master, cx, from, message: UnregisterSlaveMessage| {
        master.agent_message(cx, from, FromAgent::Unregister(message));
    });
    on(cx, |master, cx, from, message: UpdateSlaveMessage| {
        master.agent_message(cx, from, FromAgent::Update(message));
    });
    on(cx, |master, cx, from, message: StatusUpdateMessage| {
        master.agent_message(cx, from, FromAgent::StatusUpdate(message));
    });
    on(cx, |master, cx, from, message: ExecutorToFrameworkMessage| {
        master.agent_message(cx, from, FromAgent::ExecutorMessage(message));
    });
    on(cx, |master, cx, from, message: ExitedExecutorMessage| {
        master.agent_message(cx, from, FromAgent::ExecutorExited(message));
    });
    on(cx, |master, cx, from, message: UpdateOperationStatusMessage| {
        master.agent_message(cx, from, FromAgent::OperationUpdate(message));
    });
}

/// Installs a handler, and counts what comes and what was worked off.
fn on<M: WireMessage>(
    cx: &mut Context<MasterProcess>,
    handler: impl Fn(&mut MasterProcess, &mut Context<MasterProcess>, &Upid, M) + Send + Sync + 'static,
) {
    cx.install(move |master: &mut MasterProcess, cx, from, message: M| {
        let received = master.metrics.principals().received(from);
        handler(master, cx, from, message);
        if let Some(received) = received {
            received.processed();
        }
    });
}

impl MasterProcess {
    /// A call of a driver.
    fn receive(&mut self, cx: &mut Context<Self>, from: &Upid, call: Call) {
        if let Err(error) = validation::call::call(&call, None) {
            warn!(%from, %error, "dropping a call");
            return;
        }
        match (call.r#type(), call.subscribe) {
            (call::Type::Subscribe, Some(subscribe)) => {
                let force = subscribe.force.unwrap_or(false);
                self.subscribe_driver(cx, from, subscribe, force);
            }
            (_, subscribe) => {
                let from = self.peers.find(from).unwrap_or(NOBODY);
                self.step(cx, Input::Call { from, call: Box::new(Call { subscribe, ..call }) });
            }
        }
    }

    /// An old message that means the same as a call.
    fn call(
        &mut self,
        cx: &mut Context<Self>,
        from: &Upid,
        framework: FrameworkId,
        r#type: call::Type,
        fill: impl FnOnce(&mut Call),
    ) {
        let mut call = Call { r#type: Some(r#type as i32), framework_id: Some(framework), ..Call::default() };
        fill(&mut call);
        self.receive(cx, from, call);
    }

    fn register_framework(&mut self, cx: &mut Context<Self>, from: &Upid, framework_info: FrameworkInfo) {
        if has_id(&framework_info) {
            refuse(cx, from, "Registering with 'id' already set");
            return;
        }
        let subscribe = call::Subscribe { framework_info, ..call::Subscribe::default() };
        self.subscribe_driver(cx, from, subscribe, false);
    }

    fn reregister_framework(
        &mut self,
        cx: &mut Context<Self>,
        from: &Upid,
        message: ReregisterFrameworkMessage,
    ) {
        if !has_id(&message.framework) {
            refuse(cx, from, "Re-registering without an 'id'");
            return;
        }
        let subscribe = call::Subscribe { framework_info: message.framework, ..call::Subscribe::default() };
        self.subscribe_driver(cx, from, subscribe, message.failover);
    }

    fn subscribe_driver(
        &mut self,
        cx: &mut Context<Self>,
        from: &Upid,
        subscribe: call::Subscribe,
        force: bool,
    ) {
        if from.is_nobody() {
            return;
        }
        let connection = if self.cluster.is_recovered() { self.peers.of_process(from) } else { NOBODY };
        let peer = SchedulerPeer::Pid { connection, pid: from.to_string() };
        self.step(
            cx,
            Input::Subscribe(Subscribe { peer, principal: None, subscribe: Box::new(subscribe), force }),
        );
    }

    /// Without tasks this declines the offers.
    fn launch_tasks(&mut self, cx: &mut Context<Self>, from: &Upid, message: LaunchTasksMessage) {
        let LaunchTasksMessage { framework_id, tasks, filters, offer_ids } = message;
        let filters = Some(filters);
        if tasks.is_empty() {
            let decline = call::Decline { offer_ids, filters };
            self.call(cx, from, framework_id, call::Type::Decline, |call| call.decline = Some(decline));
            return;
        }
        let launch = offer::Operation {
            r#type: Some(offer::operation::Type::Launch as i32),
            launch: Some(offer::operation::Launch { task_infos: tasks }),
            ..offer::Operation::default()
        };
        let accept = call::Accept { offer_ids, operations: vec![launch], filters };
        self.call(cx, from, framework_id, call::Type::Accept, |call| call.accept = Some(accept));
    }

    fn reconcile_tasks(&mut self, cx: &mut Context<Self>, from: &Upid, message: ReconcileTasksMessage) {
        let tasks = message.statuses.into_iter();
        let tasks =
            tasks.map(|status| call::reconcile::Task { task_id: status.task_id, agent_id: status.agent_id });
        let reconcile = call::Reconcile { tasks: tasks.collect() };
        self.call(cx, from, message.framework_id, call::Type::Reconcile, |call| {
            call.reconcile = Some(reconcile)
        });
    }

    /// There is no authenticator: who asks for one goes on without, as with Mesos.
    fn authenticate(&mut self, cx: &mut Context<Self>, message: &AuthenticateMessage) {
        self.metrics.authentication_requested();
        match message.pid.parse::<Upid>() {
            Ok(pid) => {
                info!(%pid, "refusing to authenticate: no authenticator is loaded");
                let error = "No authenticator loaded".to_owned();
                cx.send(&pid, &AuthenticationErrorMessage { error: Some(error) });
            }
            Err(error) => warn!(%error, "dropping a request to authenticate"),
        }
    }

    fn agent_message(&mut self, cx: &mut Context<Self>, from: &Upid, message: FromAgent) {
        let from = self.peers.find(from).unwrap_or(NOBODY);
        self.step(cx, Input::Agent { from, message: Box::new(message) });
    }

    /// How to reach an agent that registers. One that cannot be reached cannot register.
    fn agent_peer(&mut self, cx: &mut Context<Self>, from: &Upid) -> Option<AgentPeer> {
        if from.is_nobody() {
            return None;
        }
        // What comes before the recovery is dropped: its sender is not taken note of.
        let connection = if self.cluster.is_recovered() {
            // So that its end is noticed even if it is not let in.
            cx.link(from);
            self.peers.of_process(from)
        } else {
            NOBODY
        };
        Some(AgentPeer { connection, pid: from.to_string(), ip: from.address().ip().to_string() })
    }
}

fn has_id(info: &FrameworkInfo) -> bool {
    info.id.as_ref().is_some_and(|id| !id.value.is_empty())
}

fn refuse(cx: &Context<MasterProcess>, from: &Upid, reason: &str) {
    info!(%from, reason, "refusing to register a framework");
    cx.send(from, &FrameworkErrorMessage { message: reason.to_owned() });
}
