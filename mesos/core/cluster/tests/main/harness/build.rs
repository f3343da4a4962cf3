//! Messages for tests, and the check of the books.

use std::collections::BTreeMap;

use mesos_api::internal;
use mesos_api::v1::framework_info::{Capability, capability::Type as Capable};
use mesos_api::v1::offer::{Operation, operation};
use mesos_api::v1::resource::ReservationInfo;
use mesos_api::v1::resource::reservation_info::Type as ReservationType;
use mesos_api::v1::scheduler::{Call, call};
use mesos_api::v1::task_status::Source;
use mesos_api::v1::{
    AgentId, AgentInfo, CommandInfo, ExecutorInfo, FrameworkId, FrameworkInfo, TaskGroupInfo, TaskInfo,
    TaskState, TaskStatus, agent_info, executor_info,
};
use mesos_cluster::{AgentPeer, Cluster, ConnectionId, SchedulerPeer};
use mesos_resources::Resources;

use super::Allocator;

pub(crate) fn resources(text: &str) -> Resources {
    Resources::parse(text, "*").unwrap()
}

pub(crate) fn typed(r#type: call::Type) -> Call {
    Call { r#type: Some(r#type as i32), ..Call::default() }
}

/// A framework of the role "*" that is not special in any way.
pub(crate) fn plain() -> FrameworkInfo {
    FrameworkInfo { user: "nobody".into(), name: "plain".into(), ..FrameworkInfo::default() }
}

pub(crate) fn capable(capabilities: &[Capable]) -> FrameworkInfo {
    let capabilities =
        capabilities.iter().map(|capability| Capability { r#type: Some(*capability as i32) }).collect();
    FrameworkInfo { capabilities, ..plain() }
}

pub(crate) fn partition_aware() -> FrameworkInfo {
    capable(&[Capable::PartitionAware])
}

pub(crate) fn driver(connection: ConnectionId) -> SchedulerPeer {
    SchedulerPeer::Pid { connection, pid: format!("scheduler-{}@10.1.0.1:6000", connection.0) }
}

pub(crate) fn peer(connection: ConnectionId) -> AgentPeer {
    AgentPeer {
        connection,
        pid: format!("slave(1)@10.0.0.{}:5051", connection.0),
        ip: format!("10.0.0.{}", connection.0),
    }
}

pub(crate) fn register_message(connection: ConnectionId, text: &str) -> internal::RegisterSlaveMessage {
    use agent_info::capability::Type;
    let capabilities = [Type::MultiRole, Type::HierarchicalRole, Type::ReservationRefinement];
    internal::RegisterSlaveMessage {
        slave: AgentInfo {
            hostname: format!("host{}", connection.0),
            resources: resources(text).to_protos(),
            checkpoint: Some(true),
            ..AgentInfo::default()
        },
        version: Some("1.5.0".into()),
        agent_capabilities: capabilities
            .map(|it| agent_info::Capability { r#type: Some(it as i32) })
            .to_vec(),
        ..Default::default()
    }
}

/// A command task of `cpus:1;mem:32`.
pub(crate) fn task(id: &str, agent: &AgentId) -> TaskInfo {
    TaskInfo {
        name: id.into(),
        task_id: id.into(),
        agent_id: agent.clone(),
        resources: resources("cpus:1;mem:32").to_protos(),
        command: Some(CommandInfo { value: Some("true".into()), ..CommandInfo::default() }),
        ..TaskInfo::default()
    }
}

/// A task with an executor of `cpus:0.1;mem:32`.
pub(crate) fn executor_task(id: &str, agent: &AgentId, executor: &str) -> TaskInfo {
    TaskInfo {
        command: None,
        executor: Some(ExecutorInfo {
            executor_id: executor.into(),
            command: Some(CommandInfo::default()),
            resources: resources("cpus:0.1;mem:32").to_protos(),
            ..ExecutorInfo::default()
        }),
        ..task(id, agent)
    }
}

pub(crate) fn launch(tasks: Vec<TaskInfo>) -> Operation {
    Operation {
        r#type: Some(operation::Type::Launch as i32),
        launch: Some(operation::Launch { task_infos: tasks }),
        ..Operation::default()
    }
}

/// A group with the default executor of `cpus:0.1;mem:32;disk:32`.
pub(crate) fn launch_group(framework: &FrameworkId, executor: &str, tasks: Vec<TaskInfo>) -> Operation {
    let executor = ExecutorInfo {
        r#type: Some(executor_info::Type::Default as i32),
        executor_id: executor.into(),
        framework_id: Some(framework.clone()),
        resources: resources("cpus:0.1;mem:32;disk:32").to_protos(),
        ..ExecutorInfo::default()
    };
    Operation {
        r#type: Some(operation::Type::LaunchGroup as i32),
        launch_group: Some(operation::LaunchGroup { executor, task_group: TaskGroupInfo { tasks } }),
        ..Operation::default()
    }
}

pub(crate) fn status_update(
    framework: &FrameworkId,
    agent: &AgentId,
    task: &str,
    state: TaskState,
    latest: Option<TaskState>,
    uuid: &[u8],
) -> internal::StatusUpdate {
    internal::StatusUpdate {
        framework_id: framework.clone(),
        slave_id: Some(agent.clone()),
        status: TaskStatus {
            task_id: task.into(),
            state: state as i32,
            source: Some(Source::Executor as i32),
            uuid: Some(uuid.to_vec()),
            ..TaskStatus::default()
        },
        uuid: Some(uuid.to_vec()),
        latest_state: latest.map(|state| state as i32),
        ..Default::default()
    }
}

/// Whether all books agree: the agents', the frameworks', the offers' and the allocator's.
pub(crate) fn check_books(cluster: &Cluster, allocator: &Allocator) {
    let state = cluster.state();
    for (id, agent) in &state.agents {
        let mut held = agent.allocated() + &agent.offered;
        held.unallocate();
        assert!(agent.total.contains(&held.non_shared()), "{id} has {} and gives {held}", agent.total);
        let mut offered = Resources::new();
        for offer in &agent.offers {
            offered += &state.offers[offer].resources;
        }
        assert_eq!(offered, agent.offered, "offers of {id}");
        let mut used: BTreeMap<FrameworkId, Resources> = BTreeMap::new();
        for (framework, tasks) in &agent.tasks {
            for task in tasks {
                let task = &state.frameworks[framework].tasks[task];
                assert_eq!(task.info.agent_id, *id);
                if task.holds_resources() {
                    *used.entry(framework.clone()).or_default() += &task.resources;
                }
            }
        }
        for (framework, executors) in &agent.executors {
            for executor in executors.values() {
                let own = Resources::from_protos(executor.resources.iter().cloned()).unwrap();
                *used.entry(framework.clone()).or_default() += own;
            }
        }
        used.retain(|_, used| !used.is_empty());
        let books: BTreeMap<_, _> = agent.used.iter().map(|(id, used)| (id.clone(), used.clone())).collect();
        assert_eq!(used, books, "what is used on {id}");
        for (framework, tasks) in &agent.pending_tasks {
            for task in tasks.keys() {
                assert!(state.frameworks[framework].pending_tasks.contains_key(task));
            }
        }
    }
    for (id, framework) in &state.frameworks {
        for task in framework.tasks.values() {
            let agent = &state.agents[&task.info.agent_id];
            assert!(agent.tasks[id].contains(&task.info.task_id));
        }
        for (agent, used) in &framework.used {
            assert_eq!(state.agents[agent].used.get(id), Some(used), "what {id} uses on {agent}");
        }
        for offer in framework.offers.keys() {
            assert!(state.offers.contains_key(offer));
        }
        assert!(framework.is_active() || framework.offers.is_empty(), "{id} is away and has offers");
        for role in &framework.roles {
            assert!(state.roles[role].contains_key(id));
        }
    }
    for (role, frameworks) in &state.roles {
        for id in frameworks.keys() {
            let framework = &state.frameworks[id];
            let holds = framework.used.values().any(|used| used.allocations().contains_key(role));
            assert!(framework.roles.contains(role) || holds, "{id} is listed under {role}");
        }
    }
    for (id, offer) in &state.offers {
        assert!(state.agents[&offer.agent].offers.contains(id));
        assert!(state.frameworks[&offer.framework].offers.contains_key(id));
    }
    let active: Vec<_> = state.frameworks.values().map(|it| (it.id.clone(), it.is_active())).collect();
    assert_eq!(allocator.frameworks.clone().into_iter().collect::<Vec<_>>(), active);
    for (id, book) in &allocator.agents {
        let agent = &state.agents[id];
        assert_eq!(book.active, agent.is_active(), "{id}");
        assert_eq!(book.total, agent.total, "total of {id}");
    }
    assert_eq!(allocator.agents.len(), state.agents.len());
}

/// Whether what the allocator counts as allocated is what is used or offered: nothing waits for the
/// authorizer.
pub(crate) fn check_allocated(cluster: &Cluster, allocator: &Allocator) {
    let state = cluster.state();
    let mut expected: BTreeMap<(FrameworkId, AgentId), Resources> = BTreeMap::new();
    for (id, framework) in &state.frameworks {
        for (agent, used) in &framework.used {
            *expected.entry((id.clone(), agent.clone())).or_default() += used;
        }
        for (agent, offered) in &framework.offered {
            *expected.entry((id.clone(), agent.clone())).or_default() += offered;
        }
    }
    assert_eq!(allocator.allocated, expected);
}

/// A dynamic reservation for a role, by nobody.
pub(crate) fn dynamic(role: &str) -> ReservationInfo {
    ReservationInfo {
        r#type: Some(ReservationType::Dynamic as i32),
        role: Some(role.into()),
        ..ReservationInfo::default()
    }
}
