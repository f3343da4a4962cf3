//! What the flags of `mesos execute` mean to launch.

use anyhow::{Context as _, bail, ensure};
use mesos_api::json;
use mesos_api::v1::{
    CommandInfo, Environment, ExecutorInfo, TaskGroupInfo, TaskId, TaskInfo, environment, executor_info,
};
use mesos_resources::Resources;

use super::ExecuteFlags;
use crate::commands::launcher::Plan;

/// What the default executor of a task group needs beside its tasks.
const EXECUTOR_RESOURCES: &str = "cpus:0.1;mem:32;disk:32";

pub(super) fn plan(flags: &ExecuteFlags) -> anyhow::Result<Plan> {
    match (&flags.task, &flags.task_group) {
        (Some(_), Some(_)) => bail!("--task and --task_group exclude each other"),
        (Some(text), None) => {
            ensure!(flags.command.is_none() && flags.name.is_none(), "--task excludes --name and --command");
            Ok(Plan { tasks: vec![task(text)?], group: None })
        }
        (None, Some(text)) => {
            ensure!(
                flags.command.is_none() && flags.name.is_none(),
                "--task_group excludes --name and --command"
            );
            group(text)
        }
        (None, None) => Ok(Plan { tasks: vec![command(flags)?], group: None }),
    }
}

/// Reads a TaskInfo; who writes one cannot know the agent, which is filled in later.
fn task(text: &str) -> anyhow::Result<TaskInfo> {
    let text = with_agent(text).context("--task is not JSON")?;
    json::from_str(&text).context("--task is no TaskInfo")
}

fn with_agent(text: &str) -> anyhow::Result<String> {
    let mut value: serde_json::Value = serde_json::from_str(text)?;
    fill_agent(&mut value);
    Ok(value.to_string())
}

fn fill_agent(task: &mut serde_json::Value) {
    if let Some(task) = task.as_object_mut() {
        task.entry("agent_id").or_insert_with(|| serde_json::json!({ "value": "" }));
    }
}

fn group(text: &str) -> anyhow::Result<Plan> {
    let mut value: serde_json::Value = serde_json::from_str(text).context("--task_group is not JSON")?;
    if let Some(tasks) = value.get_mut("tasks").and_then(serde_json::Value::as_array_mut) {
        tasks.iter_mut().for_each(fill_agent);
    }
    let group: TaskGroupInfo =
        json::from_str(&value.to_string()).context("--task_group is no TaskGroupInfo")?;
    ensure!(!group.tasks.is_empty(), "--task_group has no tasks");
    let executor = ExecutorInfo {
        r#type: Some(executor_info::Type::Default as i32),
        executor_id: format!("default-executor-{}", uuid::Uuid::new_v4()).into(),
        resources: Resources::parse(EXECUTOR_RESOURCES, "*")?.to_protos(),
        ..Default::default()
    };
    Ok(Plan { tasks: group.tasks, group: Some(executor) })
}

fn command(flags: &ExecuteFlags) -> anyhow::Result<TaskInfo> {
    let name = flags.name.as_ref().context("--name is missing (or --task, or --task_group)")?;
    let line = flags.command.as_ref().context("--command is missing")?;
    let mut command = CommandInfo {
        shell: Some(flags.shell),
        value: Some(line.clone()),
        environment: flags.env.as_deref().map(variables).transpose()?,
        ..Default::default()
    };
    if !flags.shell {
        command.arguments = line.split_whitespace().map(str::to_owned).collect();
        command.value = command.arguments.first().cloned();
    }
    Ok(TaskInfo {
        name: name.clone(),
        task_id: TaskId { value: name.clone() },
        resources: Resources::parse(&flags.resources, "*").context("--resources cannot be read")?.to_protos(),
        command: Some(command),
        ..Default::default()
    })
}

fn variables(text: &str) -> anyhow::Result<Environment> {
    let values: std::collections::BTreeMap<String, String> =
        serde_json::from_str(text).context("--env is not a JSON object of strings")?;
    let variables = values.into_iter().map(|(name, value)| environment::Variable {
        name,
        value: Some(value),
        ..Default::default()
    });
    Ok(Environment { variables: variables.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags() -> ExecuteFlags {
        ExecuteFlags { master: "m:5050".into(), ..ExecuteFlags::default() }
    }

    #[test]
    fn command_without_shell_is_divided_by_spaces() {
        let flags = ExecuteFlags {
            name: Some("n".into()),
            command: Some("ls -l /".into()),
            shell: false,
            env: Some(r#"{"A":"1"}"#.into()),
            ..flags()
        };
        let plan = plan(&flags).unwrap();
        let command = plan.tasks[0].command.as_ref().unwrap();
        assert_eq!(command.value.as_deref(), Some("ls"));
        assert_eq!(command.arguments, ["ls", "-l", "/"]);
        assert_eq!(command.environment.as_ref().unwrap().variables[0].name, "A");
    }

    #[test]
    fn task_group_gets_the_default_executor() {
        let text = r#"{"tasks":[{"name":"a","task_id":{"value":"a"},"command":{"value":"true"}}]}"#;
        let plan = plan(&ExecuteFlags { task_group: Some(text.into()), ..flags() }).unwrap();
        assert_eq!(plan.tasks.len(), 1);
        assert_eq!(plan.group.unwrap().r#type(), executor_info::Type::Default);
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        let check = |flags: ExecuteFlags, part: &str| {
            let error = format!("{:#}", plan(&flags).err().unwrap());
            assert!(error.contains(part), "{error}");
        };
        check(flags(), "--name");
        check(ExecuteFlags { name: Some("n".into()), ..flags() }, "--command");
        check(ExecuteFlags { task: Some("{".into()), ..flags() }, "--task is not JSON");
        check(ExecuteFlags { task: Some("{}".into()), ..flags() }, "name");
        check(ExecuteFlags { task: Some("{}".into()), task_group: Some("{}".into()), ..flags() }, "exclude");
    }
}
