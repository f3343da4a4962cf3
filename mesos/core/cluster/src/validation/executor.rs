//! Executors.

use mesos_api::v1::executor_info::Type;
use mesos_api::v1::{ExecutorInfo, container_info};
use mesos_resources::Resources;

use super::{Verdict, command, container, id, resource, within};
use crate::agent::Agent;
use crate::framework::Framework;

/// Checks what can be checked of an executor alone.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn executor(executor: &ExecutorInfo) -> Verdict {
    r#type(executor)?;
    id::id(&executor.executor_id.value)?;
    if executor.shutdown_grace_period.as_ref().is_some_and(|period| period.nanoseconds < 0) {
        return Err("ExecutorInfo's 'shutdown_grace_period' must be non-negative".to_owned());
    }
    if let Some(info) = &executor.command {
        within(command::command(info), "Executor's `CommandInfo` is invalid")?;
    }
    if let Some(info) = &executor.container {
        within(container::container(info), "Executor's `ContainerInfo` is invalid")?;
    }
    Ok(())
}

fn r#type(executor: &ExecutorInfo) -> Verdict {
    match executor.r#type() {
        Type::Unknown => Ok(()),
        Type::Custom if executor.command.is_none() => {
            Err("'ExecutorInfo.command' must be set for 'CUSTOM' executor".to_owned())
        }
        Type::Custom => Ok(()),
        Type::Default => {
            if executor.command.is_some() {
                return Err("'ExecutorInfo.command' must not be set for 'DEFAULT' executor".to_owned());
            }
            let Some(container) = &executor.container else { return Ok(()) };
            if container.r#type() != container_info::Type::Mesos {
                return Err("'ExecutorInfo.container.type' must be 'MESOS' for 'DEFAULT' executor".to_owned());
            }
            if container.mesos.as_ref().is_some_and(|mesos| mesos.image.is_some()) {
                return Err(
                    "'ExecutorInfo.container.mesos.image' must not be set for 'DEFAULT' executor".to_owned()
                );
            }
            Ok(())
        }
    }
}

/// Checks an executor that is to run for a framework on an agent, and returns its resources.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn for_launch(
    executor: &ExecutorInfo,
    framework: &Framework,
    agent: &Agent,
) -> Result<Resources, String> {
    self::executor(executor)?;
    match &executor.framework_id {
        None => return Err("'ExecutorInfo.framework_id' must be set".to_owned()),
        Some(id) if *id != framework.id => {
            return Err(format!(
                "ExecutorInfo has an invalid FrameworkID (Actual: {id} vs Expected: {})",
                framework.id
            ));
        }
        Some(_) => {}
    }
    let resources = resource::resources(&executor.resources)
        .map_err(|error| format!("Executor uses invalid resources: {error}"))?;
    within(resource::unique_persistence_ids(&resources), "Executor uses duplicate persistence ID")?;
    within(resource::allocated_to_one_role(&resources), "Invalid executor resources")?;
    within(
        resource::not_mixed_with_revocable(&resources),
        "Executor mixes revocable and non-revocable resources",
    )?;
    if let Some(running) = agent.executor(&framework.id, &executor.executor_id)
        && !same(running, executor, &resources)
    {
        return Err(format!(
            "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID '{}'; \
             existing: {}; given: {}",
            executor.executor_id,
            mesos_api::json::to_string(&**running),
            mesos_api::json::to_string(executor),
        ));
    }
    Ok(resources)
}

/// Whether two descriptions are of the same executor; the order of resources does not matter.
#[must_use]
pub fn same(a: &ExecutorInfo, b: &ExecutorInfo, resources_of_b: &Resources) -> bool {
    let without_resources = |info: &ExecutorInfo| ExecutorInfo { resources: Vec::new(), ..info.clone() };
    without_resources(a) == without_resources(b)
        && (a.resources == b.resources
            || Resources::from_protos(a.resources.iter().cloned()).is_ok_and(|a| a == *resources_of_b))
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::{CommandInfo, ContainerInfo, DurationInfo, Image};

    use super::*;

    fn of(r#type: Type) -> ExecutorInfo {
        ExecutorInfo {
            r#type: Some(r#type as i32),
            executor_id: "e".into(),
            command: (r#type == Type::Custom).then(CommandInfo::default),
            ..ExecutorInfo::default()
        }
    }

    #[test]
    fn rules_for_types() {
        let container = |r#type: container_info::Type, image: bool| ContainerInfo {
            r#type: r#type as i32,
            mesos: image.then(|| container_info::MesosInfo { image: Some(Image::default()) }),
            ..ContainerInfo::default()
        };
        let default_in = |container| ExecutorInfo { container: Some(container), ..of(Type::Default) };
        for fine in [
            of(Type::Custom),
            of(Type::Default),
            default_in(container(container_info::Type::Mesos, false)),
            ExecutorInfo { executor_id: "e".into(), ..ExecutorInfo::default() },
        ] {
            assert_eq!(executor(&fine), Ok(()));
        }
        for wrong in [
            ExecutorInfo { command: None, ..of(Type::Custom) },
            ExecutorInfo { command: Some(CommandInfo::default()), ..of(Type::Default) },
            default_in(container(container_info::Type::Docker, false)),
            default_in(container(container_info::Type::Mesos, true)),
        ] {
            assert!(executor(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn ids_and_times_are_checked() {
        assert!(executor(&ExecutorInfo { executor_id: "".into(), ..of(Type::Custom) }).is_err());
        let period = Some(DurationInfo { nanoseconds: -1 });
        assert!(executor(&ExecutorInfo { shutdown_grace_period: period, ..of(Type::Custom) }).is_err());
    }

    #[test]
    fn order_of_resources_does_not_matter() {
        let with = |text: &str| ExecutorInfo {
            resources: Resources::parse(text, "*").unwrap().to_protos(),
            ..of(Type::Custom)
        };
        let (a, b) = (with("cpus:1;mem:2"), with("mem:2;cpus:1"));
        assert!(same(&a, &b, &Resources::parse("mem:2;cpus:1", "*").unwrap()));
        let c = with("mem:3;cpus:1");
        assert!(!same(&a, &c, &Resources::parse("mem:3;cpus:1", "*").unwrap()));
    }
}
