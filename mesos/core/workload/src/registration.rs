//! What an agent tells its master about itself.

use mesos_api::internal::{RegisterSlaveMessage, ReregisterSlaveMessage, archive};
use mesos_api::v1::{self, Task, TaskState, agent_info};

use crate::Workload;
use crate::model::{Executor, ExecutorState, Framework, new_task};

/// The word by which an agent makes itself known.
#[derive(Debug, Clone, PartialEq)]
pub enum Registration {
    /// It has no id yet.
    First(Box<RegisterSlaveMessage>),
    /// It has one, and says what runs on it.
    Again(Box<ReregisterSlaveMessage>),
}

/// What an agent of this version is able to do.
pub fn capabilities() -> Vec<agent_info::Capability> {
    use agent_info::capability::Type;
    [Type::MultiRole, Type::HierarchicalRole, Type::ReservationRefinement]
        .map(|capability| agent_info::Capability { r#type: Some(capability as i32) })
        .to_vec()
}

impl Workload {
    /// The word for the master, as things stand.
    pub fn registration(&self, version: &str) -> Registration {
        let uuid = v1::Uuid { value: self.resource_version.clone() };
        if self.info.id.is_none() {
            return Registration::First(Box::new(RegisterSlaveMessage {
                slave: self.info.clone(),
                checkpointed_resources: self.checkpointed.to_protos(),
                version: Some(version.to_owned()),
                agent_capabilities: capabilities(),
                resource_version_uuid: Some(uuid),
            }));
        }
        let mut message = ReregisterSlaveMessage {
            slave: self.info.clone(),
            checkpointed_resources: self.checkpointed.to_protos(),
            version: Some(version.to_owned()),
            agent_capabilities: capabilities(),
            resource_version_uuid: Some(uuid),
            ..Default::default()
        };
        for framework in self.frameworks.values() {
            message.frameworks.push(framework.info.clone());
            let id = framework.id();
            let staging = |task| new_task(task, TaskState::TaskStaging, &id);
            message.tasks.extend(framework.pending_tasks().map(staging));
            for executor in framework.executors.values() {
                message.tasks.extend(executor.launched.values().chain(executor.terminated.values()).cloned());
                message.tasks.extend(executor.queued.iter().map(staging));
                // The master does not count those that the agent made up.
                if !executor.for_command_task && executor.state != ExecutorState::Terminated {
                    message.executor_infos.push(executor.info.clone());
                }
            }
        }
        message.completed_frameworks = self.completed.iter().map(|framework| archived(framework)).collect();
        Registration::Again(Box::new(message))
    }
}

fn archived(framework: &Framework) -> archive::Framework {
    let over = |executor: &Executor| -> Vec<Task> {
        executor.terminated.values().chain(&executor.completed).cloned().collect()
    };
    archive::Framework {
        framework_info: framework.info.clone(),
        pid: framework.pid.clone(),
        tasks: framework.completed.iter().flat_map(|executor| over(executor)).collect(),
    }
}
