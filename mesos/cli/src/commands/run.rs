//! `mesos run`.

mod output;
mod own_lines;
mod task;
mod voice;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use libprocess::Node;
use mesos_api::v1::framework_info::{Capability, capability};
use mesos_api::v1::{AgentId, FrameworkId, FrameworkInfo, TaskId, TaskInfo, TaskStatus};
use mesos_local::{Cluster, StartError};
use mesos_scheduler::{Config, Running};
use tokio::sync::mpsc;

use super::launcher::{Launcher, News, Plan, goodbye, no_room};
use super::status::{describe, exit_status, is_of_command, is_terminal};
use crate::address::Address;
use crate::api::Api;
use crate::args::Run;
use crate::interrupt::Interrupts;
use crate::output::{Closed, NOBODY_READS, note};
use crate::temporary::Temporary;
use output::Output;
use own_lines::OwnLines;
use voice::Voice;

/// Without news for so long, whoever waits is told what for.
const PATIENCE: Duration = Duration::from_secs(10);

/// So long the master may take to hear that the framework ends, and where whoever runs this has no patience.
const GOODBYE_MAX: Duration = Duration::from_secs(5);
const GOODBYE_MAX_AT_ONCE: Duration = Duration::from_secs(1);

/// So long a master waits for this command when the connection has broken, before it kills the task.
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(10);

/// The status of a command that Ctrl-C has ended.
const INTERRUPTED: u8 = 128 + 2;

/// Runs one command as a task, on the cluster of a master or on one made for it. The directory of that may be written to
/// until the runtime has ended.
pub(super) async fn run(args: Run, directory: &mut Option<Temporary>) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::listen()?;
    let task = task::task(&args)?;
    if let Some(master) = &args.master {
        return follow(&args, master, task, &mut interrupts).await.status;
    }
    let options = super::local::embedded(directory)?;
    let cluster = match Cluster::start_unless(options, interrupts.next()).await {
        Err(StartError::Stopped) => return Ok(ExitCode::from(INTERRUPTED)),
        started => started.context("cannot start a cluster")?,
    };
    let outcome = match cluster.master().to_string().parse() {
        Ok(master) => follow(&args, &master, task, &mut interrupts).await,
        Err(problem) => Outcome { status: Err(anyhow::Error::msg(problem)), at_once: true },
    };
    match outcome.at_once {
        true => cluster.kill().await,
        false => super::local::end(&cluster, &mut interrupts).await,
    }
    outcome.status
}

/// What has come of it.
struct Outcome {
    status: anyhow::Result<ExitCode>,
    /// Whoever runs this does not want to wait for anything more.
    at_once: bool,
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

async fn follow(args: &Run, master: &Address, task: TaskInfo, interrupts: &mut Interrupts) -> Outcome {
    let node = match Node::builder().start().await.context("cannot listen on the loopback address") {
        Ok(node) => node,
        Err(error) => return Outcome { status: Err(error), at_once: false },
    };
    let task_id = task.task_id.clone();
    let uris = task.command.iter().flat_map(|command| &command.uris).map(|uri| uri.value.clone()).collect();
    let (launcher, news) = Launcher::new(Plan { tasks: vec![task], group: None });
    let mut info = framework("mesos run", &args.role, &user());
    info.failover_timeout = Some(FAILOVER_TIMEOUT.as_secs_f64());
    let mut config = Config::new(master.url(""), info);
    config.answer_wait_max = args.timeout;
    let running = mesos_scheduler::start(&node, config, launcher);
    let mut follower = Follower {
        voice: Voice::new(task_id.clone(), args.quiet),
        own_cluster: args.master.is_none(),
        timeout: args.timeout,
        grace_period: args.grace_period,
        api: Api::new("master", " (--master)", master.clone(), args.timeout),
        master: master.clone(),
        task_id,
        uris,
        framework: None,
        agent: None,
        output: None,
        end: None,
        unavailable: None,
        over: None,
        at_once: false,
    };
    let mut status = follower.follow(&running, news, interrupts).await;
    match follower.drain(interrupts).await {
        Some(code) if status.is_ok() => status = Ok(code),
        _ => {}
    }
    // With a cluster of our own everything ends with it.
    if !(follower.own_cluster && follower.at_once) {
        follower.goodbye(running).await;
    }
    node.shutdown().await;
    Outcome { status, at_once: follower.at_once }
}

struct Follower {
    voice: Voice,
    /// The cluster was made for this command.
    own_cluster: bool,
    timeout: Duration,
    grace_period: Duration,
    master: Address,
    api: Api,
    task_id: TaskId,
    /// What is fetched for it.
    uris: Vec<String>,
    framework: Option<FrameworkId>,
    agent: Option<AgentId>,
    output: Option<Output>,
    /// The task was killed, and this is the status for it.
    end: Option<u8>,
    /// Why there is no master now.
    unavailable: Option<String>,
    /// How the task ended, or that nobody here will know.
    over: Option<String>,
    /// Nobody wants to wait any more.
    at_once: bool,
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
                        self.at_once = true;
                        return Ok(ExitCode::from(INTERRUPTED));
                    }
                    self.kill(running, INTERRUPTED, "killing the task; once more to leave at once");
                    self.tell_if_away();
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
                () = tokio::time::sleep(PATIENCE), if self.agent.is_none() => match &self.framework {
                    Some(_) => self.voice.say_at_length("waiting for an offer with room for the task".to_owned()),
                    None => self.voice.say(&format!("waiting for the master at {}", self.master)),
                },
                item = news.recv() => match item {
                    Some(item) => if let Some(code) = self.hear(running, item)? {
                        return Ok(code);
                    },
                    None => bail!("the connection to the master ended"),
                },
            }
        }
    }

    /// Takes in what the framework tells; gives the exit status once the task is over.
    fn hear(&mut self, running: &Running, news: News) -> anyhow::Result<Option<ExitCode>> {
        match news {
            News::Unavailable(reason) => {
                self.voice.say_once(format!("waiting for a master: {reason}"));
                let before = self.unavailable.replace(reason);
                if self.end.is_some() && before.is_none() {
                    self.tell_if_away();
                }
            }
            News::Refused(text) => self.voice.say(&text),
            News::Error(text) => {
                self.over = Some(text.clone());
                bail!("the master refuses: {text}");
            }
            News::Subscribed(id) => {
                self.framework = Some(id);
                self.unavailable = None;
                if self.end.is_some() {
                    // What was asked of the master before may not have reached it.
                    running.driver().kill(self.task_id.clone(), self.agent.clone(), None);
                }
            }
            News::NoRoom { needed, offers } if self.own_cluster => bail!(
                "the task needs {needed} (--resources), and a cluster made on this machine has {}",
                offers.join(", or ")
            ),
            News::NoRoom { needed, offers } => self.voice.say_at_length(no_room(&needed, &offers)),
            News::Launched(agent) => self.agent = Some(agent),
            News::Update(status) => return Ok(self.update(&status)),
        }
        Ok(None)
    }

    /// Kills the task, after which `status` is that of this command.
    fn kill(&mut self, running: &Running, status: u8, why: &str) {
        self.end = Some(status);
        self.voice.say(why);
        running.driver().kill(self.task_id.clone(), self.agent.clone(), None);
    }

    /// Who has the task killed is told that this may take.
    fn tell_if_away(&self) {
        if let Some(reason) = &self.unavailable {
            self.voice.warn(&format!(
                "the master at {} is away ({reason}): the task goes on until it can be told to kill it; once more to \
                 leave the task running",
                self.master
            ));
        }
    }

    /// The output is copied no more. Where it cannot be written, the task goes, as with a pipe whose reader has gone.
    fn broken(&mut self, running: &Running, error: &anyhow::Error) {
        match unwritable(error) {
            Some(status) if self.end.is_none() => {
                let why = format!("{error:#}: killing the task");
                // Whose reader has gone is not told of, as everywhere.
                if status != NOBODY_READS && self.voice.is_quiet() {
                    self.voice.warn(&why);
                }
                self.kill(running, status, &why);
            }
            Some(_) => {}
            None => note(&format!("cannot read the output of the task any more: {error:#}")),
        }
    }

    /// Tells of an update; gives the exit status once the task is over.
    fn update(&mut self, status: &TaskStatus) -> Option<ExitCode> {
        if status.task_id != self.task_id {
            return None;
        }
        self.voice.say(&describe(status));
        if self.output.is_none() && status.agent_id.is_some() {
            let (framework, agent) = (self.framework.clone()?, self.agent.clone()?);
            let own = OwnLines::new(&self.task_id, &self.uris, self.grace_period);
            self.output = Some(Output::start(self.api.clone(), agent, framework, &self.task_id, own));
        }
        if !is_terminal(status.state()) {
            return None;
        }
        if self.voice.is_quiet() && self.end.is_none() && !is_of_command(status) {
            self.voice.warn(&describe(status));
        }
        self.over = Some(status.message().to_owned());
        let code = exit_status(status);
        // A command that ends well though it was told to end has its own status; one whose output is lost has not.
        let told = self.end.filter(|end| *end != INTERRUPTED || code == 1 || code > 128);
        Some(ExitCode::from(told.unwrap_or(code)))
    }

    /// Waits for the last output of a task that is over; gives the exit status where that does not all come out.
    async fn drain(&mut self, interrupts: &mut Interrupts) -> Option<ExitCode> {
        let output = self.output.take()?;
        tokio::select! {
            drained = output.drain(self.over.as_deref().unwrap_or_default()) => {
                let error = drained.err()?;
                if !error.is::<Closed>() {
                    note(&format!("not all output of the task could be copied: {error:#}"));
                }
                Some(ExitCode::from(unwritable(&error).unwrap_or(1)))
            }
            () = interrupts.next() => {
                self.at_once = true;
                Some(ExitCode::from(INTERRUPTED))
            }
        }
    }

    /// Ends the framework, and says what goes on nevertheless.
    async fn goodbye(&self, running: Running) {
        let wait_max = if self.at_once { GOODBYE_MAX_AT_ONCE } else { GOODBYE_MAX };
        let Err(reason) = goodbye(running, wait_max).await else { return };
        if self.over.is_some() || self.agent.is_none() {
            return;
        }
        let framework = self.framework.as_ref().map(ToString::to_string).unwrap_or_default();
        self.voice.warn(&format!(
            "the task is left running, for the master cannot be told ({reason}). A master that has only lost the \
             connection kills it after {}; one that was started again meanwhile never does by itself. To kill it \
             when the master is back: curl -d frameworkId={framework} {}",
            stout::duration::format(FAILOVER_TIMEOUT),
            self.master.url("/master/teardown")
        ));
    }
}

/// The exit status where the output can go nowhere.
fn unwritable(error: &anyhow::Error) -> Option<u8> {
    match error {
        error if error.is::<Closed>() => Some(NOBODY_READS),
        error if error.is::<std::io::Error>() => Some(1),
        _ => None,
    }
}

/// Ends once the output of the task can go nowhere, with the reason.
async fn broken(output: Option<&mut Output>) -> anyhow::Error {
    match output {
        Some(output) => output.broken().await,
        None => std::future::pending().await,
    }
}
