//! Many tasks, by a framework in Rust.

use std::collections::{BTreeMap, HashSet};

use libprocess::Node;
use mesos_api::json;
use mesos_api::v1::offer::{Operation, operation};
use mesos_api::v1::{Filters, FrameworkInfo, Offer, TaskInfo, TaskState, TaskStatus};
use mesos_scheduler::{Config, Driver, Scheduler};
use tokio::sync::mpsc;

use crate::harness::{Cluster, PATIENCE, command_task, framework_info};

const TASKS: usize = 500;

/// What one task needs: ten go onto an agent at a time.
const CPUS: f64 = 0.2;

/// Launches tasks until enough of them have finished; one that never started is launched again under another name.
struct Crowd {
    waiting: Vec<String>,
    started: HashSet<String>,
    updates: mpsc::UnboundedSender<TaskStatus>,
}

impl Scheduler for Crowd {
    fn offers(&mut self, driver: &Driver, offers: Vec<Offer>) {
        for offer in offers {
            let cpus = offer.resources.iter().filter(|resource| resource.name == "cpus");
            let cpus: f64 =
                cpus.filter_map(|resource| resource.scalar.as_ref()).map(|scalar| scalar.value).sum();
            let mut room = cpus;
            let mut tasks = Vec::new();
            while room >= CPUS - 1e-6
                && let Some(name) = self.waiting.pop()
            {
                room -= CPUS;
                tasks.push(task(&name, &offer));
            }
            let refuse_seconds = if self.waiting.is_empty() { 1.0 } else { 0.0 };
            let filters = Some(Filters { refuse_seconds: Some(refuse_seconds) });
            if tasks.is_empty() {
                driver.decline([offer.id], filters);
            } else {
                let launch = Some(operation::Launch { task_infos: tasks });
                let kind = Some(operation::Type::Launch as i32);
                driver.accept(
                    [offer.id],
                    vec![Operation { r#type: kind, launch, ..Default::default() }],
                    filters,
                );
            }
        }
    }

    fn update(&mut self, _driver: &Driver, status: TaskStatus) {
        let id = &status.task_id.value;
        match status.state() {
            TaskState::TaskStarting | TaskState::TaskRunning => {
                self.started.insert(id.clone());
            }
            TaskState::TaskFinished => {}
            _ if self.started.contains(id) => {}
            _ => self.waiting.push(format!("{id}-again")),
        }
        // The test may be over.
        let _ = self.updates.send(status);
    }
}

fn task(name: &str, offer: &Offer) -> TaskInfo {
    let offer = serde_json::json!({ "agent_id": { "value": offer.agent_id.value } });
    let mut task = command_task(name, &offer, "exit 0");
    task["resources"][0]["scalar"]["value"] = CPUS.into();
    json::from_str(&task.to_string()).expect("a task")
}

/// Runs the tasks; `on_finished` is called with the number of those that have finished. Gives the updates of each
/// task.
fn run(
    cluster: &mut Cluster,
    checkpoint: bool,
    mut on_finished: impl FnMut(&mut Cluster, usize),
) -> BTreeMap<String, Vec<TaskStatus>> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let node = Node::builder().start().await.expect("a port of the loopback address");
        let mut info: FrameworkInfo =
            json::from_str(&framework_info("crowd").to_string()).expect("a framework");
        info.checkpoint = Some(checkpoint);
        let (updates, mut received) = mpsc::unbounded_channel();
        let waiting = (0..TASKS).map(|number| format!("task-{number}")).collect();
        let crowd = Crowd { waiting, started: HashSet::new(), updates };
        let running = mesos_scheduler::start(&node, Config::new(cluster.master(), info), crowd);
        let mut all: BTreeMap<String, Vec<TaskStatus>> = BTreeMap::new();
        let mut finished = 0;
        while finished < TASKS {
            let status = tokio::time::timeout(PATIENCE, received.recv()).await;
            let status =
                status.unwrap_or_else(|_| panic!("only {finished} tasks finish: {}", unfinished(&all)));
            let status = status.expect("the framework goes on");
            let seen = all.entry(status.task_id.value.clone()).or_default();
            let over = status.state() == TaskState::TaskFinished;
            seen.push(status);
            if over {
                finished += 1;
                on_finished(cluster, finished);
            }
        }
        running.driver().teardown();
        running.wait().await.expect("the framework ends");
        node.shutdown().await;
        all
    })
}

/// The last states of tasks that have not finished.
fn unfinished(all: &BTreeMap<String, Vec<TaskStatus>>) -> String {
    let last = all.iter().filter_map(|(id, statuses)| Some((id, statuses.last()?)));
    let open = last.filter(|(_, status)| status.state() != TaskState::TaskFinished);
    open.map(|(id, status)| format!("{id} {} {:?}; ", status.state().as_str_name(), status.message)).collect()
}

fn states(statuses: &[TaskStatus]) -> Vec<TaskState> {
    statuses.iter().map(TaskStatus::state).collect()
}

const WHOLE: [TaskState; 3] = [TaskState::TaskStarting, TaskState::TaskRunning, TaskState::TaskFinished];

#[test]
fn five_hundred_tasks_start_run_and_finish_once_each() {
    let mut cluster = Cluster::local(5);
    let all = run(&mut cluster, false, |_, _| {});
    assert_eq!(all.len(), TASKS);
    for (id, statuses) in &all {
        assert_eq!(states(statuses), WHOLE, "{id}: {statuses:?}");
    }
    let agents: HashSet<_> = all.values().flatten().filter_map(|status| status.agent_id.clone()).collect();
    assert_eq!(agents.len(), 5);
}

#[test]
fn five_hundred_tasks_finish_though_an_agent_is_killed_and_comes_back() {
    let mut cluster = Cluster::separate(5, &[], &[]);
    let all = run(&mut cluster, true, |cluster, finished| {
        if finished == TASKS / 3 {
            cluster.agent_daemon(2).kill();
            cluster.restart_agent(2);
        }
    });
    let (whole, lost): (Vec<_>, Vec<_>) = all.iter().partition(|(_, statuses)| states(statuses) == WHOLE);
    let tell = |(id, statuses): &(&String, &Vec<TaskStatus>)| {
        let last = statuses.last().map(|status| (status.reason(), status.message.as_deref()));
        format!("{id}: {:?} {last:?}", states(statuses))
    };
    let lost: Vec<_> = lost.iter().map(|row| (row.1.len(), tell(row))).collect();
    assert_eq!(whole.len(), TASKS, "{lost:#?}");
    // What was lost on its way to the agent was launched again; of that nothing was heard before.
    assert!(lost.iter().all(|(count, _)| *count == 1), "{lost:#?}");
    let agents: HashSet<_> = all.values().flatten().filter_map(|status| status.agent_id.clone()).collect();
    assert_eq!(agents.len(), 5, "the agent that was killed kept its id");
}
