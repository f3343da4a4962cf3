//! The executor that an agent makes up for a task that has only a command.

use mesos_api::v1::{
    self, CommandInfo, DurationInfo, ExecutorInfo, FrameworkInfo, Resource, TaskInfo, container_info, value,
};

use crate::{Options, options::Program};

/// What such an executor uses for itself, in cores.
pub const EXECUTOR_CPUS: f64 = 0.1;

/// What such an executor uses for itself, in MB.
pub const EXECUTOR_MEM: f64 = 32.0;

/// How long an executor may need beyond the task's grace period to see that the task has ended: one
/// second to notice it and one to tell.
const REAP_NANOS: i64 = 2_000_000_000;

/// How much of a command is shown in the executor's name.
const COMMAND_CHARS_MAX: usize = 15;

/// The executor for a task: the one it names, or one that runs its command.
pub fn executor_for(options: &Options, framework: &FrameworkInfo, task: &TaskInfo) -> ExecutorInfo {
    if let Some(executor) = &task.executor {
        return executor.clone();
    }
    let command = task.command.clone().unwrap_or_default();
    let grace = task.kill_policy.as_ref().and_then(|policy| policy.grace_period.as_ref());
    ExecutorInfo {
        executor_id: v1::ExecutorId { value: task.task_id.value.clone() },
        framework_id: framework.id.clone(),
        container: task.container.clone(),
        name: Some(format!("Command Executor (Task: {}) {}", task.task_id.value, shown(&command))),
        source: Some(task.task_id.value.clone()),
        labels: task.labels.clone(),
        discovery: task.discovery.clone(),
        shutdown_grace_period: grace
            .map(|period| DurationInfo { nanoseconds: period.nanoseconds.saturating_add(REAP_NANOS) }),
        command: Some(executor_command(options, framework, task, &command)),
        resources: overhead(task),
        ..ExecutorInfo::default()
    }
}

/// The command of an executor that runs task groups.
pub fn default_executor_command(options: &Options, user: Option<&str>) -> CommandInfo {
    let mut command = run(&options.default_executor, "mesos-default-executor");
    command.arguments.push(format!("--launcher_dir={}", options.launcher_dir.display()));
    command.user = user.map(str::to_owned);
    command
}

fn executor_command(
    options: &Options,
    framework: &FrameworkInfo,
    task: &TaskInfo,
    command: &CommandInfo,
) -> CommandInfo {
    let mut executor = run(&options.command_executor, "mesos-executor");
    executor.arguments.push(format!("--launcher_dir={}", options.launcher_dir.display()));
    let image = task.container.as_ref().filter(|container| container.r#type() == container_info::Type::Mesos);
    if image.and_then(|container| container.mesos.as_ref()).is_some_and(|mesos| mesos.image.is_some()) {
        executor.arguments.push(format!("--sandbox_directory={}", options.sandbox_directory));
        if options.switch_user {
            let user = command.user.as_deref().unwrap_or(&framework.user);
            executor.arguments.push(format!("--user={user}"));
        }
    }
    // The executor fetches for the task and passes its environment on.
    executor.uris.clone_from(&command.uris);
    executor.environment.clone_from(&command.environment);
    executor.user.clone_from(&command.user);
    executor
}

fn run(program: &Program, name: &str) -> CommandInfo {
    let mut arguments = vec![name.to_owned()];
    arguments.extend_from_slice(&program.arguments);
    CommandInfo {
        shell: Some(false),
        value: Some(program.path.to_string_lossy().into_owned()),
        arguments,
        ..CommandInfo::default()
    }
}

fn shown(command: &CommandInfo) -> String {
    let shell = command.shell.unwrap_or(true);
    match (&command.value, shell) {
        (None, true) => "(Command: NO COMMAND)".to_owned(),
        (None, false) => "(Command: NO EXECUTABLE)".to_owned(),
        (Some(value), true) => format!("(Command: sh -c '{}')", shortened(value)),
        (Some(value), false) => {
            let words = format!("{value}, {}", command.arguments.join(", "));
            format!("(Command: [{}])", shortened(&words))
        }
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= COMMAND_CHARS_MAX {
        return text.to_owned();
    }
    let kept: String = text.chars().take(COMMAND_CHARS_MAX - 3).collect();
    format!("{kept}...")
}

fn overhead(task: &TaskInfo) -> Vec<Resource> {
    let allocation = task.resources.iter().find_map(|resource| resource.allocation_info.clone());
    [("cpus", EXECUTOR_CPUS), ("mem", EXECUTOR_MEM)]
        .map(|(name, amount)| Resource {
            name: name.to_owned(),
            r#type: value::Type::Scalar as i32,
            scalar: Some(scalar(amount)),
            allocation_info: allocation.clone(),
            ..Resource::default()
        })
        .to_vec()
}

fn scalar(value: f64) -> value::Scalar {
    value::Scalar { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(command: CommandInfo) -> TaskInfo {
        TaskInfo {
            name: "t".into(),
            task_id: v1::TaskId { value: "t1".into() },
            command: Some(command),
            ..TaskInfo::default()
        }
    }

    fn name_of(shell: bool, value: Option<&str>, arguments: &[&str]) -> String {
        let command = CommandInfo {
            shell: Some(shell),
            value: value.map(str::to_owned),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            ..CommandInfo::default()
        };
        let options = Options::new("/w", "127.0.0.1:5051");
        executor_for(&options, &FrameworkInfo::default(), &task(command)).name.unwrap_or_default()
    }

    #[test]
    fn the_name_shows_the_beginning_of_the_command() {
        for (found, expected) in [
            (name_of(true, Some("echo hello"), &[]), "(Command: sh -c 'echo hello')"),
            (name_of(true, Some("echo hello world and all"), &[]), "(Command: sh -c 'echo hello w...')"),
            (name_of(true, None, &[]), "(Command: NO COMMAND)"),
            (name_of(false, None, &[]), "(Command: NO EXECUTABLE)"),
            (name_of(false, Some("ls"), &["ls", "-l"]), "(Command: [ls, ls, -l])"),
            (name_of(true, Some("äöüäöüäöüäöüäöüäöü"), &[]), "(Command: sh -c 'äöüäöüäöüäöü...')"),
        ] {
            assert_eq!(found, format!("Command Executor (Task: t1) {expected}"));
        }
    }

    #[test]
    fn the_executor_takes_a_little_for_itself_from_the_role_of_the_task() {
        let mut task = task(CommandInfo::default());
        task.resources = vec![Resource {
            name: "cpus".into(),
            allocation_info: Some(v1::resource::AllocationInfo { role: Some("web".into()) }),
            ..Resource::default()
        }];
        let options = Options::new("/w", "127.0.0.1:5051");
        let executor = executor_for(&options, &FrameworkInfo::default(), &task);
        let amounts: Vec<_> = executor
            .resources
            .iter()
            .map(|resource| {
                let role = resource.allocation_info.as_ref().and_then(|info| info.role.clone());
                (resource.name.as_str(), resource.scalar.as_ref().map(|scalar| scalar.value), role)
            })
            .collect();
        assert_eq!(
            amounts,
            [("cpus", Some(0.1), Some("web".to_owned())), ("mem", Some(32.0), Some("web".to_owned()))]
        );
    }

    #[test]
    fn the_grace_period_leaves_time_to_notice_and_tell_the_end() {
        let mut task = task(CommandInfo::default());
        task.kill_policy =
            Some(v1::KillPolicy { grace_period: Some(DurationInfo { nanoseconds: 3_000_000_000 }) });
        let options = Options::new("/w", "127.0.0.1:5051");
        let executor = executor_for(&options, &FrameworkInfo::default(), &task);
        assert_eq!(executor.shutdown_grace_period, Some(DurationInfo { nanoseconds: 5_000_000_000 }));
    }
}
