//! How the agent makes itself known to its master, and notices that the master is gone.

use std::time::Duration;

use libprocess::{Context, Upid};
use mesos_api::internal::{
    MasterSlaveConnection, PongSlaveMessage, ReconcileTasksMessage, ShutdownMessage, SlaveRegisteredMessage,
    SlaveReregisteredMessage,
};
use mesos_api::v1::{AgentId, master_info};
use mesos_workload::{File, Input, Phase, records};
use tracing::{debug, error, info, warn};

use crate::detector::Leader;
use crate::disk;
use crate::process::{AgentProcess, Answer};

/// The longest wait between two words to a master that does not answer.
const REGISTRATION_WAIT_MAX: Duration = Duration::from_secs(60);

/// What the longest wait between the first two words is at least: no factor makes the agent a flood.
const REGISTRATION_WAIT_MIN: Duration = Duration::from_millis(500);

/// How long a master may be silent that did not say how long it may be.
const PING_TIMEOUT: Duration = Duration::from_secs(75);

/// The wait before writing down who the agent is, is tried again.
const WRITE_RETRY_WAIT: Duration = Duration::from_secs(1);

impl AgentProcess {
    /// Another master leads, or none, or the same one is to be told anew.
    pub(crate) fn detected(&mut self, cx: &mut Context<Self>, leader: Option<Leader>) {
        self.step(cx, Input::Disconnected);
        self.updates.pause();
        self.cancel_timers();
        self.registration.waiting.clear();
        self.registration.answer = Answer::NotAsked;
        self.leader = leader;
        let Some(leader) = &self.leader else {
            info!("there is no leading master");
            return;
        };
        info!(master = %leader.pid, "detected a master");
        if self.workload.phase() == Phase::Terminating {
            return;
        }
        if self.setup.changed && !takes_changes(leader) {
            self.exit(
                cx,
                "the agent has changed with this start, and the detected master lacks the AGENT_UPDATE capability"
                    .to_owned(),
            );
            return;
        }
        let factor = self.setup.flags.registration_backoff_factor;
        self.registration.backoff = factor.saturating_mul(2).max(REGISTRATION_WAIT_MIN);
        // Not all agents at once.
        let wait = factor.mul_f64(rand::random());
        self.registration.timer = Some(cx.delay(wait, |agent, cx| agent.register(cx)));
    }

    fn cancel_timers(&mut self) {
        for timer in [self.registration.timer.take(), self.registration.ping.take()].into_iter().flatten() {
            timer.cancel();
        }
    }

    fn register(&mut self, cx: &mut Context<Self>) {
        self.registration.timer = None;
        let Some(leader) = self.leader.clone() else { return };
        if self.workload.phase() != Phase::Disconnected {
            return;
        }
        debug!(master = %leader.pid, "registering");
        cx.link(&leader.pid);
        self.registration.answer = Answer::Awaited;
        match self.workload.registration(&self.setup.version) {
            mesos_workload::Registration::First(message) => cx.send(&leader.pid, &*message),
            mesos_workload::Registration::Again(message) => cx.send(&leader.pid, &*message),
        }
        let longest = self.registration.backoff.min(REGISTRATION_WAIT_MAX);
        self.registration.backoff = longest.saturating_mul(2);
        let wait = longest.mul_f64(rand::random());
        self.registration.timer = Some(cx.delay(wait, |agent, cx| agent.register(cx)));
    }

    pub(crate) fn registered(
        &mut self,
        cx: &mut Context<Self>,
        from: &Upid,
        message: SlaveRegisteredMessage,
    ) {
        if self.is_leader(from) {
            self.take_id(cx, Confirmed::new(message.slave_id, message.connection, Vec::new()));
        }
    }

    pub(crate) fn reregistered(
        &mut self,
        cx: &mut Context<Self>,
        from: &Upid,
        message: SlaveReregisteredMessage,
    ) {
        if self.is_leader(from) {
            self.take_id(cx, Confirmed::new(message.slave_id, message.connection, message.reconciliations));
        }
    }

    /// The master knows this agent. Who it is, is on disk before it acts as that.
    fn take_id(&mut self, cx: &mut Context<Self>, confirmed: Confirmed) {
        if let Some(timer) = self.registration.timer.take() {
            timer.cancel();
        }
        self.registration.answer = Answer::Given(confirmed.id.clone());
        if self.registration.leaving {
            self.unregister(cx);
            return;
        }
        if std::mem::replace(&mut self.registration.writing, true) {
            return;
        }
        if self.registration.written {
            self.confirmed(cx, confirmed, self.leader.clone());
        } else {
            self.write_info(cx, confirmed, self.leader.clone());
        }
    }

    fn write_info(&mut self, cx: &mut Context<Self>, confirmed: Confirmed, leader: Option<Leader>) {
        let layout = self.workload.layout().clone();
        let mut info = self.workload.info().clone();
        let id = info.id.get_or_insert_with(|| confirmed.id.clone()).value.clone();
        let files: Vec<File> = records::agent(&layout, &info).into_iter().collect();
        let links = [(layout.latest_agent(), layout.agent_meta(&id))];
        let work = move || disk::write_files(&files).and_then(|()| disk::make_links(&links));
        cx.run_blocking(work, move |agent, cx, written| match written {
            Ok(()) => {
                agent.registration.written = true;
                agent.confirmed(cx, confirmed, leader);
            }
            Err(reason) => {
                error!(%reason, "failed to checkpoint the agent, trying again before it takes any task");
                cx.delay(WRITE_RETRY_WAIT, move |agent, cx| agent.write_info(cx, confirmed, leader));
            }
        });
    }

    fn confirmed(&mut self, cx: &mut Context<Self>, confirmed: Confirmed, leader: Option<Leader>) {
        self.registration.writing = false;
        let waiting = std::mem::take(&mut self.registration.waiting);
        // Another master may have been detected meanwhile: it does not know the agent yet.
        if self.leader != leader {
            return;
        }
        let before = self.workload.phase();
        self.registration.ping_timeout = confirmed.ping_timeout;
        self.step(cx, Input::Registered(confirmed.id.clone()));
        if self.workload.phase() == Phase::Running {
            if before != Phase::Running {
                info!(id = %confirmed.id, "registered with the master");
                self.updates.resume();
            }
            self.expect_ping(cx);
            self.step(cx, Input::Reconcile(confirmed.reconciliations));
        }
        waiting.into_iter().for_each(|input| self.step(cx, input));
    }

    /// Looks for the master anew when it is silent for too long.
    fn expect_ping(&mut self, cx: &mut Context<Self>) {
        if let Some(timer) = self.registration.ping.take() {
            timer.cancel();
        }
        let wait = self.registration.ping_timeout;
        self.registration.ping = Some(cx.delay(wait, |agent, cx| {
            warn!("no ping from the master for too long");
            agent.detected(cx, agent.leader.clone());
        }));
    }

    pub(crate) fn pinged(&mut self, cx: &mut Context<Self>, from: &Upid, connected: bool) {
        // Also while it is recovering, or shutting down: the master is to see that the agent lives.
        cx.send(from, &PongSlaveMessage {});
        if self.workload.phase() == Phase::Running {
            if connected {
                self.expect_ping(cx);
            } else {
                info!("the master has lost the connection to this agent");
                self.detected(cx, self.leader.clone());
            }
        }
    }

    pub(crate) fn told_to_end(&mut self, cx: &mut Context<Self>, from: &Upid, message: ShutdownMessage) {
        if self.is_leader(from) {
            let reason = message.message.unwrap_or_else(|| "no reason was given".to_owned());
            warn!(master = %from, %reason, "the master asks the agent to shut down");
            self.updates.pause();
            self.step(cx, Input::Shutdown);
        }
    }
}

/// That a master knows this agent.
#[derive(Debug)]
struct Confirmed {
    id: AgentId,
    ping_timeout: Duration,
    reconciliations: Vec<ReconcileTasksMessage>,
}

impl Confirmed {
    fn new(
        id: AgentId,
        connection: Option<MasterSlaveConnection>,
        reconciliations: Vec<ReconcileTasksMessage>,
    ) -> Self {
        let told = connection.and_then(|connection| connection.total_ping_timeout_seconds);
        let timeout = told.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Confirmed { id, ping_timeout: timeout.unwrap_or(PING_TIMEOUT), reconciliations }
    }
}

/// Whether a master can be told of an agent that is not as it was; one that nobody knows about may.
fn takes_changes(leader: &Leader) -> bool {
    use master_info::capability::Type;
    let Some(info) = &leader.info else {
        warn!(
            "the agent has changed: the master must have the AGENT_UPDATE capability, which nobody can tell"
        );
        return true;
    };
    info.capabilities.iter().any(|capability| capability.r#type() == Type::AgentUpdate)
}
