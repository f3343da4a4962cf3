use mesos_api::v1::{CommandInfo, ContainerInfo, NetworkInfo};

use super::*;
use crate::testing::{agent, framework, resources};

fn executor() -> ExecutorInfo {
    ExecutorInfo {
        r#type: Some(ExecutorType::Default as i32),
        executor_id: "x".into(),
        framework_id: Some("f".into()),
        resources: resources("cpus:0.1;mem:32;disk:32").to_protos(),
        ..ExecutorInfo::default()
    }
}

fn tasks() -> Vec<TaskInfo> {
    ["a", "b"]
        .map(|id| TaskInfo {
            task_id: id.into(),
            agent_id: "a".into(),
            resources: resources("cpus:1;mem:32").to_protos(),
            command: Some(CommandInfo::default()),
            executor: Some(executor()),
            ..TaskInfo::default()
        })
        .to_vec()
}

fn verdict(executor: &ExecutorInfo, tasks: &[TaskInfo]) -> Result<Needs, String> {
    let available = resources("cpus:4;mem:1024;disk:1024;ports:[1-100]");
    launch(tasks, executor, &framework("f"), &agent("a"), &available)
}

fn executor_refused(change: impl Fn(&mut ExecutorInfo), error: &str) {
    let mut executor = executor();
    change(&mut executor);
    let mut tasks = tasks();
    tasks.iter_mut().for_each(|task| task.executor = Some(executor.clone()));
    let found = verdict(&executor, &tasks).unwrap_err();
    assert!(found.contains(error), "{found} instead of {error}");
}

fn task_refused(change: impl Fn(&mut TaskInfo), error: &str) {
    let mut tasks = tasks();
    change(&mut tasks[1]);
    let found = verdict(&executor(), &tasks).unwrap_err();
    assert!(found.contains(error), "{found} instead of {error}");
}

#[test]
fn valid_group_takes_all_it_needs() {
    let needs = verdict(&executor(), &tasks()).unwrap();
    assert_eq!(needs.total(), resources("cpus:2.1;mem:96;disk:32"));
}

#[test]
fn executor_has_processors_memory_and_disk() {
    let with = |text: &'static str| move |it: &mut ExecutorInfo| it.resources = resources(text).to_protos();
    executor_refused(
        with("cpus:0.001;mem:32;disk:32"),
        "Executor 'x' uses less CPUs (0.001) than the minimum required (0.01)",
    );
    executor_refused(with("mem:32;disk:32"), "uses less CPUs (None)");
    executor_refused(
        with("cpus:0.1;mem:16;disk:32"),
        "Executor 'x' uses less memory (16MB) than the minimum required (32MB)",
    );
    executor_refused(with("cpus:0.1;mem:32"), "Executor 'x' uses no disk");
}

#[test]
fn type_of_the_executor_is_set() {
    executor_refused(|it| it.r#type = None, "'ExecutorInfo.type' must be set");
    executor_refused(|it| it.r#type = Some(ExecutorType::Unknown as i32), "Unknown executor type");
    executor_refused(|it| it.command = Some(CommandInfo::default()), "must not be set for 'DEFAULT'");
    let docker = ContainerInfo { r#type: container_info::Type::Docker as i32, ..ContainerInfo::default() };
    executor_refused(
        |it| {
            it.r#type = Some(ExecutorType::Custom as i32);
            it.command = Some(CommandInfo::default());
            it.container = Some(docker.clone());
        },
        "Docker ContainerInfo is not supported on the executor",
    );
}

#[test]
fn rules_for_each_task() {
    task_refused(|it| it.executor = None, "Task 'b' is invalid: 'TaskInfo.executor' must be set");
    task_refused(
        |it| it.executor.as_mut().unwrap().name = Some("other".into()),
        "The `ExecutorInfo` of task 'b' is different from executor 'x'",
    );
    task_refused(|it| it.resources.clear(), "Task 'b' is invalid: Task uses no resources");
    let mesos = ContainerInfo {
        r#type: container_info::Type::Mesos as i32,
        network_infos: vec![NetworkInfo::default()],
        ..ContainerInfo::default()
    };
    task_refused(|it| it.container = Some(mesos.clone()), "NetworkInfos must not be set on the task");
    let docker = ContainerInfo { r#type: container_info::Type::Docker as i32, ..ContainerInfo::default() };
    task_refused(
        |it| it.container = Some(docker.clone()),
        "Docker ContainerInfo is not supported on the task",
    );
}

#[test]
fn the_whole_group_must_fit() {
    task_refused(|it| it.resources = resources("cpus:3").to_protos(), "are more than available");
}

#[test]
fn ports_of_tasks_do_not_overlap() {
    let mut tasks = tasks();
    tasks[0].resources = resources("cpus:1;ports:[1-10]").to_protos();
    tasks[1].resources = resources("cpus:1;ports:[10-11]").to_protos();
    assert!(verdict(&executor(), &tasks).unwrap_err().contains("overlapping resources"));
}
