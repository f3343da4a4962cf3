//! How many tasks a second, and how long from an offer to a running task?

use std::collections::HashMap;
use std::error::Error;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libprocess::Node;
use mesos_api::v1::{CommandInfo, FrameworkInfo, Offer, TaskId, TaskInfo, TaskState, TaskStatus};
use mesos_benches::Limit;
use mesos_local::Cluster;
use mesos_resources::Resources;
use mesos_scheduler::{Config, Driver, Scheduler};
use tokio::sync::oneshot;

const AGENTS: usize = 2;
const NEEDS: &str = "cpus:0.01;mem:1";

/// A task costs at least the processes that it is made of: its container's helper, its executor, and
/// its command. So much of the rate at which this machine starts three processes in a row, each
/// waited for, a cluster must reach.
const SHARE_OF_PROCESS_RATE: f64 = 0.2;

pub(crate) struct Figures {
    tasks_per_second: f64,
    processes_per_second: f64,
    latencies: Vec<Duration>,
}

impl Figures {
    pub(crate) fn print(&self) {
        let quantile = |q: f64| {
            let at = (self.latencies.len() as f64 * q) as usize;
            self.latencies
                .get(at.min(self.latencies.len().saturating_sub(1)))
                .map_or(f64::NAN, Duration::as_secs_f64)
        };
        println!("tasks per second, {AGENTS} agents:        {:.1}", self.tasks_per_second);
        println!("three processes in a row per second: {:.1}", self.processes_per_second / 3.0);
        println!(
            "offer to TASK_RUNNING of one task:   {:.1} ms median, {:.1} ms of 99 in 100",
            quantile(0.5) * 1e3,
            quantile(0.99) * 1e3
        );
        let share = self.tasks_per_second / (self.processes_per_second / 3.0);
        println!("{}", Limit::AtLeast(SHARE_OF_PROCESS_RATE).bar("cluster/share_of_process_rate", share));
        println!("{}", Limit::AtMost(100.0).bar("cluster/offer_to_running_ms", quantile(0.5) * 1e3));
    }
}

pub(crate) fn measure(tasks: usize) -> Result<Figures, Box<dyn Error>> {
    let processes_per_second = process_rate(tasks.min(100))?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let directory = tempfile::tempdir()?;
        let mut options = mesos_local::Options::new(directory.path());
        options.agents = AGENTS;
        options.agent_resources = Some("cpus:64;mem:65536;disk:65536".into());
        let cluster = Cluster::start(options).await?;
        let master = cluster.master().to_string();
        let together = run(&master, tasks, tasks).await?;
        let alone = run(&master, tasks.min(40), 1).await?;
        cluster.shutdown().await;
        let mut latencies = alone.latencies;
        latencies.sort_unstable();
        let tasks_per_second = tasks as f64 / together.elapsed.as_secs_f64();
        Ok(Figures { tasks_per_second, processes_per_second, latencies })
    })
}

/// How many processes a second this machine starts and waits for, one after the other.
fn process_rate(count: usize) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    for _ in 0..count {
        Command::new("true").stdin(Stdio::null()).status()?;
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

struct Outcome {
    elapsed: Duration,
    latencies: Vec<Duration>,
}

/// Runs `count` tasks, at most `at_once` of them at a time.
async fn run(master: &str, count: usize, at_once: usize) -> Result<Outcome, Box<dyn Error>> {
    let node = Node::builder().start().await?;
    let (report, outcome) = oneshot::channel();
    let framework = Framework {
        count,
        at_once,
        launched: 0,
        live: HashMap::new(),
        start: Instant::now(),
        latencies: Vec::new(),
        finished: 0,
        report: Some(report),
    };
    let info = FrameworkInfo { user: "root".into(), name: "bench".into(), ..Default::default() };
    let running = mesos_scheduler::start(&node, Config::new(master, info), framework);
    let outcome = outcome.await?;
    running.wait().await?;
    node.shutdown().await;
    Ok(outcome?)
}

struct Framework {
    count: usize,
    at_once: usize,
    launched: usize,
    /// When the offer came that each task runs on.
    live: HashMap<TaskId, Instant>,
    start: Instant,
    latencies: Vec<Duration>,
    finished: usize,
    report: Option<oneshot::Sender<Result<Outcome, String>>>,
}

impl Scheduler for Framework {
    fn offers(&mut self, driver: &Driver, offers: Vec<Offer>) {
        let came = Instant::now();
        for offer in offers {
            let room = self.at_once.saturating_sub(self.live.len()).min(self.count - self.launched);
            // Both agents get their part.
            let share = if self.at_once == 1 { room } else { room.min(self.count.div_ceil(AGENTS)) };
            let tasks: Vec<_> = (0..share).map(|n| task(self.launched + n, &offer)).collect();
            self.launched += tasks.len();
            self.live.extend(tasks.iter().map(|task| (task.task_id.clone(), came)));
            if tasks.is_empty() {
                driver.decline([offer.id], None);
            } else {
                driver.launch([offer.id], tasks);
            }
        }
    }

    fn update(&mut self, driver: &Driver, status: TaskStatus) {
        match status.state() {
            TaskState::TaskStarting => {}
            TaskState::TaskRunning => {
                if let Some(offered) = self.live.get(&status.task_id) {
                    self.latencies.push(offered.elapsed());
                }
            }
            TaskState::TaskFinished => {
                self.live.remove(&status.task_id);
                self.finished += 1;
                if self.finished == self.count {
                    self.end(driver, None);
                } else if self.live.len() < self.at_once && self.launched < self.count {
                    driver.revive(Vec::new());
                }
            }
            state => self.end(driver, Some(format!("{state:?}: {}", status.message()))),
        }
    }

    fn error(&mut self, driver: &Driver, text: String) {
        self.end(driver, Some(text));
    }
}

impl Framework {
    fn end(&mut self, driver: &Driver, failure: Option<String>) {
        let Some(report) = self.report.take() else { return };
        let outcome =
            Outcome { elapsed: self.start.elapsed(), latencies: std::mem::take(&mut self.latencies) };
        // Whoever waits is gone only when the benchmark is.
        let _ = report.send(failure.map_or(Ok(outcome), Err));
        driver.teardown();
    }
}

fn task(n: usize, offer: &Offer) -> TaskInfo {
    let needs = Resources::parse(NEEDS, "*").expect("the text above is right");
    TaskInfo {
        name: "true".into(),
        task_id: format!("task-{n}").into(),
        agent_id: offer.agent_id.clone(),
        resources: needs.to_protos(),
        command: Some(CommandInfo { value: Some("true".into()), ..Default::default() }),
        ..Default::default()
    }
}
