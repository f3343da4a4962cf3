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
use tokio::sync::oneshot;

const TASKS: usize = 5;

/// What one task needs.
const NEEDS: &str = "cpus:0.1;mem:32";

struct Framework {
    /// The program that runs the tasks, if it is not to be the agent's own.
    executor: Option<String>,
    /// Tasks that are not launched yet.
    waiting: Vec<TaskId>,
    /// Tasks that are launched and have not ended.
    live: BTreeSet<TaskId>,
    failed: usize,
    /// Is told how many failed once all have ended.
    report: Option<oneshot::Sender<usize>>,
}

impl Scheduler for Framework {
    fn subscribed(&mut self, _driver: &Driver, subscribed: Subscribed) {
        println!("subscribed as {}", subscribed.framework_id);
    }

    /// Each offer is some of one agent's resources, and ours until we use or decline it.
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

    /// The library acknowledges each update when this returns; until then the agent sends it again.
    fn update(&mut self, driver: &Driver, status: TaskStatus) {
        let state = status.state();
        println!("{} {} {}", status.task_id, state.as_str_name(), status.message());
        if matches!(state, TaskState::TaskStarting | TaskState::TaskRunning) {
            return;
        }
        self.failed += usize::from(state != TaskState::TaskFinished);
        self.live.remove(&status.task_id);
        if self.waiting.is_empty()
            && self.live.is_empty()
            && let Some(report) = self.report.take()
        {
            // Nobody acknowledges anything after the end.
            driver.acknowledge(&status);
            driver.teardown();
            let _ = report.send(self.failed);
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
        let flag = match name.as_str() {
            "--master" => &mut master,
            "--executor" => &mut executor,
            _ => return Err(format!("unknown argument '{name}': give --master or --executor").into()),
        };
        *flag = Some(arguments.next().ok_or_else(|| format!("{name} needs a value"))?);
    }
    tokio::runtime::Runtime::new()?.block_on(run(master, executor))
}

async fn run(master: Option<String>, executor: Option<String>) -> Result<ExitCode, Box<dyn Error>> {
    let Some(master) = master else {
        // The directory goes last, when nothing writes into it any more.
        let directory = tempfile::tempdir()?;
        let cluster = Cluster::start(mesos_local::Options::new(directory.path())).await?;
        let outcome = launch(cluster.master().to_string(), executor).await;
        cluster.shutdown().await;
        return outcome;
    };
    launch(master, executor).await
}

/// Runs the framework until all tasks have ended.
async fn launch(master: String, executor: Option<String>) -> Result<ExitCode, Box<dyn Error>> {
    let node = Node::builder().start().await?;
    let (report, outcome) = oneshot::channel();
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
    println!("{} of {TASKS} tasks finished", TASKS - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn whoami() -> String {
    std::env::var("USER").unwrap_or_else(|_| "root".into())
}
