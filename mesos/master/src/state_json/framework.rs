//! Frameworks, with their tasks, offers and executors.

use std::sync::Arc;

use mesos_api::v1::{ExecutorInfo, TaskInfo};
use mesos_cluster::{Framework, Offer, Task};
use mesos_daemon::model::{self, Entries, Labels, Proto, Resources, Seq};
use mesos_resources::Resources as Amounts;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::authorization::Visibility;
use crate::view::View;

/// `/frameworks`.
pub(crate) struct Frameworks<'a> {
    pub(crate) view: &'a View,
    pub(crate) visibility: &'a Visibility,
    /// Only this framework.
    pub(crate) only: Option<&'a str>,
}

impl Frameworks<'_> {
    /// The two lists that `/state` has as well.
    pub(super) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let snapshot = &self.view.snapshot;
        let is_wanted = |framework: &&Arc<Framework>| {
            self.only.is_none_or(|only| only == framework.id.value)
                && self.visibility.framework(&framework.info)
        };
        let full = |framework| Full { framework, visibility: self.visibility };
        map.serialize_entry(
            "frameworks",
            &Seq(snapshot.frameworks.values().filter(is_wanted).map(|it| full(it))),
        )?;
        let completed: Vec<_> = snapshot.completed_frameworks.values().filter(is_wanted).collect();
        map.serialize_entry("completed_frameworks", &Seq(completed.into_iter().map(|it| full(it))))
    }
}

impl Serialize for Frameworks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        // Long gone, but clients look for it.
        map.serialize_entry("unregistered_frameworks", &[(); 0])?;
        map.end()
    }
}

/// A framework without its tasks.
pub(super) struct Brief<'a>(pub(super) &'a Framework);

impl Brief<'_> {
    pub(super) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let framework = self.0;
        map.serialize_entry("id", &framework.id.value)?;
        map.serialize_entry("name", &framework.info.name)?;
        if let Some(pid) = framework.pid() {
            map.serialize_entry("pid", pid)?;
        }
        map.serialize_entry("used_resources", &Resources(&sum(framework.used.values())))?;
        map.serialize_entry("offered_resources", &Resources(&sum(framework.offered.values())))?;
        let capabilities = framework.info.capabilities.iter();
        map.serialize_entry(
            "capabilities",
            &Seq(capabilities.map(|capability| capability.r#type().as_str_name())),
        )?;
        map.serialize_entry("hostname", framework.info.hostname())?;
        map.serialize_entry("webui_url", framework.info.webui_url())?;
        map.serialize_entry("active", &framework.is_active())?;
        map.serialize_entry("connected", &framework.is_connected())?;
        map.serialize_entry("recovered", &framework.is_recovered())
    }
}

fn sum<'a>(parts: impl Iterator<Item = &'a Amounts>) -> Amounts {
    let mut sum = Amounts::new();
    parts.for_each(|part| sum += part);
    sum
}

/// A framework with all that it has.
#[derive(Clone, Copy)]
struct Full<'a> {
    framework: &'a Framework,
    visibility: &'a Visibility,
}

impl Serialize for Full<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let framework = self.framework;
        let info = &framework.info;
        let mut map = serializer.serialize_map(None)?;
        Brief(framework).write(&mut map)?;
        map.serialize_entry("user", &info.user)?;
        map.serialize_entry("failover_timeout", &info.failover_timeout())?;
        map.serialize_entry("checkpoint", &info.checkpoint())?;
        map.serialize_entry("registered_time", &framework.registered_time.as_secs_f64())?;
        let unregistered = framework.unregistered_time.map_or(0.0, |time| time.as_secs_f64());
        map.serialize_entry("unregistered_time", &unregistered)?;
        if let Some(principal) = &info.principal {
            map.serialize_entry("principal", principal)?;
        }
        let held = sum(framework.used.values().chain(framework.offered.values()));
        map.serialize_entry("resources", &Resources(&held))?;
        if framework.reregistered_time != framework.registered_time {
            map.serialize_entry("reregistered_time", &framework.reregistered_time.as_secs_f64())?;
        }
        if framework.capabilities.multi_role {
            map.serialize_entry("roles", &info.roles)?;
        } else {
            map.serialize_entry("role", info.role())?;
        }
        self.write_tasks(&mut map)?;
        map.serialize_entry("offers", &Seq(framework.offers.values().map(|offer| OfferEntry(offer))))?;
        map.serialize_entry("executors", &Seq(self.executors()))?;
        if let Some(labels) = &info.labels {
            map.serialize_entry("labels", &Labels(labels))?;
        }
        map.end()
    }
}

impl<'a> Full<'a> {
    fn write_tasks<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let (framework, visibility) = (self.framework, self.visibility);
        let info = &framework.info;
        let pending = framework.pending_tasks.values().filter(|task| visibility.pending_task(task, info));
        let pending = pending.map(|task| AnyTask::Pending(Pending { framework, task }));
        let shown = |task: &&'a Arc<Task>| visibility.task(task, info);
        let launched = framework.tasks.values().filter(shown).map(|task| AnyTask::Launched(entry(task)));
        map.serialize_entry("tasks", &Seq(pending.chain(launched)))?;
        let unreachable: Vec<_> = framework.unreachable_tasks.values().filter(shown).collect();
        map.serialize_entry("unreachable_tasks", &Seq(unreachable.into_iter().map(|task| entry(task))))?;
        let completed: Vec<_> = framework.completed_tasks.values().filter(shown).collect();
        map.serialize_entry("completed_tasks", &Seq(completed.into_iter().map(|task| entry(task))))
    }

    fn executors(&self) -> impl Iterator<Item = Executor<'a>> + Clone + use<'a> {
        let (framework, visibility) = (self.framework, self.visibility);
        framework.executors.iter().flat_map(move |(agent, executors)| {
            let executors =
                executors.values().filter(|executor| visibility.executor(executor, &framework.info));
            executors.map(move |executor| Executor { agent: &agent.value, executor })
        })
    }
}

/// A task as a document entry.
pub(super) fn entry(task: &Task) -> model::Task<'_> {
    model::Task { task: &task.info, resources: &task.resources }
}

#[derive(Serialize)]
#[serde(untagged)]
enum AnyTask<'a> {
    Pending(Pending<'a>),
    Launched(model::Task<'a>),
}

/// A task that waits for its authorization, which looks like one that is staging.
struct Pending<'a> {
    framework: &'a Framework,
    task: &'a TaskInfo,
}

impl Serialize for Pending<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let task = self.task;
        let resources = Amounts::from_protos(task.resources.iter().cloned()).unwrap_or_default();
        let role = resources.iter().next().and_then(|resource| resource.allocation_role()).unwrap_or("*");
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &task.task_id.value)?;
        map.serialize_entry("name", &task.name)?;
        map.serialize_entry("framework_id", &self.framework.id.value)?;
        let executor = task.executor.as_ref().map_or("", |executor| &executor.executor_id.value);
        map.serialize_entry("executor_id", executor)?;
        map.serialize_entry("slave_id", &task.agent_id.value)?;
        map.serialize_entry("state", "TASK_STAGING")?;
        map.serialize_entry("resources", &Resources(&resources))?;
        map.serialize_entry("role", role)?;
        map.serialize_entry("statuses", &[(); 0])?;
        if let Some(labels) = &task.labels {
            map.serialize_entry("labels", &Labels(labels))?;
        }
        if let Some(discovery) = &task.discovery {
            map.serialize_entry("discovery", &Proto(discovery))?;
        }
        if let Some(container) = &task.container {
            map.serialize_entry("container", &Proto(container))?;
        }
        map.end()
    }
}

struct OfferEntry<'a>(&'a Offer);

impl Serialize for OfferEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let offer = self.0;
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("id", &offer.id.value)?;
        map.serialize_entry("framework_id", &offer.framework.value)?;
        map.serialize_entry("allocation_info", &Entries([("role", &offer.role)]))?;
        map.serialize_entry("slave_id", &offer.agent.value)?;
        map.serialize_entry("resources", &Resources(&offer.resources))?;
        map.end()
    }
}

#[derive(Serialize)]
struct Executor<'a> {
    #[serde(flatten, serialize_with = "executor")]
    executor: &'a ExecutorInfo,
    #[serde(rename = "slave_id")]
    agent: &'a str,
}

fn executor<S: Serializer>(info: &ExecutorInfo, serializer: S) -> Result<S::Ok, S::Error> {
    model::Executor(info).serialize(serializer)
}
