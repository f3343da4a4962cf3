//! What an action is done to.

use std::fmt;
use std::sync::Arc;

use mesos_api::v1::quota::QuotaInfo;
use mesos_api::v1::{
    CommandInfo, ContainerId, ExecutorInfo, FrameworkInfo, MachineId, Resource, Task, TaskInfo, WeightInfo,
};

/// What an action is done to; the empty object stands for any.
///
/// An object may have several parts, such as a task and its framework, from which an authorizer
/// takes what it needs. The parts are shared, so that making an object costs no copy of them.
///
/// ```
/// use mesos_access::Object;
/// use mesos_api::v1::FrameworkInfo;
///
/// let framework = FrameworkInfo { user: "root".to_owned(), ..Default::default() };
/// let object = Object::any().with_framework(framework);
/// assert!(!object.is_any());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Object {
    /// A name: a role, a principal, a path.
    pub value: Option<Arc<str>>,
    /// A framework.
    pub framework: Option<Arc<FrameworkInfo>>,
    /// A task that runs or ran.
    pub task: Option<Arc<Task>>,
    /// A task to be launched.
    pub task_info: Option<Arc<TaskInfo>>,
    /// An executor.
    pub executor: Option<Arc<ExecutorInfo>>,
    /// The quota of a role.
    pub quota: Option<Arc<QuotaInfo>>,
    /// The weight of a role.
    pub weight: Option<Arc<WeightInfo>>,
    /// A resource.
    pub resource: Option<Arc<Resource>>,
    /// A command.
    pub command: Option<Arc<CommandInfo>>,
    /// A container.
    pub container: Option<Arc<ContainerId>>,
    /// A machine.
    pub machine: Option<Arc<MachineId>>,
}

/// A method for each part.
macro_rules! parts {
    ($( $method:ident $field:ident: $part:ty, $what:literal; )*) => {
        impl Object {
            $(
                #[doc = concat!("The object with ", $what, ".")]
                #[must_use]
                pub fn $method(mut self, part: impl Into<Arc<$part>>) -> Object {
                    self.$field = Some(part.into());
                    self
                }
            )*
        }
    };
}

parts! {
    with_framework framework: FrameworkInfo, "a framework";
    with_task task: Task, "a task that runs or ran";
    with_task_info task_info: TaskInfo, "a task to be launched";
    with_executor executor: ExecutorInfo, "an executor";
    with_quota quota: QuotaInfo, "the quota of a role";
    with_weight weight: WeightInfo, "the weight of a role";
    with_resource resource: Resource, "a resource";
    with_command command: CommandInfo, "a command";
    with_container container: ContainerId, "a container";
    with_machine machine: MachineId, "a machine";
}

impl Object {
    /// Any object.
    #[must_use]
    pub fn any() -> Object {
        Object::default()
    }

    /// An object that is told by its name.
    #[must_use]
    pub fn of_value(value: impl Into<Arc<str>>) -> Object {
        Object { value: Some(value.into()), ..Object::default() }
    }

    /// Whether the object stands for any.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self == Object::default()
    }
}

/// Short, for messages: the first part that can be named.
impl fmt::Display for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: [Option<(&str, &str)>; 8] = [
            self.value.as_ref().map(|value| ("", &**value)),
            self.task.as_ref().map(|task| ("task ", task.task_id.value.as_str())),
            self.task_info.as_ref().map(|task| ("task ", task.task_id.value.as_str())),
            self.executor.as_ref().map(|executor| ("executor ", executor.executor_id.value.as_str())),
            self.container.as_ref().map(|container| ("container ", container.value.as_str())),
            self.framework.as_ref().map(|framework| ("framework ", framework.name.as_str())),
            self.resource.as_ref().map(|resource| ("resource ", resource.name.as_str())),
            self.machine.as_ref().map(|machine| ("machine ", machine.hostname())),
        ];
        match named.into_iter().flatten().next() {
            Some((kind, name)) => write!(formatter, "{kind}'{name}'"),
            None if self.is_any() => formatter.write_str("any object"),
            None => formatter.write_str("an object"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_names_the_object_best_is_shown() {
        let framework =
            Object::any().with_framework(FrameworkInfo { name: "f".to_owned(), ..Default::default() });
        assert_eq!(framework.to_string(), "framework 'f'");
        assert_eq!(framework.with_task(Task::default()).to_string(), "task ''");
        assert_eq!(Object::any().to_string(), "any object");
        assert_eq!(Object::any().with_weight(WeightInfo::default()).to_string(), "an object");
    }
}
