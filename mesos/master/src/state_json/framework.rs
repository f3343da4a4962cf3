//! Frameworks, with their tasks, offers and executors.

use std::sync::Arc;

use mesos_cluster::{Framework, Task};
use mesos_daemon::model::{self, ExecutorInfo, FrameworkDetails, FrameworkSummary, PendingTask, Resources};
use mesos_resources::Resources as Amounts;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::seq::Seq;
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
        let full = |framework| Full::new(framework, self.visibility);
        let known = || snapshot.frameworks.values().filter(is_wanted).map(|framework| full(framework));
        map.serialize_entry("frameworks", &Seq(known))?;
        let completed =
            || snapshot.completed_frameworks.values().filter(is_wanted).map(|framework| full(framework));
        map.serialize_entry("completed_frameworks", &Seq(completed))
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
#[derive(Serialize)]
pub(super) struct Brief<'a> {
    #[serde(flatten)]
    info: FrameworkSummary<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<&'a str>,
    used_resources: Resources,
    offered_resources: Resources,
    active: bool,
    connected: bool,
    recovered: bool,
}

impl<'a> Brief<'a> {
    pub(super) fn new(framework: &'a Framework) -> Self {
        Self {
            info: FrameworkSummary(&framework.info),
            pid: framework.pid(),
            used_resources: sum(framework.used.values()),
            offered_resources: sum(framework.offered.values()),
            active: framework.is_active(),
            connected: framework.is_connected(),
            recovered: framework.is_recovered(),
        }
    }
}

fn sum<'a>(parts: impl Iterator<Item = &'a Amounts>) -> Resources {
    parts.map(Resources::from).collect()
}

/// A framework with all that it has.
struct Full<'a> {
    framework: &'a Framework,
    visibility: &'a Visibility,
}

/// The part of it that is no list.
#[derive(Serialize)]
struct Details<'a> {
    #[serde(flatten)]
    brief: Brief<'a>,
    #[serde(flatten)]
    details: FrameworkDetails<'a>,
    registered_time: f64,
    unregistered_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reregistered_time: Option<f64>,
    resources: Resources,
}

impl<'a> Full<'a> {
    fn new(framework: &'a Framework, visibility: &'a Visibility) -> Self {
        Self { framework, visibility }
    }

    fn details(&self) -> Details<'a> {
        let framework = self.framework;
        let came_back = framework.reregistered_time != framework.registered_time;
        Details {
            brief: Brief::new(framework),
            details: FrameworkDetails(&framework.info),
            registered_time: framework.registered_time.as_secs_f64(),
            unregistered_time: framework.unregistered_time.map_or(0.0, |time| time.as_secs_f64()),
            reregistered_time: came_back.then(|| framework.reregistered_time.as_secs_f64()),
            resources: sum(framework.used.values().chain(framework.offered.values())),
        }
    }

    fn tasks(&self) -> impl Iterator<Item = AnyTask<'a>> {
        let (framework, visibility) = (self.framework, self.visibility);
        let info = &framework.info;
        let pending = framework.pending_tasks.values().filter(|task| visibility.pending_task(task, info));
        let pending = pending.map(|task| AnyTask::Pending(PendingTask { task, framework_id: &framework.id }));
        pending.chain(self.shown(framework.tasks.values()).map(AnyTask::Launched))
    }

    /// The tasks that may be seen.
    fn shown(&self, tasks: impl Iterator<Item = &'a Arc<Task>>) -> impl Iterator<Item = model::Task<'a>> {
        let (framework, visibility) = (self.framework, self.visibility);
        let tasks = tasks.filter(|task| visibility.task(task, &framework.info));
        tasks.map(|task| model::Task(&task.info))
    }

    fn executors(&self) -> impl Iterator<Item = Executor<'a>> {
        let (framework, visibility) = (self.framework, self.visibility);
        framework.executors.iter().flat_map(move |(agent, executors)| {
            let executors =
                executors.values().filter(|executor| visibility.executor(executor, &framework.info));
            executors.map(|executor| Executor { info: ExecutorInfo(executor), slave_id: &agent.value })
        })
    }
}

/// A framework, written list by list.
#[derive(Serialize)]
struct Lists<'a, T, U, C, O, E> {
    #[serde(flatten)]
    details: Details<'a>,
    tasks: T,
    unreachable_tasks: U,
    completed_tasks: C,
    offers: O,
    executors: E,
}

impl Serialize for Full<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let framework = self.framework;
        Lists {
            details: self.details(),
            tasks: Seq(|| self.tasks()),
            unreachable_tasks: Seq(|| self.shown(framework.unreachable_tasks.values())),
            completed_tasks: Seq(|| self.shown(framework.completed_tasks.values())),
            offers: Seq(|| framework.offers.values().map(|offer| model::Offer(&offer.info))),
            executors: Seq(|| self.executors()),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum AnyTask<'a> {
    Pending(PendingTask<'a>),
    Launched(model::Task<'a>),
}

#[derive(Serialize)]
struct Executor<'a> {
    #[serde(flatten)]
    info: ExecutorInfo<'a>,
    slave_id: &'a str,
}
