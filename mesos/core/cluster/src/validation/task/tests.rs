use mesos_api::v1::{
    CheckInfo, CommandInfo, ContainerInfo, DurationInfo, Environment, ExecutorInfo, HealthCheck, KillPolicy,
    Volume,
};

use super::*;
use crate::testing::{agent, framework, resources};

/// A valid command task.
fn task() -> TaskInfo {
    TaskInfo {
        name: "t".into(),
        task_id: "t".into(),
        agent_id: "a".into(),
        resources: resources("cpus:1;mem:32").to_protos(),
        command: Some(CommandInfo { value: Some("true".into()), ..CommandInfo::default() }),
        ..TaskInfo::default()
    }
}

/// A valid task with an executor.
fn with_executor() -> TaskInfo {
    TaskInfo {
        command: None,
        executor: Some(ExecutorInfo {
            executor_id: "e".into(),
            framework_id: Some("f".into()),
            command: Some(CommandInfo::default()),
            resources: resources("cpus:0.1;mem:32").to_protos(),
            ..ExecutorInfo::default()
        }),
        ..task()
    }
}

fn verdict(task: &TaskInfo) -> Result<Needs, String> {
    launch(task, &framework("f"), &agent("a"), &resources("cpus:4;mem:1024;ports:[1-100];gpus:2"))
}

fn refused(change: impl Fn(&mut TaskInfo), error: &str) {
    let mut task = task();
    change(&mut task);
    let found = verdict(&task).unwrap_err();
    assert!(found.contains(error), "{found} instead of {error}");
}

fn executor_refused(change: impl Fn(&mut ExecutorInfo), error: &str) {
    let mut task = with_executor();
    task.executor.as_mut().map(change);
    let found = verdict(&task).unwrap_err();
    assert!(found.contains(error), "{found} instead of {error}");
}

#[test]
fn valid_tasks_take_what_they_and_a_new_executor_need() {
    assert_eq!(verdict(&task()).unwrap().total(), resources("cpus:1;mem:32"));
    let needs = verdict(&with_executor()).unwrap();
    assert!(needs.launches_executor);
    assert_eq!(needs.total(), resources("cpus:1.1;mem:64"));
}

#[test]
fn rules_for_the_task_itself() {
    refused(|it| it.task_id = "".into(), "ID must not be empty");
    refused(|it| it.task_id = "a/b".into(), "contains invalid characters");
    refused(|it| it.task_id = "..".into(), "is disallowed");
    refused(|it| it.agent_id = "b".into(), "Task uses invalid agent b while agent a is expected");
    let grace = KillPolicy { grace_period: Some(DurationInfo { nanoseconds: -1 }) };
    refused(|it| it.kill_policy = Some(grace), "must be non-negative");
    refused(|it| it.check = Some(CheckInfo::default()), "Task uses invalid check");
    refused(|it| it.health_check = Some(HealthCheck::default()), "Task uses invalid health check");
    let environment = Environment { variables: vec![Default::default()] };
    refused(
        |it| it.command.as_mut().unwrap().environment = Some(environment.clone()),
        "Task's `CommandInfo` is invalid",
    );
    let container = ContainerInfo { volumes: vec![Volume::default()], ..ContainerInfo::default() };
    refused(|it| it.container = Some(container.clone()), "Task's `ContainerInfo` is invalid");
}

#[test]
fn id_of_a_live_or_unreachable_task_is_taken() {
    let mut framework = framework("f");
    let entry = std::sync::Arc::new(crate::task::Task::new(Default::default(), Resources::new()));
    framework.tasks.insert("live".into(), entry.clone());
    framework.unreachable_tasks.push("lost".into(), entry);
    for (id, error) in
        [("live", "Task has duplicate ID: live"), ("lost", "Task reuses the ID of an unreachable task: lost")]
    {
        let task = TaskInfo { task_id: id.into(), ..task() };
        let found = launch(&task, &framework, &agent("a"), &resources("cpus:4;mem:1024")).unwrap_err();
        assert_eq!(found, error);
    }
}

#[test]
fn rules_for_resources() {
    refused(|it| it.resources.clear(), "Task uses no resources");
    refused(|it| it.resources = resources("cpus:5").to_protos(), "is more than available");
    refused(|it| it.resources = resources("gpus:0.5").to_protos(), "must be an unsigned integer");
    refused(|it| it.resources[0].name = String::new(), "Task uses invalid resources");
    refused(|it| it.resources[0].allocation_info = None, "not allocated to a role");
    refused(
        |it| it.resources[0].allocation_info.as_mut().unwrap().role = Some("other".into()),
        "have multiple allocation roles",
    );
    refused(
        |it| {
            let mut more = resources("cpus:1").to_protos();
            more[0].revocable = Some(Default::default());
            it.resources.append(&mut more);
        },
        "Task mixes revocable and non-revocable resources",
    );
}

#[test]
fn exactly_one_of_command_and_executor() {
    refused(|it| it.command = None, "at least one (but not both)");
    refused(|it| it.executor = with_executor().executor, "at least one (but not both)");
}

#[test]
fn rules_for_the_executor() {
    use mesos_api::v1::executor_info::Type;
    executor_refused(|it| it.executor_id = "a/b".into(), "contains invalid characters");
    executor_refused(|it| it.framework_id = None, "'ExecutorInfo.framework_id' must be set");
    executor_refused(|it| it.framework_id = Some("g".into()), "invalid FrameworkID");
    executor_refused(|it| it.command = None, "'ExecutorInfo.command' must be set");
    executor_refused(
        |it| {
            it.r#type = Some(Type::Default as i32);
            it.command = None;
        },
        "'ExecutorInfo.type' must be 'CUSTOM'",
    );
    executor_refused(|it| it.resources = resources("cpus:9").to_protos(), "is more than available");
}

#[test]
fn ports_of_task_and_executor_do_not_overlap() {
    let mut task = with_executor();
    task.resources = resources("cpus:1;ports:[1-10]").to_protos();
    task.executor.as_mut().unwrap().resources = resources("ports:[10-20]").to_protos();
    assert!(verdict(&task).unwrap_err().contains("overlapping resources"));
    task.executor.as_mut().unwrap().resources = resources("ports:[11-20]").to_protos();
    assert!(verdict(&task).is_ok());
}

#[test]
fn running_executor_costs_nothing_and_must_be_the_same() {
    let mut agent = agent("a");
    let executor = with_executor().executor.unwrap();
    agent.executors.entry("f".into()).or_default().insert("e".into(), std::sync::Arc::new(executor));
    let available = resources("cpus:1;mem:32");
    let needs = launch(&with_executor(), &framework("f"), &agent, &available).unwrap();
    assert!(!needs.launches_executor);
    assert_eq!(needs.total(), available);

    let mut other = with_executor();
    other.executor.as_mut().unwrap().name = Some("other".into());
    let error = launch(&other, &framework("f"), &agent, &available).unwrap_err();
    assert!(error.contains("not compatible with existing ExecutorInfo"), "{error}");
}
