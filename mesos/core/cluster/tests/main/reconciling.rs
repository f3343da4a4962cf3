//! RECONCILE: the matrix of what is known of a task and of its agent.

use std::time::Duration;

use mesos_api::v1::scheduler::{Call, call};
use mesos_api::v1::task_status::{Reason, Source};
use mesos_api::v1::{AgentId, FrameworkInfo, TaskState};
use mesos_cluster::{ConnectionId, Input, OperatorAction};

use crate::harness::*;

fn reconcile(tasks: &[(&str, Option<&AgentId>)]) -> Call {
    let tasks = tasks
        .iter()
        .map(|(task, agent)| call::reconcile::Task { task_id: (*task).into(), agent_id: agent.cloned() })
        .collect();
    Call { reconcile: Some(call::Reconcile { tasks }), ..typed(call::Type::Reconcile) }
}

/// What a scheduler is told about a task that it asks for.
fn ask(
    world: &mut World,
    connection: ConnectionId,
    id: &mesos_api::v1::FrameworkId,
    task: &str,
    agent: Option<&AgentId>,
) -> Option<TaskState> {
    let before = world.statuses(connection).len();
    world.call(connection, id, reconcile(&[(task, agent)]));
    let statuses = world.statuses(connection);
    let status = statuses.get(before)?;
    assert_eq!((status.reason(), status.source()), (Reason::Reconciliation, Source::Master));
    assert_eq!(status.uuid, None);
    Some(status.state())
}

#[test]
fn explicit_reconciliation_knows_seven_cases() {
    use TaskState::*;
    for aware in [true, false] {
        let lost = |state| if aware { state } else { TaskLost };
        let info = if aware { partition_aware() } else { plain() };
        let info = FrameworkInfo { checkpoint: Some(true), ..info };
        let mut world = World::new();
        let (known, link) = world.agent("cpus:4;mem:1024");
        let (unreachable, _) = world.agent("cpus:0.1;mem:1");
        let (gone, _) = world.agent("cpus:0.1;mem:1");
        let (id, connection) = world.framework(info);
        world.input(Input::PingsTimedOut(unreachable.clone()));
        world.operate(OperatorAction::MarkAgentGone(gone.clone()));
        world.launch(connection, &id, &["present"]);
        world.update(link, &id, &known, "present", TaskRunning);
        world.authorizer = Authorizer::Waiting;
        world.launch(connection, &id, &["pending"]);
        world.said.clear();

        let unknown: AgentId = "unknown".into();
        let cases = [
            ("pending", None, Some(TaskStaging)),
            ("present", None, Some(TaskRunning)),
            ("present", Some(&unknown), Some(TaskRunning)),
            ("x", Some(&known), Some(lost(TaskGone))),
            ("x", Some(&unreachable), Some(lost(TaskUnreachable))),
            ("x", Some(&gone), Some(lost(TaskGoneByOperator))),
            ("x", Some(&unknown), Some(lost(TaskUnknown))),
            ("x", None, Some(lost(TaskUnknown))),
        ];
        for (task, agent, expected) in cases {
            assert_eq!(ask(&mut world, connection, &id, task, agent), expected, "{task} {agent:?} {aware}");
        }
    }
}

#[test]
fn nothing_is_said_while_agents_have_yet_to_return() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    world.fail_over();
    let (id, connection) = world.framework(partition_aware());
    let unknown: AgentId = "unknown".into();
    assert_eq!(ask(&mut world, connection, &id, "x", Some(&agent)), None);
    assert_eq!(ask(&mut world, connection, &id, "x", None), None);
    let state = ask(&mut world, connection, &id, "x", Some(&unknown));
    assert_eq!(state, Some(TaskState::TaskUnknown));
    world.advance(Duration::from_secs(600));
    let state = ask(&mut world, connection, &id, "x", Some(&agent));
    assert_eq!(state, Some(TaskState::TaskUnreachable));
    assert_eq!(ask(&mut world, connection, &id, "x", None), Some(TaskState::TaskUnknown));
}

#[test]
fn answer_about_an_unreachable_agent_says_since_when() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(partition_aware());
    let since = world.now;
    world.input(Input::PingsTimedOut(agent.clone()));
    world.advance(Duration::from_secs(100));
    ask(&mut world, connection, &id, "x", Some(&agent));
    let status = world.last_status(connection);
    assert_eq!(status.unreachable_time.unwrap().nanoseconds, since.as_nanos());
    assert_eq!(status.message(), "Reconciliation: Task is unreachable");
}

#[test]
fn implicit_reconciliation_tells_exactly_the_live_tasks() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["a", "b", "c"]);
    world.update(link, &id, &agent, "a", TaskState::TaskRunning);
    let uuid = world.update(link, &id, &agent, "b", TaskState::TaskFinished);
    world.acknowledge(connection, &id, &agent, "b", &uuid);
    world.said.clear();
    world.call(connection, &id, reconcile(&[]));
    let told: Vec<_> = world
        .statuses(connection)
        .into_iter()
        .map(|status| (status.task_id.value.clone(), status.state()))
        .collect();
    assert_eq!(told, [("a".into(), TaskState::TaskRunning), ("c".into(), TaskState::TaskStaging)]);
    assert_eq!(world.cluster.counters().messages_reconcile_tasks, 1);
}

/// Others get their turn in between, and nobody holds all the answers in memory.
#[test]
fn many_tasks_are_reconciled_a_part_at_a_time() {
    let mut world = World::new();
    let (id, connection) = world.framework(partition_aware());
    let names: Vec<String> = (0..2500).map(|number| format!("t{number}")).collect();
    let tasks: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
    world.call(connection, &id, reconcile(&tasks));
    assert_eq!(world.statuses(connection).len(), 1000);
    world.advance(Duration::from_secs(1));
    let told: Vec<_> = world.statuses(connection).into_iter().map(|it| it.task_id.value).collect();
    assert_eq!(told, names);

    // A scheduler that is gone is told no more.
    world.call(connection, &id, reconcile(&tasks));
    world.input(Input::SchedulerDisconnected(connection));
    world.advance(Duration::from_millis(100));
    assert_eq!(world.statuses(connection).len(), 3500);
}

#[test]
fn implicit_reconciliation_of_many_tasks_tells_each_once() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:3000;mem:300000");
    let (id, connection) = world.framework(partition_aware());
    let names: Vec<String> = (0..1500).map(|number| format!("t{number:04}")).collect();
    let offer = world.one_offer(&id);
    let tasks = names.iter().map(|name| task(name, &agent)).collect();
    world.accept(connection, &id, &[offer.id], vec![launch(tasks)]);
    for name in &names {
        world.update(link, &id, &agent, name, TaskState::TaskRunning);
    }
    world.said.clear();
    world.call(connection, &id, reconcile(&[]));
    assert_eq!(world.statuses(connection).len(), 1000);
    world.advance(Duration::from_secs(1));
    let told: Vec<_> = world.statuses(connection).into_iter().map(|it| it.task_id.value).collect();
    assert_eq!(told, names);
}
