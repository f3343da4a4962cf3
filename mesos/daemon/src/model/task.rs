//! Tasks and their states.

use mesos_api::v1;
use mesos_api::v1::TaskState;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::resources::Resources;
use super::value::{Labels, Proto};

/// A task that runs or ran.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a>(pub &'a v1::Task);

impl Serialize for Task<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let task = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &task.task_id.value)?;
        map.serialize_entry("name", &task.name)?;
        map.serialize_entry("framework_id", &task.framework_id.value)?;
        map.serialize_entry("executor_id", task.executor_id.as_ref().map_or("", |id| &id.value))?;
        map.serialize_entry("slave_id", &task.agent_id.value)?;
        map.serialize_entry("state", task.state().as_str_name())?;
        map.serialize_entry("resources", &Resources::from(&task.resources[..]))?;
        map.serialize_entry("role", role_of(&task.resources))?;
        let statuses: Vec<TaskStatus<'_>> = task.statuses.iter().map(TaskStatus).collect();
        map.serialize_entry("statuses", &statuses)?;
        if let Some(user) = &task.user {
            map.serialize_entry("user", user)?;
        }
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

/// A task that a framework has launched and that is not with its agent yet: it is staging.
#[derive(Clone, Copy, Debug)]
pub struct PendingTask<'a> {
    /// The task.
    pub task: &'a v1::TaskInfo,
    /// Whose it is.
    pub framework_id: &'a v1::FrameworkId,
}

impl Serialize for PendingTask<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let task = self.task;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &task.task_id.value)?;
        map.serialize_entry("name", &task.name)?;
        map.serialize_entry("framework_id", &self.framework_id.value)?;
        let executor_id = task.executor.as_ref().map_or("", |executor| &executor.executor_id.value);
        map.serialize_entry("executor_id", executor_id)?;
        map.serialize_entry("slave_id", &task.agent_id.value)?;
        map.serialize_entry("state", TaskState::TaskStaging.as_str_name())?;
        map.serialize_entry("resources", &Resources::from(&task.resources[..]))?;
        map.serialize_entry("role", role_of(&task.resources))?;
        map.serialize_entry::<str, [(); 0]>("statuses", &[])?;
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

/// The role that resources are allocated to: all of a task's or executor's are to the same.
pub(super) fn role_of(resources: &[v1::Resource]) -> &str {
    let allocation = resources.first().and_then(|resource| resource.allocation_info.as_ref());
    allocation.map_or("*", |allocation| allocation.role())
}

/// One state that a task was in.
#[derive(Clone, Copy, Debug)]
pub struct TaskStatus<'a>(pub &'a v1::TaskStatus);

impl Serialize for TaskStatus<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let status = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("state", status.state().as_str_name())?;
        map.serialize_entry("timestamp", &status.timestamp())?;
        if let Some(labels) = &status.labels {
            map.serialize_entry("labels", &Labels(labels))?;
        }
        if let Some(container) = &status.container_status {
            map.serialize_entry("container_status", &ContainerStatus(container))?;
        }
        if let Some(healthy) = status.healthy {
            map.serialize_entry("healthy", &healthy)?;
        }
        map.end()
    }
}

/// What is known of a running container.
#[derive(Clone, Copy, Debug)]
pub struct ContainerStatus<'a>(pub &'a v1::ContainerStatus);

impl Serialize for ContainerStatus<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let status = self.0;
        let mut map = serializer.serialize_map(None)?;
        if let Some(id) = &status.container_id {
            map.serialize_entry("container_id", &Proto(id))?;
        }
        if !status.network_infos.is_empty() {
            let infos: Vec<NetworkInfo<'_>> = status.network_infos.iter().map(NetworkInfo).collect();
            map.serialize_entry("network_infos", &infos)?;
        }
        if let Some(info) = &status.cgroup_info {
            map.serialize_entry("cgroup_info", &Proto(info))?;
        }
        map.end()
    }
}

/// A container's place in a network.
#[derive(Clone, Copy, Debug)]
pub struct NetworkInfo<'a>(pub &'a v1::NetworkInfo);

impl Serialize for NetworkInfo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = self.0;
        let mut map = serializer.serialize_map(None)?;
        if !info.groups.is_empty() {
            map.serialize_entry("groups", &info.groups)?;
        }
        if let Some(labels) = &info.labels {
            map.serialize_entry("labels", &Labels(labels))?;
        }
        if !info.ip_addresses.is_empty() {
            let addresses: Vec<_> = info.ip_addresses.iter().map(Proto).collect();
            map.serialize_entry("ip_addresses", &addresses)?;
        }
        if let Some(name) = &info.name {
            map.serialize_entry("name", name)?;
        }
        if !info.port_mappings.is_empty() {
            let mappings: Vec<_> = info.port_mappings.iter().map(Proto).collect();
            map.serialize_entry("port_mappings", &mappings)?;
        }
        map.end()
    }
}
