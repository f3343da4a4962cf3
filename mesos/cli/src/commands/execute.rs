//! `mesos execute`: what Mesos calls `mesos-execute`.

mod flags;
mod plan;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use libprocess::Node;
use mesos_api::ContentType;
use mesos_api::v1::{FrameworkInfo, TaskId, TaskState};
use mesos_scheduler::{Config, Running};
use tokio::sync::mpsc;

use super::launcher::{Launcher, News, goodbye, no_room};
use super::run::{framework, user};
use super::status::{describe, is_terminal};
use crate::daemon::USAGE;
use crate::interrupt::Interrupts;
use crate::output::{line, note};

pub(crate) use flags::ExecuteFlags;

/// So long the master may take to hear that the framework ends.
const GOODBYE_MAX: Duration = Duration::from_secs(5);

/// Launches what the flags say and prints each update; success means that every task finished.
pub(crate) async fn execute(flags: ExecuteFlags) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::listen()?;
    let plan = match plan::plan(&flags) {
        Ok(plan) => plan,
        Err(wrong) => {
            crate::output::failure(&wrong);
            return Ok(ExitCode::from(USAGE));
        }
    };
    let mut open: Vec<TaskId> = plan.tasks.iter().map(|task| task.task_id.clone()).collect();
    let node = Node::builder().start().await.context("cannot listen on the loopback address")?;
    let (launcher, news) = Launcher::new(plan);
    let mut config = Config::new(&flags.master, info(&flags)?);
    config.answer_wait_max = flags.timeout;
    config.content_type = match flags.content_type.as_str() {
        "json" => ContentType::Json,
        _ => ContentType::Protobuf,
    };
    let running = mesos_scheduler::start(&node, config, launcher);
    let mut launched = false;
    let outcome = follow(&flags, &mut open, &mut launched, &running, news, &mut interrupts).await;
    if let Err(reason) = goodbye(running, GOODBYE_MAX).await
        && launched
        && !open.is_empty()
    {
        note(&format!("the tasks are left to themselves, for the master cannot be told: {reason}"));
    }
    node.shutdown().await;
    outcome
}

fn info(flags: &ExecuteFlags) -> anyhow::Result<FrameworkInfo> {
    use mesos_api::v1::framework_info::{Capability, capability};
    let mut info = framework("mesos-execute instance", &flags.role, &user());
    info.checkpoint = Some(flags.checkpoint);
    info.principal.clone_from(&flags.principal);
    for name in flags.framework_capabilities.iter().flat_map(|names| names.split(',')) {
        let kind = capability::Type::from_str_name(name.trim())
            .with_context(|| format!("--framework_capabilities: there is no capability '{name}'"))?;
        let capability = Capability { r#type: Some(kind as i32) };
        if !info.capabilities.contains(&capability) {
            info.capabilities.push(capability);
        }
    }
    Ok(info)
}

async fn follow(
    flags: &ExecuteFlags,
    open: &mut Vec<TaskId>,
    launched: &mut bool,
    running: &Running,
    mut news: mpsc::UnboundedReceiver<News>,
    interrupts: &mut Interrupts,
) -> anyhow::Result<ExitCode> {
    let kill_all = |open: &[TaskId]| {
        open.iter().for_each(|task| running.driver().kill(task.clone(), None, None));
    };
    let mut all_finished = true;
    let mut unavailable = None;
    let mut kill_at = None;
    while !open.is_empty() {
        tokio::select! {
            () = interrupts.next() => {
                if !*launched || kill_at == Some(None) {
                    return Ok(ExitCode::from(130));
                }
                if unavailable.is_some() {
                    note("the master is away: the tasks go on until it can be told; once more to leave them so");
                }
                kill_all(open);
                kill_at = Some(None);
            }
            () = until(kill_at.flatten()) => {
                kill_all(open);
                kill_at = None;
            }
            item = news.recv() => match item {
                Some(News::Unavailable(reason)) => {
                    // The same reason comes with every try.
                    if unavailable.as_ref() != Some(&reason) {
                        note(&format!("waiting for a master: {reason}"));
                    }
                    unavailable = Some(reason);
                }
                Some(News::Refused(text)) => note(&text),
                Some(News::Error(text)) => bail!("the master refuses: {text}"),
                Some(News::Subscribed(id)) => {
                    unavailable = None;
                    line(&format!("Subscribed with ID {id}"))?;
                    if kill_at == Some(None) {
                        kill_all(open);
                    }
                }
                Some(News::NoRoom { needed, offers }) => {
                    line(&no_room(&needed, &offers))?;
                }
                Some(News::Launched(agent)) => {
                    *launched = true;
                    for task in open.iter() {
                        line(&format!("Submitted task '{task}' to agent '{agent}'"))?;
                    }
                }
                Some(News::Update(status)) => {
                    line(&format!("Received status update {} for task '{}'", describe(&status), status.task_id))?;
                    let state = status.state();
                    if state == TaskState::TaskRunning && kill_at.is_none() {
                        kill_at = flags.kill_after.map(|after| Some(tokio::time::Instant::now() + after));
                    }
                    if is_terminal(state) {
                        all_finished &= state == TaskState::TaskFinished;
                        open.retain(|task| *task != status.task_id);
                    }
                }
                None => bail!("the connection to the master ended"),
            },
        }
    }
    Ok(if all_finished { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
