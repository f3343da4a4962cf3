//! The container of a task: how it is described, found, and how its end is read.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use mesos_api::v1::environment::{Variable, variable};
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::volume::{Source, source};
use mesos_api::v1::{
    CommandInfo, ContainerId, ContainerInfo, TaskInfo, TaskState, TaskStatus, Volume, container_info,
};

use crate::nested::Ended;
use crate::tasks;

/// The task's command, which also learns the address of the container that it shares.
pub(super) fn command(task: &TaskInfo, ip: &str) -> Option<CommandInfo> {
    let mut command = task.command.clone().unwrap_or_default();
    let variable = Variable {
        name: "MESOS_CONTAINER_IP".to_owned(),
        r#type: Some(variable::Type::Value as i32),
        value: Some(ip.to_owned()),
        secret: None,
    };
    command.environment.get_or_insert_default().variables.push(variable);
    Some(command)
}

/// The task's container, in which its persistent volumes lead to the executor's: only that can have
/// resources.
pub(super) fn container(task: &TaskInfo) -> Option<ContainerInfo> {
    let volumes = task.resources.iter().filter_map(|resource| resource.disk.as_ref()?.volume.as_ref());
    let volumes: Vec<Volume> = volumes.map(of_parent).collect();
    if volumes.is_empty() {
        return task.container.clone();
    }
    let mesos = || ContainerInfo { r#type: container_info::Type::Mesos as i32, ..ContainerInfo::default() };
    let mut container = task.container.clone().unwrap_or_else(mesos);
    container.volumes.extend(volumes);
    Some(container)
}

fn of_parent(volume: &Volume) -> Volume {
    let sandbox_path = source::SandboxPath {
        r#type: Some(source::sandbox_path::Type::Parent as i32),
        path: volume.container_path.clone(),
    };
    Volume {
        mode: volume.mode,
        container_path: volume.container_path.clone(),
        source: Some(Source {
            r#type: Some(source::Type::SandboxPath as i32),
            sandbox_path: Some(sandbox_path),
            ..Source::default()
        }),
        ..Volume::default()
    }
}

/// Makes `tasks/<task id>` lead to the sandbox of the task's container.
pub(super) fn link(sandbox: &Path, task: &TaskInfo, container_id: &ContainerId) -> io::Result<()> {
    let tasks = sandbox.join("tasks");
    match std::fs::create_dir(&tasks) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let link = tasks.join(&task.task_id.value);
    // A task id is free again once its task has ended.
    stout::fs::remove_file(&link)?;
    symlink(sandbox.join("containers").join(&container_id.value), link)
}

/// Says in a status how the task's container ended. What the agent says about the state wins: it
/// knows of limits.
pub(super) fn tell_end(status: &mut TaskStatus, ended: Option<&Ended>, killed: bool) {
    let state = |fallback| if killed { TaskState::TaskKilled } else { fallback };
    let Some(ended) = ended else {
        status.state = state(TaskState::TaskFailed) as i32;
        status.message = Some("The agent does not know how the task's container ended".to_owned());
        return;
    };
    match ended.exit_status {
        Some(exit_status) => {
            let fallback = if exit_status == 0 { TaskState::TaskFinished } else { TaskState::TaskFailed };
            status.state = state(fallback) as i32;
            status.message = Some(format!("Command {}", tasks::describe(exit_status)));
            if status.state() == TaskState::TaskFailed {
                status.reason = Some(Reason::CommandExecutorFailed as i32);
            }
        }
        None => {
            status.state = state(TaskState::TaskFailed) as i32;
            status.message = Some("Command terminated with unknown status".to_owned());
        }
    }
    if let Some(told) = ended.state {
        status.state = told;
    }
    status.reason = ended.reason.or(status.reason);
    status.limitation.clone_from(&ended.limitation);
    if let (Some(message), Some(cause)) = (&mut status.message, &ended.message) {
        message.push_str(": ");
        message.push_str(cause);
    }
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::resource::DiskInfo;
    use mesos_api::v1::volume::Mode;
    use mesos_api::v1::{Resource, TaskResourceLimitation};

    use super::*;

    #[test]
    fn end_is_read_from_the_exit_status_or_what_the_agent_says() {
        let told = |ended: Option<Ended>, killed| {
            let mut status = TaskStatus::default();
            tell_end(&mut status, ended.as_ref(), killed);
            (status.state(), status.reason, status.message.unwrap())
        };
        let exited = |exit_status| Some(Ended { exit_status: Some(exit_status), ..Ended::default() });
        assert_eq!(
            told(exited(0), false),
            (TaskState::TaskFinished, None, "Command exited with status 0".into())
        );
        let failed = Some(Reason::CommandExecutorFailed as i32);
        assert_eq!(
            told(exited(256), false),
            (TaskState::TaskFailed, failed, "Command exited with status 1".into())
        );
        assert_eq!(told(exited(0), true).0, TaskState::TaskKilled);
        assert_eq!(told(exited(15), true).1, None);
        assert_eq!(told(None, false).0, TaskState::TaskFailed);
        assert_eq!(told(Some(Ended::default()), false).2, "Command terminated with unknown status");
        let memory = Reason::ContainerLimitationMemory as i32;
        let limited = Ended {
            exit_status: Some(9),
            state: Some(TaskState::TaskFailed as i32),
            reason: Some(memory),
            message: Some("too much".into()),
            limitation: Some(TaskResourceLimitation::default()),
        };
        assert_eq!(
            told(Some(limited), true),
            (TaskState::TaskFailed, Some(memory), "Command terminated with signal Killed: too much".into())
        );
    }

    #[test]
    fn persistent_volumes_lead_to_the_executors_sandbox() {
        let volume = Volume { mode: Mode::Rw as i32, container_path: "data".into(), ..Volume::default() };
        let disk = DiskInfo { volume: Some(volume), ..DiskInfo::default() };
        let resources = vec![Resource { disk: Some(disk), ..Resource::default() }, Resource::default()];
        let container = container(&TaskInfo { resources, ..TaskInfo::default() }).unwrap();
        assert_eq!(container.r#type(), container_info::Type::Mesos);
        let sandbox_path = container.volumes[0].source.as_ref().unwrap().sandbox_path.as_ref().unwrap();
        assert_eq!(sandbox_path.path, "data");
        assert_eq!(sandbox_path.r#type(), source::sandbox_path::Type::Parent);
        assert_eq!(super::container(&TaskInfo::default()), None);
    }

    #[test]
    fn task_is_found_by_its_id() {
        let sandbox = tempfile::tempdir().unwrap();
        let task = TaskInfo { task_id: "t".into(), ..TaskInfo::default() };
        for name in ["one", "two"] {
            std::fs::create_dir_all(sandbox.path().join("containers").join(name)).unwrap();
            link(sandbox.path(), &task, &ContainerId::from(name)).unwrap();
        }
        let target = std::fs::read_link(sandbox.path().join("tasks/t")).unwrap();
        assert_eq!(target, sandbox.path().join("containers/two"));
    }

    #[test]
    fn command_learns_the_address() {
        let variables = command(&TaskInfo::default(), "10.0.0.1").unwrap().environment.unwrap().variables;
        assert_eq!((variables[0].name.as_str(), variables[0].value()), ("MESOS_CONTAINER_IP", "10.0.0.1"));
    }
}
