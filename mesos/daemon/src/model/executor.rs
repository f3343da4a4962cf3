//! Executors and commands.

use mesos_api::v1;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use super::resources::Resources;
use super::task::role_of;
use super::value::{Labels, Proto};

/// An executor.
#[derive(Clone, Copy, Debug)]
pub struct ExecutorInfo<'a>(pub &'a v1::ExecutorInfo);

impl Serialize for ExecutorInfo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let executor = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("executor_id", &executor.executor_id.value)?;
        map.serialize_entry("name", executor.name())?;
        map.serialize_entry("framework_id", executor.framework_id.as_ref().map_or("", |id| &id.value))?;
        let none = v1::CommandInfo::default();
        map.serialize_entry("command", &CommandInfo(executor.command.as_ref().unwrap_or(&none)))?;
        map.serialize_entry("resources", &Resources::from(&executor.resources[..]))?;
        if !executor.resources.is_empty() {
            map.serialize_entry("role", role_of(&executor.resources))?;
        }
        if let Some(labels) = &executor.labels {
            map.serialize_entry("labels", &Labels(labels))?;
        }
        if executor.r#type.is_some() {
            map.serialize_entry("type", executor.r#type().as_str_name())?;
        }
        map.end()
    }
}

/// A command.
#[derive(Clone, Copy, Debug)]
pub struct CommandInfo<'a>(pub &'a v1::CommandInfo);

impl Serialize for CommandInfo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let command = self.0;
        let mut map = serializer.serialize_map(None)?;
        if let Some(shell) = command.shell {
            map.serialize_entry("shell", &shell)?;
        }
        if let Some(value) = &command.value {
            map.serialize_entry("value", value)?;
        }
        map.serialize_entry("argv", &command.arguments)?;
        if let Some(environment) = &command.environment {
            map.serialize_entry("environment", &Proto(environment))?;
        }
        let uri = |uri: &v1::command_info::Uri| json!({ "value": uri.value, "executable": uri.executable() });
        let uris: Vec<_> = command.uris.iter().map(uri).collect();
        map.serialize_entry("uris", &uris)?;
        map.end()
    }
}
