//! The metrics of a master.

mod principals;

use std::collections::BTreeMap;
use std::sync::Arc;

use libprocess::metrics::{Counter, Metrics as Registry, PullGauge};
use libprocess::{Context, Pid, Upid};
use mesos_api::v1::TaskState;
use mesos_cluster::{Counters, TaskEnd};
use tracing::warn;

use crate::process::MasterProcess;
use crate::view::{Amounts, SUMMED, View};
use principals::Principals;

/// What the master counts and measures.
///
/// The counters are the model's; they are copied to the node's registry after each step. The
/// gauges are worked out from a [`View`] when somebody looks.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    registry: Option<Registry>,
    /// In the order of [`Counters::iter`].
    fixed: Vec<Copied>,
    ends: BTreeMap<TaskEnd, Copied>,
    authentications: Option<Counter>,
    principals: Principals,
    gauges: Vec<PullGauge>,
}

/// A counter that follows another one.
#[derive(Debug)]
struct Copied {
    counter: Option<Counter>,
    counted: u64,
}

impl Copied {
    fn new(registry: &Registry, path: &str) -> Self {
        Self { counter: counter(registry, path), counted: 0 }
    }

    /// Catches up with the other one; says whether that had gone on.
    fn follow(&mut self, now: u64) -> bool {
        let more = now.saturating_sub(self.counted);
        if more == 0 {
            return false;
        }
        self.counted = now;
        if let Some(counter) = &self.counter {
            counter.add(more);
        }
        true
    }
}

impl Metrics {
    /// Registers everything, for as long as this lives.
    pub(crate) fn start(&mut self, cx: &Context<MasterProcess>) {
        let registry = cx.node().metrics().clone();
        self.fixed = Counters::default().iter().map(|(path, _)| Copied::new(&registry, path)).collect();
        self.authentications = counter(&registry, "master/messages_authenticate");
        self.gauges = gauges(&registry, &cx.pid());
        self.gauges.extend(queues(&registry, &cx.pid()));
        self.registry = Some(registry);
    }

    /// Counts a request to authenticate, which is no concern of the model.
    pub(crate) fn authentication_requested(&self) {
        if let Some(counter) = &self.authentications {
            counter.inc();
        }
    }

    /// What drivers send, by principal.
    pub(crate) fn principals(&self) -> &Principals {
        &self.principals
    }

    /// A framework subscribed: a driver, or over HTTP.
    pub(crate) fn subscribed(&mut self, principal: &str, driver: Option<&Upid>) {
        if let Some(registry) = &self.registry {
            self.principals.subscribed(registry, principal, driver);
        }
    }

    /// No framework has the principal any more.
    pub(crate) fn forget_principal(&mut self, principal: &str) {
        self.principals.forget(principal);
    }

    /// Brings the counters up to date.
    pub(crate) fn count(&mut self, counters: &Counters) {
        let Some(registry) = &self.registry else { return };
        let mut went_on = false;
        for (copied, (_, now)) in self.fixed.iter_mut().zip(counters.iter()) {
            went_on |= copied.follow(now);
        }
        // No task ends without one of the fixed counters.
        if went_on {
            for (end, now) in &counters.task_ends {
                self.ends.entry(*end).or_insert_with(|| Copied::new(registry, &end.path())).follow(*now);
            }
        }
    }
}

fn counter(registry: &Registry, path: &str) -> Option<Counter> {
    registry.counter(path).inspect_err(|error| warn!(%error, "leaving out a metric")).ok()
}

/// What a gauge shows of a view.
type Reading = fn(&View) -> f64;

/// The gauges with their paths.
const GAUGES: &[(&str, Reading)] = &[
    ("master/elected", |view| flag(view.is_recovered())),
    ("master/slaves_connected", |view| count(view.totals().agents_connected)),
    ("master/slaves_disconnected", |view| {
        count(view.snapshot.agents.len().saturating_sub(view.totals().agents_connected))
    }),
    ("master/slaves_active", |view| count(view.totals().agents_active)),
    ("master/slaves_inactive", |view| {
        count(view.snapshot.agents.len().saturating_sub(view.totals().agents_active))
    }),
    ("master/slaves_unreachable", |view| count(view.snapshot.unreachable_agents.len())),
    ("master/frameworks_connected", |view| frameworks(view, |framework| framework.is_connected())),
    ("master/frameworks_disconnected", |view| frameworks(view, |framework| !framework.is_connected())),
    ("master/frameworks_active", |view| frameworks(view, |framework| framework.is_active())),
    ("master/frameworks_inactive", |view| frameworks(view, |framework| !framework.is_active())),
    ("master/outstanding_offers", |view| count(view.snapshot.offers.len())),
    ("master/tasks_staging", |view| {
        let pending: usize =
            view.snapshot.frameworks.values().map(|framework| framework.pending_tasks.len()).sum();
        tasks(view, TaskState::TaskStaging) + count(pending)
    }),
    ("master/tasks_starting", |view| tasks(view, TaskState::TaskStarting)),
    ("master/tasks_running", |view| tasks(view, TaskState::TaskRunning)),
    ("master/tasks_unreachable", |view| {
        count(view.snapshot.frameworks.values().map(|framework| framework.unreachable_tasks.len()).sum())
    }),
    ("master/tasks_killing", |view| tasks(view, TaskState::TaskKilling)),
];

/// What a gauge shows of one resource.
type Share = fn(Amounts) -> f64;

/// The kinds of sums over agents, with the ends of their paths.
const SUMS: &[(&str, Share)] = &[
    ("total", |amounts| amounts.total),
    ("used", |amounts| amounts.used),
    ("percent", |amounts| share(amounts.used, amounts.total)),
    ("revocable_total", |amounts| amounts.revocable_total),
    ("revocable_used", |amounts| amounts.revocable_used),
    ("revocable_percent", |amounts| share(amounts.revocable_used, amounts.revocable_total)),
];

fn gauges(registry: &Registry, master: &Pid<MasterProcess>) -> Vec<PullGauge> {
    let mut gauges = Vec::new();
    let mut add = |path: String, reading: Arc<dyn Fn(&View) -> f64 + Send + Sync>| {
        let master = master.clone();
        let gauge = registry.pull_later(path, move || {
            let (view, reading) = (master.ask(|master, _cx| master.view()), Arc::clone(&reading));
            async move { view.await.ok().map(|view| reading(&view)) }
        });
        gauges.extend(gauge.inspect_err(|error| warn!(%error, "leaving out a metric")).ok());
    };
    for (path, reading) in GAUGES {
        add((*path).to_owned(), Arc::new(reading));
    }
    let clock = master.node().clock().clone();
    add(
        "master/uptime_secs".to_owned(),
        Arc::new(move |view| (clock.now() - view.identity.start_time).as_secs_f64()),
    );
    for (index, name) in SUMMED.into_iter().enumerate() {
        for (kind, sum) in SUMS {
            add(format!("master/{name}_{kind}"), Arc::new(move |view| sum(view.totals().amounts[index])));
        }
    }
    gauges
}

/// How much waits for the master itself, which it need not be asked for.
fn queues(registry: &Registry, master: &Pid<MasterProcess>) -> Vec<PullGauge> {
    type Queue = fn(&Pid<MasterProcess>) -> usize;
    let queues: [(&str, Queue); 3] = [
        ("master/event_queue_messages", Pid::queued_messages),
        ("master/event_queue_dispatches", Pid::queued_dispatches),
        ("master/event_queue_http_requests", Pid::queued_http_requests),
    ];
    let gauges = queues.into_iter().map(|(path, queued)| {
        let master = master.clone();
        registry.pull(path, move || count(queued(&master)))
    });
    gauges.filter_map(|gauge| gauge.inspect_err(|error| warn!(%error, "leaving out a metric")).ok()).collect()
}

fn frameworks(view: &View, of_kind: fn(&mesos_cluster::Framework) -> bool) -> f64 {
    count(view.snapshot.frameworks.values().filter(|framework| of_kind(framework)).count())
}

fn tasks(view: &View, state: TaskState) -> f64 {
    view.snapshot.tasks_by_state.get(state) as f64
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn flag(set: bool) -> f64 {
    f64::from(u8::from(set))
}

fn count(count: usize) -> f64 {
    count as f64
}
