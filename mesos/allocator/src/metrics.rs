//! What the allocator shows of itself.

use std::collections::BTreeMap;
use std::time::Duration;

use libprocess::metrics::{Counter, DuplicateMetric, Gauge, PullGauge, Timer};
use libprocess::{Context, Pid};
use mesos_allocation::{Allocation, RoleStatus};
use mesos_api::v1::FrameworkId;
use mesos_resources::Name;

use crate::process::AllocatorProcess;

/// For how long the statistics of runs look back.
const RUN_WINDOW: Duration = Duration::from_secs(60 * 60);
/// The resources that are told one by one.
const RESOURCES: [Name; 3] = [Name::CPUS, Name::MEM, Name::DISK];

/// The allocator's metrics.
pub(crate) struct Metrics {
    pub(crate) allocation_runs: Counter,
    pub(crate) allocation_run: Timer,
    pub(crate) allocation_run_latency: Timer,
    _dispatches: [PullGauge; 2],
    resources: Vec<Amounts>,
    roles: BTreeMap<String, [PullGauge; 2]>,
    roles_generation: u64,
    /// By role and resource.
    quotas: BTreeMap<(String, Name), [PullGauge; 2]>,
    /// For how long each framework was offered nothing.
    waiting: BTreeMap<FrameworkId, PullGauge>,
}

/// The amounts of one resource.
struct Amounts {
    name: Name,
    total: Gauge,
    offered_or_allocated: Gauge,
}

impl Metrics {
    /// Registers what is there from the start.
    pub(crate) fn register(cx: &Context<AllocatorProcess>) -> Result<Self, DuplicateMetric> {
        let metrics = cx.node().metrics();
        let dispatches = |name: &str| {
            let pid = cx.pid();
            metrics.pull(name, move || pid.queued_dispatches() as f64)
        };
        let amounts = |name: &Name| {
            Ok(Amounts {
                name: name.clone(),
                total: metrics.gauge(format!("allocator/mesos/resources/{name}/total"))?,
                offered_or_allocated: metrics
                    .gauge(format!("allocator/mesos/resources/{name}/offered_or_allocated"))?,
            })
        };
        Ok(Self {
            allocation_runs: metrics.counter("allocator/mesos/allocation_runs")?,
            allocation_run: metrics.timer("allocator/mesos/allocation_run", Some(RUN_WINDOW))?,
            allocation_run_latency: metrics
                .timer("allocator/mesos/allocation_run_latency", Some(RUN_WINDOW))?,
            _dispatches: [
                dispatches("allocator/mesos/event_queue_dispatches")?,
                dispatches("allocator/event_queue_dispatches")?,
            ],
            resources: RESOURCES.iter().map(amounts).collect::<Result<_, _>>()?,
            roles: BTreeMap::new(),
            roles_generation: 0,
            quotas: BTreeMap::new(),
            waiting: BTreeMap::new(),
        })
    }

    /// Brings the metrics in step with the allocation.
    pub(crate) fn update(
        &mut self,
        cx: &Context<AllocatorProcess>,
        allocation: &Allocation,
        quotas_changed: bool,
    ) {
        for amounts in &self.resources {
            amounts.total.set(allocation.total().get(&amounts.name).as_f64());
            amounts.offered_or_allocated.set(allocation.allocated().get(&amounts.name).as_f64());
        }
        if self.roles_generation != allocation.roles_generation() {
            self.roles_generation = allocation.roles_generation();
            self.update_roles(cx, allocation);
        }
        if quotas_changed {
            self.update_quotas(cx, allocation);
        }
    }

    /// Shows for how long a framework was offered nothing.
    pub(crate) fn add_framework(&mut self, cx: &Context<AllocatorProcess>, id: &FrameworkId) {
        let path = format!("allocator/mesos/frameworks/{}/since_last_offer_secs", id.value);
        let (pid, framework) = (cx.pid(), id.clone());
        let gauge = cx.node().metrics().pull_later(path, move || {
            let framework = framework.clone();
            let answer = pid.ask(move |process, cx| process.allocation.waiting_of(&framework, cx.now()));
            async move { answer.await.ok().flatten().map(|waiting| waiting.as_secs_f64()) }
        });
        // One that is added again has its gauge already.
        if let Ok(gauge) = gauge {
            self.waiting.insert(id.clone(), gauge);
        }
    }

    pub(crate) fn remove_framework(&mut self, id: &FrameworkId) {
        self.waiting.remove(id);
    }

    fn update_roles(&mut self, cx: &Context<AllocatorProcess>, allocation: &Allocation) {
        self.roles.retain(|name, _| allocation.role(name).is_some());
        for role in allocation.roles().filter(|role| !self.roles.contains_key(role.name)).collect::<Vec<_>>()
        {
            let name = role.name;
            let gauges = [
                role_gauge(cx, format!("allocator/mesos/roles/{name}/shares/dominant"), name, |role| {
                    role.dominant_share
                }),
                role_gauge(cx, format!("allocator/mesos/offer_filters/roles/{name}/active"), name, |role| {
                    role.active_filters as f64
                }),
            ];
            if let [Ok(share), Ok(filters)] = gauges {
                self.roles.insert(name.to_owned(), [share, filters]);
            }
        }
    }

    fn update_quotas(&mut self, cx: &Context<AllocatorProcess>, allocation: &Allocation) {
        // Their guarantees may differ, so all are made anew.
        self.quotas.clear();
        for (role, quota, _) in allocation.quotas() {
            for (name, amount) in quota.guarantee.iter() {
                let path = format!("allocator/mesos/quota/roles/{role}/resources/{name}");
                let guarantee = amount.as_f64();
                let gauges = [
                    cx.node().metrics().pull(format!("{path}/guarantee"), move || guarantee),
                    quota_gauge(cx, format!("{path}/offered_or_allocated"), role, name),
                ];
                if let [Ok(guarantee), Ok(allocated)] = gauges {
                    self.quotas.insert((role.to_owned(), name.clone()), [guarantee, allocated]);
                }
            }
        }
    }
}

fn role_gauge(
    cx: &Context<AllocatorProcess>,
    path: String,
    role: &str,
    value: fn(RoleStatus<'_>) -> f64,
) -> Result<PullGauge, DuplicateMetric> {
    let role = role.to_owned();
    ask_gauge(cx, path, move |allocation| allocation.role(&role).map(value))
}

fn quota_gauge(
    cx: &Context<AllocatorProcess>,
    path: String,
    role: &str,
    name: &Name,
) -> Result<PullGauge, DuplicateMetric> {
    let (role, name) = (role.to_owned(), name.clone());
    ask_gauge(cx, path, move |allocation| {
        let (_, allocated) = allocation.quota(&role)?;
        Some(allocated.get(&name).as_f64())
    })
}

/// A gauge whose value is asked of the process.
fn ask_gauge(
    cx: &Context<AllocatorProcess>,
    path: String,
    value: impl Fn(&Allocation) -> Option<f64> + Clone + Send + Sync + 'static,
) -> Result<PullGauge, DuplicateMetric> {
    let pid: Pid<AllocatorProcess> = cx.pid();
    cx.node().metrics().pull_later(path, move || {
        let value = value.clone();
        let answer = pid.ask(move |process, _cx| value(&process.allocation));
        async move { answer.await.ok().flatten() }
    })
}
