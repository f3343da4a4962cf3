//! The actor around the model.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use libprocess::Logging;
use libprocess::{Context, Process, Time, Timer, Upid};
use mesos_api::v1::AgentId;
use mesos_auth::Authorizer;
use mesos_containerizer::Containerizer;
use mesos_daemon::files::Files;
use mesos_daemon::stream::EventStream;
use mesos_workload::{Effect, Input, Phase, Workload};
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::detector::{Leader, MasterDetector};
use crate::flags::AgentFlags;
use crate::gc::GarbageCollector;
use crate::metrics::Metrics;
use crate::runs::RunJob;
use crate::serial::Serial;
use crate::updates::{UpdateEvent, Updates};
use crate::v0::Annotation;

/// What agents' ids on their nodes begin with.
pub(crate) const AGENT_ID_PREFIX: &str = "slave";

/// `/monitor/statistics` is answered so often in that time.
const STATISTICS_MAX: usize = 2;
const STATISTICS_PERIOD: Duration = Duration::from_secs(1);

/// What stays the same for as long as the agent runs.
pub(crate) struct Setup {
    pub(crate) flags: AgentFlags,
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) detector: Arc<dyn MasterDetector>,
    pub(crate) files: Files,
    pub(crate) logging: Logging,
    pub(crate) version: String,
    pub(crate) started: Time,
    /// Something about the agent changed with this start: only a master that knows how to take that may
    /// be told.
    pub(crate) changed: bool,
}

/// The agent's process: it holds the model, tells it what happens, and does what it says.
pub(crate) struct AgentProcess {
    pub(crate) setup: Arc<Setup>,
    pub(crate) workload: Workload,
    pub(crate) containerizer: Containerizer,
    pub(crate) updates: Updates,
    pub(crate) gc: GarbageCollector,
    pub(crate) metrics: Option<Metrics>,
    pub(crate) leader: Option<Leader>,
    pub(crate) registration: Registration,
    /// Event streams of executors.
    pub(crate) connections: HashMap<u64, EventStream>,
    pub(crate) next_connection: u64,
    /// What is done for a run: writing files, launching, giving it resources.
    pub(crate) runs: Serial<String, RunJob>,
    /// Updates of an executor that wait to be filled in.
    pub(crate) annotations: Serial<(String, String), Annotation>,
    /// What recovery wants to be done first.
    pub(crate) first: Vec<Effect>,
    pub(crate) happened: VecDeque<Input>,
    pub(crate) stepping: bool,
    /// When `/monitor/statistics` was, or will be, answered.
    pub(crate) statistics: VecDeque<Time>,
    /// Whether executors of before the restart had their time.
    pub(crate) recovered: bool,
    /// Told when the agent is done, or why it cannot go on.
    pub(crate) finished: watch::Sender<Option<Result<(), String>>>,
}

/// Where the agent is in making itself known.
#[derive(Default)]
pub(crate) struct Registration {
    /// What the master said to the last word.
    pub(crate) answer: Answer,
    /// The agent goes for good as soon as it has said something.
    pub(crate) leaving: bool,
    /// The next word to the master.
    pub(crate) timer: Option<Timer>,
    /// The longest wait before it.
    pub(crate) backoff: Duration,
    /// Runs out when the master is silent.
    pub(crate) ping: Option<Timer>,
    /// How long it may be.
    pub(crate) ping_timeout: Duration,
    /// The master knows the agent, and that is being written down.
    pub(crate) writing: bool,
    /// Who the agent is, is on disk.
    pub(crate) written: bool,
    /// What the master says while it is being written.
    pub(crate) waiting: Vec<Input>,
}

/// What the leading master says to an agent that makes itself known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Answer {
    #[default]
    NotAsked,
    Awaited,
    /// It knows the agent by this id.
    Given(AgentId),
}

impl Process for AgentProcess {
    const ID_PREFIX: &'static str = AGENT_ID_PREFIX;

    fn initialize(&mut self, cx: &mut Context<Self>) {
        crate::v0::install(cx);
        crate::http::install(cx);
        self.updates.report_to(cx.pid());
        self.metrics = Some(Metrics::start(cx.node().metrics(), &cx.pid(), self.setup.started));
        info!(pid = %cx.upid(), "the agent started");
        for effect in std::mem::take(&mut self.first) {
            self.perform(cx, effect);
        }
        let mut effects = Vec::new();
        let waiting = self.workload.reconnect(&mut effects);
        for effect in effects {
            self.perform(cx, effect);
        }
        if !waiting {
            self.recovery_over(cx);
        }
    }

    fn exited(&mut self, cx: &mut Context<Self>, pid: &Upid) {
        let is_leader = self.leader.as_ref().is_some_and(|leader| leader.pid == *pid);
        // One that is not registered is trying already, less and less often.
        if is_leader && self.workload.phase() == Phase::Running {
            warn!(master = %pid, "the connection to the master broke");
            self.detected(cx, self.leader.clone());
        }
    }

    fn finalize(&mut self, _cx: &mut Context<Self>) {
        self.connections.values().for_each(EventStream::close);
        self.updates.terminate();
        self.gc.terminate();
        self.tell_finished(Ok(()));
    }
}

impl AgentProcess {
    /// Tells the model what happened and does what it says.
    ///
    /// What happens meanwhile, because an effect had its result at once, comes after.
    pub(crate) fn step(&mut self, cx: &mut Context<Self>, input: Input) {
        self.happened.push_back(input);
        if std::mem::replace(&mut self.stepping, true) {
            return;
        }
        let mut effects = Vec::new();
        while let Some(input) = self.happened.pop_front() {
            let recovering = self.workload.phase() == Phase::Recovering;
            self.workload.apply(input, cx.now(), &mut effects);
            for effect in effects.drain(..) {
                self.perform(cx, effect);
            }
            if recovering && self.workload.phase() != Phase::Recovering {
                self.recovery_over(cx);
            }
        }
        self.stepping = false;
    }

    /// What the update streams say.
    pub(crate) fn update_event(&mut self, cx: &mut Context<Self>, event: UpdateEvent) {
        match event {
            UpdateEvent::Accepted(key, uuid) => {
                self.step(cx, Input::Accepted { framework: key.framework_id(), task: key.task_id(), uuid });
            }
            UpdateEvent::Forward(update) => self.forward(cx, *update),
            UpdateEvent::Acknowledged(key, finished) => {
                let (framework, task) = (key.framework_id(), key.task_id());
                self.step(cx, Input::Acknowledged { framework, task, finished });
            }
        }
    }

    /// Executors had their time to come back: the agent looks for its master.
    fn recovery_over(&mut self, cx: &mut Context<Self>) {
        if std::mem::replace(&mut self.recovered, true) {
            return;
        }
        info!("finished recovery");
        crate::recovery::remember_boot(self, cx);
        if self.workload.phase() == Phase::Terminating {
            return;
        }
        let pid = cx.pid();
        self.setup.detector.watch(Box::new(move |leader| {
            pid.tell(move |agent, cx| agent.detected(cx, leader));
        }));
    }

    /// How long a request for `/monitor/statistics` has to wait: measuring takes effort.
    pub(crate) fn statistics_wait(&mut self, now: Time) -> Duration {
        let mut at = now;
        if self.statistics.len() >= STATISTICS_MAX
            && let Some(earlier) = self.statistics.pop_front()
        {
            at = at.max(earlier + STATISTICS_PERIOD);
        }
        self.statistics.push_back(at);
        at - now
    }

    /// Ends the agent, and tells its owner why.
    pub(crate) fn exit(&mut self, cx: &mut Context<Self>, reason: String) {
        error!(%reason, "the agent cannot go on");
        self.tell_finished(Err(reason.clone()));
        cx.fail(reason);
    }

    /// Ends the agent: nothing is left to do.
    pub(crate) fn finish(&mut self, cx: &mut Context<Self>) {
        info!("everything was shut down");
        self.tell_finished(Ok(()));
        cx.terminate();
    }

    /// The first word counts.
    fn tell_finished(&self, outcome: Result<(), String>) {
        self.finished.send_if_modified(|told| {
            let first = told.is_none();
            told.get_or_insert(outcome);
            first
        });
    }
}
