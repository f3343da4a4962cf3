//! `mesos run`.

mod output;
mod task;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use libprocess::Node;
use mesos_api::v1::framework_info::{Capability, capability};
use mesos_api::v1::{AgentId, FrameworkId, FrameworkInfo, TaskId, TaskInfo, TaskStatus};
use mesos_local::Cluster;
use mesos_scheduler::{Config, Running};
use tokio::sync::mpsc;

use super::launcher::{Launcher, News, Plan};
use super::status::{describe, exit_status, is_of_command, is_terminal};
use crate::address::Address;
use crate::api::Api;
use crate::args::Run;
use crate::interrupt::Interrupts;
use crate::output::{Closed, NOBODY_READS, note, paint};
use output::Output;

/// So long the framework is given to say goodbye.
const TEARDOWN_MAX: Duration = Duration::from_secs(5);

/// Without news for so long, whoever waits is told what for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The status of a command that Ctrl-C has ended.
const INTERRUPTED: u8 = 128 + 2;

/// Runs one command as a task, on the cluster of a master or on one made for it.
pub(super) async fn run(args: Run) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::listen()?;
    let task = task::task(&args)?;
    if let Some(master) = &args.master {
        return follow(&args, master, task, &mut interrupts).await;
    }
    // The directory goes last, when nothing writes into it any more.
    let (options, _directory) = super::local::embedded()?;
    let cluster = Cluster::start(options).await.context("cannot start a cluster")?;
    let outcome = match cluster.master().to_string().parse() {
        Ok(master) => follow(&args, &master, task, &mut interrupts).await,
        Err(problem) => Err(anyhow::Error::msg(problem)),
    };
    cluster.shutdown().await;
    outcome
}

/// The framework that a command of ours is to the master.
pub(super) fn framework(name: &str, role: &str, user: &str) -> FrameworkInfo {
    let capabilities = [
        capability::Type::MultiRole,
        capability::Type::ReservationRefinement,
        capability::Type::PartitionAware,
        capability::Type::TaskKillingState,
    ];
    FrameworkInfo {
        user: user.to_owned(),
        name: name.to_owned(),
        roles: vec![role.to_owned()],
        capabilities: capabilities.map(|kind| Capability { r#type: Some(kind as i32) }).to_vec(),
        hostname: nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()),
        ..Default::default()
    }
}

/// The user who runs this.
pub(super) fn user() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid());
    user.ok().flatten().map_or_else(|| nix::unistd::geteuid().to_string(), |user| user.name)
}

async fn follow(
    args: &Run,
    master: &Address,
    task: TaskInfo,
    interrupts: &mut Interrupts,
) -> anyhow::Result<ExitCode> {
    let node = Node::builder().start().await.context("cannot listen on the loopback address")?;
    let task_id = task.task_id.clone();
    let (launcher, news) = Launcher::new(Plan { tasks: vec![task], group: None });
    let mut config = Config::new(master.url(""), framework("mesos run", &args.role, &user()));
    config.answer_wait_max = args.timeout;
    let running = mesos_scheduler::start(&node, config, launcher);
    let mut follower = Follower {
        quiet: args.quiet,
        timeout: args.timeout,
        api: Api::new("master", " (--master)", master.clone(), args.timeout),
        master: master.clone(),
        task_id,
        framework: None,
        agent: None,
        output: None,
        end: None,
        unavailable: None,
        said: String::new(),
    };
    let mut outcome = follower.follow(&running, news, interrupts).await;
    if !follower.drain(interrupts).await {
        outcome = outcome.map(|_| ExitCode::from(INTERRUPTED));
    }
    running.driver().teardown();
    let _ = tokio::time::timeout(TEARDOWN_MAX, running.wait()).await;
    node.shutdown().await;
    outcome
}

struct Follower {
    quiet: bool,
    timeout: Duration,
    master: Address,
    api: Api,
    task_id: TaskId,
    framework: Option<FrameworkId>,
    agent: Option<AgentId>,
    output: Option<Output>,
    /// The task was killed, and this is the status for it.
    end: Option<u8>,
    /// Why there is no master.
    unavailable: Option<String>,
    /// What was said last of that which comes again and again.
    said: String,
}

impl Follower {
    /// Goes along with the task until it is over.
    async fn follow(
        &mut self,
        running: &Running,
        mut news: mpsc::UnboundedReceiver<News>,
        interrupts: &mut Interrupts,
    ) -> anyhow::Result<ExitCode> {
        let subscribed_by = tokio::time::Instant::now() + self.timeout;
        loop {
            tokio::select! {
                () = interrupts.next() => {
                    if self.end.is_some() || self.agent.is_none() {
                        // Its output does not matter any more.
                        self.output = None;
                        return Ok(ExitCode::from(INTERRUPTED));
                    }
                    self.kill(running, INTERRUPTED, "killing the task; once more to leave at once");
                }
                error = broken(self.output.as_mut()) => self.broken(running, &error),
                () = tokio::time::sleep_until(subscribed_by), if self.framework.is_none() => {
                    let reason = self.unavailable.as_deref().unwrap_or("no answer");
                    let wait = stout::duration::format(self.timeout);
                    bail!(
                        "the master at {} (--master) did not let the framework in within {wait} (--timeout): {reason}",
                        self.master
                    );
                }
                () = tokio::time::sleep(PATIENCE), if self.agent.is_none() => {
                    self.say(&match &self.framework {
                        Some(_) => "waiting for an offer with room for the task".to_owned(),
                        None => format!("waiting for the master at {}", self.master),
                    });
                }
                item = news.recv() => match item {
                    Some(News::Unavailable(reason)) => {
                        self.say_once(format!("waiting for a master: {reason}"));
                        self.unavailable = Some(reason);
                    }
                    Some(News::Refused(text)) => self.say(&text),
                    Some(News::Error(text)) => bail!("the master refuses: {text}"),
                    Some(News::Subscribed(id)) => self.framework = Some(id),
                    Some(News::NoRoom { needed, offers }) => {
                        let offers = if offers == 1 { "the offer that came has no".to_owned() }
                            else { format!("none of {offers} offers has") };
                        self.say_once(format!("{offers} room for {needed}"));
                    }
                    Some(News::Launched(agent)) => self.agent = Some(agent),
                    Some(News::Update(status)) => {
                        if let Some(code) = self.update(&status) {
                            return Ok(code);
                        }
                    }
                    None => bail!("the connection to the master ended"),
                },
            }
        }
    }

    /// Kills the task, after which `status` is that of this command.
    fn kill(&mut self, running: &Running, status: u8, why: &str) {
        self.end = Some(status);
        self.say(why);
        running.driver().kill(self.task_id.clone(), self.agent.clone(), None);
    }

    /// The output is copied no more. Where it cannot be written, the task goes, as with a pipe whose reader has gone.
    fn broken(&mut self, running: &Running, error: &anyhow::Error) {
        let unwritable = error.is::<Closed>() || error.is::<std::io::Error>();
        if unwritable && self.end.is_none() {
            let status = if error.is::<Closed>() { NOBODY_READS } else { 1 };
            self.kill(running, status, &format!("{error:#}: killing the task"));
        } else if !unwritable {
            note(&format!("cannot read the output of the task any more: {error:#}"));
        }
    }

    /// Tells of an update; gives the exit status once the task is over.
    fn update(&mut self, status: &TaskStatus) -> Option<ExitCode> {
        if status.task_id != self.task_id {
            return None;
        }
        self.say(&describe(status));
        if self.output.is_none() && status.agent_id.is_some() {
            let (framework, agent) = (self.framework.clone()?, self.agent.clone()?);
            self.output = Some(Output::start(self.api.clone(), agent, framework, &self.task_id));
        }
        if !is_terminal(status.state()) {
            return None;
        }
        if self.quiet && self.end.is_none() && !is_of_command(status) {
            note(&format!("[{}] {}", self.task_id, describe(status)));
        }
        let code = exit_status(status);
        Some(ExitCode::from(self.end.filter(|_| code == 1 || code > 128).unwrap_or(code)))
    }

    /// Waits for the last output of a task that is over; says whether nobody interrupted that.
    async fn drain(&mut self, interrupts: &mut Interrupts) -> bool {
        let Some(output) = self.output.take() else { return true };
        tokio::select! {
            drained = output.drain() => {
                if let Err(error) = drained
                    && !error.is::<Closed>()
                {
                    note(&format!("cannot read all output of the task: {error:#}"));
                }
                true
            }
            () = interrupts.next() => false,
        }
    }

    fn say_once(&mut self, text: String) {
        if text != self.said {
            self.say(&text);
            self.said = text;
        }
    }

    fn say(&self, text: &str) {
        if !self.quiet {
            note(&paint(std::io::stderr().is_terminal(), "2", &format!("[{}] {text}", self.task_id)));
        }
    }
}

/// Ends once the output of the task can go nowhere, with the reason.
async fn broken(output: Option<&mut Output>) -> anyhow::Error {
    match output {
        Some(output) => output.broken().await,
        None => std::future::pending().await,
    }
}
