//! A framework: it takes what it is offered, launches a few tasks, and ends when they have.
//!
//! ```text
//! cargo run --example framework                              # on a cluster made for it
//! cargo run --example framework -- --master 10.0.0.1:5050    # on a running one
//! cargo run --example framework -- --executor PROGRAM        # with a custom executor
//! ```

use std::collections::BTreeSet;
use std::error::Error;
use std::process::ExitCode;

use libprocess::Node;
use mesos_api::v1::scheduler::event::Subscribed;
use mesos_api::v1::{
    CommandInfo, ExecutorInfo, FrameworkInfo, Offer, TaskId, TaskInfo, TaskState, TaskStatus, executor_info,
};
use mesos_local::Cluster;
use mesos_resources::Resources;
use mesos_scheduler::{Config, Driver, Scheduler};

const TASKS: usize = 5;

/// What one task needs.
const NEEDS: &str = "cpus:0.1;mem:32";

struct Framework {
    executor: Option<String>,
    waiting: Vec<TaskId>,
    live: BTreeSet<TaskId>,
    failed: usize,
    report: Option<tokio::sync::oneshot::Sender<usize>>,
}

impl Scheduler for Framework {
    fn subscribed(&mut self, _driver: &Driver, subscribed: Subscribed) {
        println!("subscribed as {}", subscribed.framework_id);
    }

    fn offers(&mut self, driver: &Driver, offers: Vec<Offer>) {
        for offer in offers {
            let tasks = self.fill(&offer);
            if tasks.is_empty() {
                driver.decline([offer.id], None);
            } else {
                println!("launching {} tasks on {}", tasks.len(), offer.hostname);
                driver.launch([offer.id], tasks);
            }
        }
    }

    fn update(&mut self, driver: &Driver, status: TaskStatus) {
        let state = status.state();
        println!("{} {} {}", status.task_id, state.as_str_name(), status.message());
        if matches!(state, TaskState::TaskStarting | TaskState::TaskRunning) {
            return;
        }
        self.failed += usize::from(state != TaskState::TaskFinished);
        self.live.remove(&status.task_id);
        if self.waiting.is_empty() && self.live.is_empty() {
            driver.acknowledge(&status);
            driver.teardown();
        }
    }
}

impl Framework {
    /// As many of the waiting tasks as the offer has room for.
    fn fill(&mut self, offer: &Offer) -> Vec<TaskInfo> {
        let Ok(mut left) = Resources::from_protos(offer.resources.clone()) else { return Vec::new() };
        left.unallocate();
        let needs = Resources::parse(NEEDS, "*").expect("the text above is right");
        let mut tasks = Vec::new();
        while left.contains(&needs) {
            let Some(task_id) = self.waiting.pop() else { break };
            left -= &needs;
            self.live.insert(task_id.clone());
            tasks.push(self.task(task_id, offer, &needs));
        }
        tasks
    }

    fn task(&self, task_id: TaskId, offer: &Offer, needs: &Resources) -> TaskInfo {
        let command = |value: &str| CommandInfo { value: Some(value.to_owned()), ..Default::default() };
        let executor = self.executor.as_deref().map(|program| ExecutorInfo {
            r#type: Some(executor_info::Type::Custom as i32),
            executor_id: format!("executor-of-{task_id}").into(),
            framework_id: Some(offer.framework_id.clone()),
            command: Some(command(program)),
            ..Default::default()
        });
        TaskInfo {
            name: "example".into(),
            agent_id: offer.agent_id.clone(),
            resources: needs.to_protos(),
            command: executor.is_none().then(|| command(&format!("echo hello from {task_id}"))),
            executor,
            task_id,
            ..Default::default()
        }
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // The agents of a cluster in this process start their executors as this program.
    if let Some(code) = mesos_local::helpers::dispatch() {
        return Ok(code);
    }
    let mut arguments = std::env::args().skip(1);
    let (mut master, mut executor) = (None, None);
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "--master" => master = arguments.next(),
            "--executor" => executor = arguments.next(),
            _ => return Err(format!("unknown argument '{name}': give --master or --executor").into()),
        }
    }
    tokio::runtime::Runtime::new()?.block_on(run(master, executor))
}

async fn run(master: Option<String>, executor: Option<String>) -> Result<ExitCode, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let cluster = match &master {
        Some(_) => None,
        None => Some(Cluster::start(mesos_local::Options::new(directory.path())).await?),
    };
    let master = cluster.as_ref().map(|cluster| cluster.master().to_string()).or(master).unwrap_or_default();

    let node = Node::builder().start().await?;
    let (report, outcome) = tokio::sync::oneshot::channel();
    let framework = Framework {
        executor,
        waiting: (1..=TASKS).map(|n| format!("task-{n}").into()).collect(),
        live: BTreeSet::new(),
        failed: 0,
        report: Some(report),
    };
    let info = FrameworkInfo { user: whoami(), name: "example".into(), ..Default::default() };
    mesos_scheduler::start(&node, Config::new(master, info), framework).wait().await?;
    let failed = outcome.await?;
    node.shutdown().await;
    if let Some(cluster) = cluster {
        cluster.shutdown().await;
    }
    println!("{} of {TASKS} tasks finished", TASKS - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Drop for Framework {
    /// Tells how many tasks did not finish.
    fn drop(&mut self) {
        if let Some(report) = self.report.take() {
            let _ = report.send(self.failed + self.live.len() + self.waiting.len());
        }
    }
}

fn whoami() -> String {
    std::env::var("USER").unwrap_or_else(|_| "root".into())
}
