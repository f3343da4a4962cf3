//! The actor around the core.

use std::time::Duration;

use libprocess::metrics::Started;
use libprocess::{Context, Process};
use mesos_allocation::{Allocation, Input, Options, Output};
use mesos_api::v1::Filters;
use tracing::{debug, info, warn};

use crate::Sink;
use crate::metrics::Metrics;

/// A longer refusal is cut to this by the core.
const REFUSE_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The allocator's process.
pub(crate) struct AllocatorProcess {
    pub(crate) allocation: Allocation,
    interval: Duration,
    sink: Sink,
    out: Vec<Output>,
    /// Since when a run waits behind other inputs.
    queued: Option<Queued>,
    metrics: Option<Metrics>,
}

/// That a run is on its way through the mailbox.
struct Queued {
    latency: Option<Started>,
}

impl Process for AllocatorProcess {
    const ID_PREFIX: &'static str = "hierarchical-allocator";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        match Metrics::register(cx) {
            Ok(metrics) => self.metrics = Some(metrics),
            // A second master on the node: the first one has the names.
            Err(error) => warn!(%error, "the allocator runs without metrics"),
        }
        self.schedule_tick(cx);
    }
}

impl AllocatorProcess {
    pub(crate) fn new(options: Options, sink: Sink) -> Self {
        Self {
            interval: options.allocation_interval,
            allocation: Allocation::new(options),
            sink,
            out: Vec::new(),
            queued: None,
            metrics: None,
        }
    }

    /// Takes an input in, and has a run follow once what waits is taken in too.
    pub(crate) fn accept(&mut self, cx: &mut Context<Self>, input: Input) {
        log(&input);
        let quotas_change =
            matches!(input, Input::SetQuota { .. } | Input::RemoveQuota(_) | Input::Recover { .. });
        match (&mut self.metrics, &input) {
            (Some(metrics), Input::AddFramework { id, .. }) => metrics.add_framework(cx, id),
            (Some(metrics), Input::RemoveFramework(id)) => metrics.remove_framework(id),
            _ => {}
        }
        self.allocation.accept(input, cx.now(), &mut self.out);
        self.deliver();
        if let Some(metrics) = &mut self.metrics {
            metrics.update(cx, &self.allocation, quotas_change);
        }
        if self.allocation.is_run_due() && self.queued.is_none() {
            let latency = self.metrics.as_ref().map(|metrics| metrics.allocation_run_latency.start());
            self.queued = Some(Queued { latency });
            cx.pid().tell(|process, cx| process.run(cx));
        }
    }

    fn run(&mut self, cx: &mut Context<Self>) {
        if let Some(latency) = self.queued.take().and_then(|queued| queued.latency) {
            latency.stop();
        }
        // A periodic run may have been quicker.
        if !self.allocation.is_run_due() {
            return;
        }
        let took = self.metrics.as_ref().map(|metrics| metrics.allocation_run.start());
        self.allocation.run(cx.now(), &mut self.out);
        let took = took.map(Started::stop);
        debug!(?took, outputs = self.out.len(), "ran an allocation");
        self.deliver();
        if let Some(metrics) = &mut self.metrics {
            metrics.allocation_runs.inc();
            metrics.update(cx, &self.allocation, false);
        }
    }

    fn deliver(&mut self) {
        self.out.drain(..).for_each(&self.sink);
    }

    fn schedule_tick(&self, cx: &Context<Self>) {
        cx.delay(self.interval, |process, cx| {
            process.accept(cx, Input::Tick);
            // The next interval begins now, however long the run takes.
            process.schedule_tick(cx);
        });
    }
}

/// Tells what an operator looks for when offers do not come.
fn log(input: &Input) {
    match input {
        Input::AddFramework { id, .. } => info!(framework = %id.value, "added a framework"),
        Input::RemoveFramework(id) => info!(framework = %id.value, "removed a framework"),
        Input::ActivateFramework(id) => info!(framework = %id.value, "activated a framework"),
        Input::DeactivateFramework(id) => info!(framework = %id.value, "deactivated a framework"),
        Input::AddAgent { id, info, total, .. } => {
            info!(agent = %id.value, hostname = info.hostname, %total, "added an agent");
        }
        Input::RemoveAgent(id) => info!(agent = %id.value, "removed an agent"),
        Input::ActivateAgent(id) => info!(agent = %id.value, "activated an agent"),
        Input::DeactivateAgent(id) => info!(agent = %id.value, "deactivated an agent"),
        Input::UpdateWhitelist(Some(hosts)) if hosts.is_empty() => {
            warn!("the whitelist is empty, no offers will be made");
        }
        Input::UpdateWhitelist(Some(hosts)) => info!(?hosts, "offering the agents of the whitelist only"),
        Input::RequestResources { framework, .. } => {
            info!(framework = %framework.value, "ignoring a request for resources");
        }
        Input::Suppress { framework, roles } => {
            info!(framework = %framework.value, ?roles, "suppressed offers")
        }
        Input::Revive { framework, roles } => info!(framework = %framework.value, ?roles, "revived offers"),
        Input::SetQuota { role, quota } => {
            info!(role, guarantee = ?quota.guarantee.to_string(), limits = ?quota.limits, "set a quota");
        }
        Input::RemoveQuota(role) => info!(role, "removed a quota"),
        Input::Recover { expected_agents, quotas } => {
            info!(expected_agents, quotas = quotas.len(), "recovering");
        }
        Input::RecoverResources { framework, agent, resources, filters } => {
            debug!(framework = %framework.value, agent = %agent.value, %resources, "recovered resources");
            warn_of(filters.as_ref(), &framework.value);
        }
        Input::UpdateInverseOffer { framework, filters, .. } => warn_of(filters.as_ref(), &framework.value),
        _ => {}
    }
}

fn warn_of(filters: Option<&Filters>, framework: &str) {
    let Some(seconds) = filters.and_then(|filters| filters.refuse_seconds) else { return };
    if seconds > REFUSE_MAX.as_secs_f64() {
        warn!(framework, seconds, "refusing for 365 days, as 'refuse_seconds' is larger");
    } else if seconds.is_nan() || seconds < 0.0 {
        warn!(framework, seconds, "refusing for the default time, as 'refuse_seconds' is not a time");
    }
}
