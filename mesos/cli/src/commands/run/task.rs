//! The task of `mesos run`.

use anyhow::{Context as _, bail};
use mesos_api::v1::{
    CommandInfo, DurationInfo, Environment, KillPolicy, TaskId, TaskInfo, command_info, environment,
};

use crate::args::Run;

/// The task that a command line asks for.
pub(super) fn task(args: &Run) -> anyhow::Result<TaskInfo> {
    let nanoseconds = i64::try_from(args.grace_period.as_nanos()).context("--grace-period is too long")?;
    let variables = args.environment.iter().map(|(name, value)| environment::Variable {
        name: name.clone(),
        value: Some(value.clone()),
        ..Default::default()
    });
    let variables = variables.collect();
    let uris = args.uris.iter().map(|value| command_info::Uri { value: value.clone(), ..Default::default() });
    let mut command = CommandInfo {
        environment: Some(Environment { variables }),
        uris: uris.collect(),
        user: args.user.clone(),
        ..Default::default()
    };
    match (args.command.as_slice(), args.program.as_slice()) {
        ([line], []) => {
            command.shell = Some(true);
            command.value = Some(line.clone());
        }
        ([], [program, ..]) => {
            command.shell = Some(false);
            command.value = Some(program.clone());
            command.arguments.clone_from(&args.program);
        }
        _ => bail!("there is no command to run"),
    }
    Ok(TaskInfo {
        name: args.name.clone(),
        task_id: TaskId { value: format!("{}-{}", args.name, uuid::Uuid::new_v4()) },
        resources: args.resources.to_protos(),
        command: Some(command),
        kill_policy: Some(KillPolicy { grace_period: Some(DurationInfo { nanoseconds }) }),
        ..Default::default()
    })
}
