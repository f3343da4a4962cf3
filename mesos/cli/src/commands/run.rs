//! `mesos run`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use libprocess::Node;
use mesos_api::v1::framework_info::{Capability, capability};
use mesos_api::v1::{
    AgentId, CommandInfo, DurationInfo, Environment, ExecutorId, FrameworkId, FrameworkInfo, KillPolicy,
    TaskId, TaskInfo, TaskStatus, command_info, environment,
};
use mesos_local::Cluster;
use mesos_resources::Resources;
use mesos_scheduler::{Config, Running};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::launcher::{Launcher, News, Plan};
use super::status::{describe, exit_status, is_of_command, is_terminal};
use crate::api::{Api, NotFound};
use crate::args::Run;
use crate::interrupt::Interrupts;
use crate::output::{note, paint};
use crate::sandbox::Sandbox;

/// How often the output of the task is looked at.
const OUTPUT_INTERVAL: Duration = Duration::from_millis(50);

/// How long the last output of a task may take to come after its end.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// So long the framework is given to say goodbye.
const TEARDOWN_MAX: Duration = Duration::from_secs(5);

/// Without news for so long, whoever waits is told what for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs one command as a task, on the cluster of a master or on one made for it.
pub(super) async fn run(args: Run) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::listen()?;
    let task = task(&args)?;
    if let Some(master) = &args.master {
        return follow(&args, master, task, &mut interrupts).await;
    }
    // The directory goes last, when nothing writes into it any more.
    let (options, _directory) = super::local::embedded()?;
    let cluster = Cluster::start(options).await.context("cannot start a cluster")?;
    let outcome = follow(&args, &cluster.master().to_string(), task, &mut interrupts).await;
    cluster.shutdown().await;
    outcome
}

fn task(args: &Run) -> anyhow::Result<TaskInfo> {
    let resources = Resources::parse(&args.resources, "*").context("--resources cannot be read")?;
    let grace_period = stout::duration::parse(&args.grace_period).context("--grace-period cannot be read")?;
    let nanoseconds = i64::try_from(grace_period.as_nanos()).context("--grace-period is too long")?;
    let variables = args.environment.iter().map(|text| variable(text)).collect::<anyhow::Result<Vec<_>>>()?;
    let uris = args.uris.iter().map(|value| command_info::Uri { value: value.clone(), ..Default::default() });
    let mut command = CommandInfo {
        environment: Some(Environment { variables }),
        uris: uris.collect(),
        user: args.user.clone(),
        ..Default::default()
    };
    match args.command.as_slice() {
        [line] if !after_dashes(&args.command, std::env::args()) => {
            command.shell = Some(true);
            command.value = Some(line.clone());
        }
        [program, ..] => {
            command.shell = Some(false);
            command.value = Some(program.clone());
            command.arguments.clone_from(&args.command);
        }
        [] => bail!("there is no command to run"),
    }
    Ok(TaskInfo {
        name: args.name.clone(),
        task_id: TaskId { value: format!("{}-{}", args.name, uuid::Uuid::new_v4()) },
        resources: resources.to_protos(),
        command: Some(command),
        kill_policy: Some(KillPolicy { grace_period: Some(DurationInfo { nanoseconds }) }),
        ..Default::default()
    })
}

/// Whether `--` stands right before the command: then even one word is a program, not a shell command.
fn after_dashes(command: &[String], line: impl Iterator<Item = String>) -> bool {
    let line: Vec<String> = line.collect();
    line.strip_suffix(command).and_then(<[String]>::last).is_some_and(|word| word == "--")
}

fn variable(text: &str) -> anyhow::Result<environment::Variable> {
    let (name, value) = text.split_once('=').with_context(|| format!("--env '{text}' is not NAME=VALUE"))?;
    if name.is_empty() {
        bail!("--env '{text}' has no name");
    }
    Ok(environment::Variable { name: name.to_owned(), value: Some(value.to_owned()), ..Default::default() })
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
    master: &str,
    task: TaskInfo,
    interrupts: &mut Interrupts,
) -> anyhow::Result<ExitCode> {
    let node = Node::builder().start().await.context("cannot listen on the loopback address")?;
    let task_id = task.task_id.clone();
    let (launcher, news) = Launcher::new(Plan { tasks: vec![task], group: None });
    let info = framework("mesos run", &args.role, &user());
    let running = mesos_scheduler::start(&node, Config::new(master, info), launcher);
    let mut follower = Follower {
        quiet: args.quiet,
        master: Api::new(master),
        task_id,
        framework: None,
        agent: None,
        output: None,
        killed: false,
    };
    let outcome = follower.follow(&running, news, interrupts).await;
    follower.drain().await;
    running.driver().teardown();
    let _ = tokio::time::timeout(TEARDOWN_MAX, running.wait()).await;
    node.shutdown().await;
    outcome
}

struct Follower {
    quiet: bool,
    master: Api,
    task_id: TaskId,
    framework: Option<FrameworkId>,
    agent: Option<AgentId>,
    output: Option<Output>,
    killed: bool,
}

impl Follower {
    /// Goes along with the task until it is over.
    async fn follow(
        &mut self,
        running: &Running,
        mut news: mpsc::UnboundedReceiver<News>,
        interrupts: &mut Interrupts,
    ) -> anyhow::Result<ExitCode> {
        loop {
            tokio::select! {
                () = interrupts.next() => {
                    if self.killed || self.agent.is_none() {
                        return Ok(ExitCode::from(130));
                    }
                    self.killed = true;
                    self.say("killing the task; once more to leave at once");
                    running.driver().kill(self.task_id.clone(), self.agent.clone(), None);
                }
                // As a pipe does to a command whose reader has gone.
                () = broken(self.output.as_ref()), if !self.killed => {
                    self.killed = true;
                    self.say("nobody reads the output any more: killing the task");
                    running.driver().kill(self.task_id.clone(), self.agent.clone(), None);
                }
                () = tokio::time::sleep(PATIENCE), if self.agent.is_none() => {
                    self.say(if self.framework.is_some() {
                        "waiting for an offer with room for the task"
                    } else {
                        "waiting for the master to answer"
                    });
                }
                item = news.recv() => match item {
                    Some(News::Error(text)) => bail!("the master refuses: {text}"),
                    Some(News::Subscribed(id)) => self.framework = Some(id),
                    Some(News::NoRoom { needed, offers }) => {
                        self.say(&format!("none of {offers} offers has room for {needed}"));
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

    /// Tells of an update; gives the exit status once the task is over.
    fn update(&mut self, status: &TaskStatus) -> Option<ExitCode> {
        if status.task_id != self.task_id {
            return None;
        }
        self.say(&describe(status));
        if self.output.is_none() && status.agent_id.is_some() {
            self.output = self.start_output();
        }
        if !is_terminal(status.state()) {
            return None;
        }
        if self.quiet && !self.killed && !is_of_command(status) {
            note(&format!("[{}] {}", self.task_id, describe(status)));
        }
        let code = exit_status(status);
        Some(ExitCode::from(if self.killed && (code == 1 || code > 128) { 130 } else { code }))
    }

    fn start_output(&self) -> Option<Output> {
        let (framework, agent) = (self.framework.clone()?, self.agent.clone()?);
        let executor = ExecutorId { value: self.task_id.value.clone() };
        let master = self.master.clone();
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let broken = Arc::new(Notify::new());
        let notice = Arc::clone(&broken);
        let copying = tokio::spawn(async move {
            let sandbox = Sandbox::of(&master, &agent, &framework, &executor).await?;
            let out = copy(&sandbox, "stdout", &seen, std::io::stdout);
            let err = copy(&sandbox, "stderr", &seen, std::io::stderr);
            let copied = tokio::try_join!(out, err).map(|_| ());
            if copied.as_ref().is_err_and(anyhow::Error::is::<CannotWrite>) {
                notice.notify_one();
            }
            copied
        });
        Some(Output { over, broken, copying })
    }

    /// Waits for the last output of a task that is over.
    async fn drain(&mut self) {
        let Some(output) = self.output.take() else { return };
        output.over.store(true, Ordering::Release);
        match tokio::time::timeout(DRAIN_MAX, output.copying).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => note(&format!("cannot read all output of the task: {error:#}")),
            Ok(Err(_)) | Err(_) => note("cannot read all output of the task in time"),
        }
    }

    fn say(&self, text: &str) {
        if !self.quiet {
            note(&paint(std::io::stderr().is_terminal(), "2", &format!("[{}] {text}", self.task_id)));
        }
    }
}

/// Ends once the output of the task can go nowhere.
async fn broken(output: Option<&Output>) {
    match output {
        Some(output) => output.broken.notified().await,
        None => std::future::pending().await,
    }
}

/// Our own output takes nothing more.
#[derive(Debug)]
struct CannotWrite;

impl std::fmt::Display for CannotWrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cannot write the output")
    }
}

/// What copies the output of the task to ours.
struct Output {
    over: Arc<AtomicBool>,
    broken: Arc<Notify>,
    copying: JoinHandle<anyhow::Result<()>>,
}

/// Copies a file of the sandbox as it grows, until the task is over and all was read.
async fn copy<W: Write>(
    sandbox: &Sandbox,
    path: &str,
    over: &AtomicBool,
    writer: impl Fn() -> W,
) -> anyhow::Result<()> {
    let write = |data: &[u8]| {
        let mut writer = writer();
        writer.write_all(data).and_then(|()| writer.flush()).context(CannotWrite)
    };
    let rotated = format!("{path}.1");
    let mut offset = 0;
    loop {
        // Before the read: what the task wrote before its end is there to be read then.
        let last = over.load(Ordering::Acquire);
        let (data, size) = match sandbox.read(path, offset).await {
            // A task that ended before it began has no output.
            Err(error) if last && offset == 0 && error.is::<NotFound>() => return Ok(()),
            // It comes, or it is being rotated.
            Err(error) if error.is::<NotFound>() => (Vec::new(), 0),
            read => read?,
        };
        if !data.is_empty() {
            offset += data.len() as u64;
            write(&data)?;
        } else if size < offset {
            // The file was rotated, and goes on under its old name.
            loop {
                let rest = match sandbox.read(&rotated, offset).await {
                    Err(error) if error.is::<NotFound>() => break,
                    read => read?.0,
                };
                if rest.is_empty() {
                    break;
                }
                offset += rest.len() as u64;
                write(&rest)?;
            }
            offset = 0;
        } else if last {
            return Ok(());
        } else {
            tokio::time::sleep(OUTPUT_INTERVAL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_after_dashes_is_a_program() {
        let check = |line: &str, command: &str, expected| {
            let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(after_dashes(&words(command), words(line).into_iter()), expected, "{line}");
        };
        check("mesos run -- /bin/true", "/bin/true", true);
        check("mesos run -q -- ls -l", "ls -l", true);
        check("mesos run true", "true", false);
        check("mesos run echo -- x", "echo -- x", false);
    }

    #[test]
    fn variables_have_names() {
        assert!(variable("A=b=c").is_ok_and(|it| it.name == "A" && it.value() == "b=c"));
        assert!(variable("A").is_err() && variable("=b").is_err());
    }
}
