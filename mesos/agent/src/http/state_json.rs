//! `/state`.

use std::collections::BTreeMap;

use mesos_api::v1;
use mesos_daemon::model::{self, AgentCapabilities, Attributes, Domain, Labels, PendingTask, ResourcesFull};
use mesos_daemon::version::version_info;
use mesos_resources::Resources;
use mesos_workload::{Executor, Framework, capabilities, framework_roles, paths::container_text};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::view::{View, Visibility};

/// The agent, as far as one may see it.
pub(super) struct StateJson<'a> {
    pub(super) view: &'a View,
    pub(super) visibility: &'a Visibility,
}

impl Serialize for StateJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.build(&mut map)?;
        self.identity(&mut map)?;
        self.resources(&mut map)?;
        self.setting(&mut map)?;
        let of = |framework| FrameworkJson { framework, visibility: self.visibility };
        let visible = |framework: &&std::sync::Arc<Framework>| self.visibility.framework(framework);
        let (now, then) =
            (self.view.workload.frameworks().values(), self.view.workload.completed_frameworks().iter());
        map.serialize_entry("frameworks", &now.filter(visible).map(|it| of(it)).collect::<Vec<_>>())?;
        map.serialize_entry(
            "completed_frameworks",
            &then.filter(visible).map(|it| of(it)).collect::<Vec<_>>(),
        )?;
        map.end()
    }
}

impl StateJson<'_> {
    fn build<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let version = version_info();
        map.serialize_entry("version", &version.version)?;
        for (name, value) in [
            ("git_sha", &version.git_sha),
            ("git_branch", &version.git_branch),
            ("git_tag", &version.git_tag),
        ] {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        map.serialize_entry("build_date", version.build_date())?;
        map.serialize_entry("build_time", &version.build_time())?;
        map.serialize_entry("build_user", version.build_user())?;
        map.serialize_entry("start_time", &self.view.setup.started.as_secs_f64())
    }

    fn identity<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let info = self.view.workload.info();
        map.serialize_entry("id", info.id.as_ref().map_or("", |id| &id.value))?;
        map.serialize_entry("pid", &self.view.upid.to_string())?;
        map.serialize_entry("hostname", &info.hostname)?;
        map.serialize_entry("capabilities", &AgentCapabilities(&capabilities()))?;
        if let Some(domain) = &info.domain {
            map.serialize_entry("domain", &Domain(domain))?;
        }
        map.serialize_entry("attributes", &Attributes(&info.attributes))?;
        if let Some(leader) = &self.view.leader {
            let hostname = leader.info.as_ref().and_then(|info| info.hostname.clone());
            let hostname = hostname.unwrap_or_else(|| leader.pid.address().ip().to_string());
            map.serialize_entry("master_hostname", &hostname)?;
        }
        Ok(())
    }

    fn resources<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let (total, used) = (self.view.workload.total(), self.view.workload.used());
        let reserved = |resources: &Resources| -> BTreeMap<String, Resources> {
            resources.reservations().into_iter().filter(|(role, _)| self.visibility.role(role)).collect()
        };
        let summed = |all: &BTreeMap<String, Resources>| -> BTreeMap<String, model::Resources> {
            all.iter().map(|(role, resources)| (role.clone(), sum(resources))).collect()
        };
        let of_total = reserved(total);
        map.serialize_entry("resources", &sum(total))?;
        map.serialize_entry("reserved_resources", &summed(&of_total))?;
        map.serialize_entry("unreserved_resources", &sum(&total.unreserved()))?;
        let full: BTreeMap<&String, ResourcesFull> =
            of_total.iter().map(|(role, resources)| (role, ResourcesFull::from(resources))).collect();
        map.serialize_entry("reserved_resources_full", &full)?;
        map.serialize_entry("unreserved_resources_full", &ResourcesFull::from(&total.unreserved()))?;
        map.serialize_entry("reserved_resources_allocated", &summed(&reserved(&used)))?;
        map.serialize_entry("unreserved_resources_allocated", &sum(&used.unreserved()))
    }

    fn setting<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        if !self.visibility.flags() {
            return Ok(());
        }
        let flags = &self.view.setup.flags;
        if let Some(log_dir) = &flags.logging.log_dir {
            map.serialize_entry("log_dir", log_dir)?;
        }
        if let Some(file) = &flags.logging.external_log_file {
            map.serialize_entry("external_log_file", file)?;
        }
        map.serialize_entry("flags", &stout::flags::to_json(flags))
    }
}

fn sum(resources: &Resources) -> model::Resources {
    model::Resources::from(&resources.to_protos()[..])
}

struct FrameworkJson<'a> {
    framework: &'a Framework,
    visibility: &'a Visibility,
}

impl Serialize for FrameworkJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = &self.framework.info;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.framework.id().value)?;
        map.serialize_entry("name", &info.name)?;
        map.serialize_entry("user", &info.user)?;
        map.serialize_entry("failover_timeout", &info.failover_timeout())?;
        map.serialize_entry("checkpoint", &info.checkpoint())?;
        map.serialize_entry("hostname", info.hostname())?;
        if let Some(principal) = &info.principal {
            map.serialize_entry("principal", principal)?;
        }
        let roles = framework_roles(info);
        if self.framework.has(v1::framework_info::capability::Type::MultiRole) {
            map.serialize_entry("roles", &roles)?;
        } else {
            map.serialize_entry("role", roles.first().unwrap_or(&"*"))?;
        }
        let of = |executor| ExecutorJson { executor, framework: self.framework, visibility: self.visibility };
        let visible =
            |executor: &&std::sync::Arc<Executor>| self.visibility.executor(executor, self.framework);
        let now = self.framework.executors.values().filter(visible).map(|executor| of(executor));
        map.serialize_entry("executors", &now.collect::<Vec<_>>())?;
        let then = self.framework.completed.iter().filter(visible).map(|executor| of(executor));
        map.serialize_entry("completed_executors", &then.collect::<Vec<_>>())?;
        map.end()
    }
}

struct ExecutorJson<'a> {
    executor: &'a Executor,
    framework: &'a Framework,
    visibility: &'a Visibility,
}

impl Serialize for ExecutorJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (executor, info) = (self.executor, &self.executor.info);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", executor.id())?;
        map.serialize_entry("name", info.name())?;
        map.serialize_entry("source", info.source())?;
        map.serialize_entry("container", &container_text(&executor.container_id))?;
        map.serialize_entry("directory", &executor.directory)?;
        map.serialize_entry("resources", &sum(&executor.allocated()))?;
        if let Some(first) = info.resources.first() {
            let role = first.allocation_info.as_ref().map_or("*", |allocation| allocation.role());
            map.serialize_entry("role", role)?;
        }
        if let Some(labels) = &info.labels {
            map.serialize_entry("labels", &Labels(labels))?;
        }
        if info.r#type.is_some() {
            map.serialize_entry("type", info.r#type().as_str_name())?;
        }
        let visible = |task: &&v1::Task| self.visibility.task(task, self.framework);
        let tasks = executor.launched.values().filter(visible).map(model::Task);
        map.serialize_entry("tasks", &tasks.collect::<Vec<_>>())?;
        let queued = executor.queued.iter().filter(|task| self.visibility.task_info(task, self.framework));
        let queued = queued.map(|task| PendingTask { task, framework_id: &executor.framework_id });
        map.serialize_entry("queued_tasks", &queued.collect::<Vec<_>>())?;
        let over = executor.completed.iter().chain(executor.terminated.values()).filter(visible);
        map.serialize_entry("completed_tasks", &over.map(model::Task).collect::<Vec<_>>())?;
        map.end()
    }
}
