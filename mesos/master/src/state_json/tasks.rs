//! `/tasks`.

use std::sync::Arc;

use mesos_cluster::{Framework, Task};
use mesos_daemon::model;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::seq::Seq;
use crate::authorization::Visibility;
use crate::view::View;

/// Whether the oldest tasks come first, or the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

/// The tasks of all frameworks by the time of their first status, page by page.
pub(crate) struct Tasks<'a> {
    pub(crate) view: &'a View,
    pub(crate) visibility: &'a Visibility,
    pub(crate) framework: Option<&'a str>,
    pub(crate) task: Option<&'a str>,
    pub(crate) order: Order,
    pub(crate) offset: usize,
    /// How many at most; `None` for all.
    pub(crate) limit: Option<usize>,
}

impl<'a> Tasks<'a> {
    /// All tasks that are asked for and may be seen, sorted.
    fn sorted(&self) -> Vec<&'a Task> {
        let snapshot = &self.view.snapshot;
        let mut tasks: Vec<&Task> = Vec::new();
        for framework in snapshot.frameworks.values().chain(snapshot.completed_frameworks.values()) {
            if self.framework.is_none_or(|id| id == framework.id.value)
                && self.visibility.framework(&framework.info)
            {
                self.add(framework, &mut tasks);
            }
        }
        let time = |task: &&Task| task.info.statuses.first().and_then(|status| status.timestamp);
        // A task without a status is older than any.
        let compare = |a: &&Task, b: &&Task| match (time(a), time(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        match self.order {
            Order::Ascending => tasks.sort_by(compare),
            Order::Descending => tasks.sort_by(|a, b| compare(b, a)),
        }
        tasks
    }

    fn add(&self, framework: &'a Framework, tasks: &mut Vec<&'a Task>) {
        let is_wanted = |task: &&'a Arc<Task>| {
            self.task.is_none_or(|id| id == task.info.task_id.value)
                && self.visibility.task(task, &framework.info)
        };
        tasks.extend(framework.tasks.values().filter(is_wanted).map(|task| &**task));
        tasks.extend(framework.unreachable_tasks.values().filter(is_wanted).map(|task| &**task));
        tasks.extend(framework.completed_tasks.values().filter(is_wanted).map(|task| &**task));
    }
}

impl Serialize for Tasks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tasks = self.sorted();
        let page = || {
            let page = tasks.iter().skip(self.offset).take(self.limit.unwrap_or(usize::MAX));
            page.map(|task| model::Task(&task.info))
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("tasks", &Seq(page))?;
        map.end()
    }
}
