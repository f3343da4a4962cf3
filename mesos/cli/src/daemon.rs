//! The commands whose flags are those of the daemons: `master`, `agent`, `local`, `execute`.

use std::future::Future;
use std::process::ExitCode;

use anyhow::Context as _;
use mesos_agent::{Agent, AgentFlags, Parts};
use mesos_daemon::logging;
use mesos_master::{Components, Master};
use stout::flags::{Flags, Parsed, Parser};

use crate::commands::{execute, local};
use crate::interrupt::Interrupts;
use crate::output::{self, note};

/// Runs the daemon that the arguments call for, if they do.
pub(crate) fn dispatch(arguments: &[String]) -> Option<ExitCode> {
    let rest = arguments.get(2..).unwrap_or_default();
    match arguments.get(1)?.as_str() {
        "master" => Some(with_flags("mesos master", MASTER, rest, master)),
        "agent" => Some(with_flags("mesos agent", AGENT, rest, agent)),
        "local" => Some(with_flags("mesos local", LOCAL, rest, local)),
        "execute" => Some(with_flags("mesos execute", EXECUTE, rest, execute)),
        _ => None,
    }
}

const MASTER: &str = "Runs a master: it offers the resources of its agents to frameworks.";
const AGENT: &str = "Runs an agent: it runs the tasks that frameworks launch on it.";
const LOCAL: &str = "Serves a cluster of one master and some agents in this process, until Ctrl-C. \
    All flags of master and agent that are not listed here are read from the environment, as MESOS_NAME.";
const EXECUTE: &str =
    "Launches a task or a task group, prints each update, and succeeds if all of it finished.";

/// Reads the flags from arguments and environment, and runs what they are for.
fn with_flags<F: Flags, R>(
    program: &str,
    about: &str,
    arguments: &[String],
    run: impl FnOnce(F) -> R,
) -> ExitCode
where
    R: Future<Output = anyhow::Result<ExitCode>>,
{
    let parser = Parser::new(program, about).environment("MESOS_");
    match parser.parse::<F>(arguments.iter().cloned()) {
        Ok(Parsed::Help(help)) => {
            finish(output::line(help.trim_end()).map_err(Into::into), ExitCode::SUCCESS)
        }
        Ok(Parsed::Version) => finish(
            output::line(&format!("mesos {}", env!("CARGO_PKG_VERSION"))).map_err(Into::into),
            ExitCode::SUCCESS,
        ),
        Ok(Parsed::Flags { flags, warnings }) => {
            warnings.iter().for_each(|warning| note(&format!("warning: {warning}")));
            match crate::runtime().and_then(|runtime| runtime.block_on(run(flags))) {
                Ok(code) => code,
                Err(error) => finish(Err(error), ExitCode::FAILURE),
            }
        }
        Err(error) => {
            error.problems().iter().for_each(|problem| note(&format!("{program}: {problem}")));
            note(&format!("'{program} --help' lists the flags"));
            ExitCode::FAILURE
        }
    }
}

fn finish(outcome: anyhow::Result<()>, code: ExitCode) -> ExitCode {
    match outcome {
        Ok(()) => code,
        Err(error) => {
            output::error(&error);
            ExitCode::FAILURE
        }
    }
}

async fn master(flags: mesos_master::Flags) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::listen()?;
    let verbosity = logging::init(&flags.logging, "mesos-master")?;
    let node = flags.network.node(flags.port)?.delegate("master").start().await;
    let node = node.with_context(|| format!("cannot listen on port {}", flags.port))?;
    let components = Components::new(&node, &flags, verbosity)?;
    let mut master = Master::start_with(&node, flags, components)?;
    note(&format!("mesos master at {}", node.address()));
    tokio::select! {
        () = interrupts.next() => {}
        ended = master.wait() => {
            if let Err(reason) = ended {
                anyhow::bail!("the master cannot go on: {reason}");
            }
        }
    }
    node.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

async fn agent(mut flags: AgentFlags) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::listen()?;
    let mut leave = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::user_defined1())
        .context("cannot listen for SIGUSR1")?;
    let verbosity = logging::init(&flags.logging, "mesos-agent")?;
    let node = flags.network.node(flags.port)?.delegate("slave(1)").start().await;
    let node = node.with_context(|| format!("cannot listen on port {}", flags.port))?;
    // Others must be able to name the files, wherever this was started.
    flags.work_dir = std::path::absolute(&flags.work_dir).context("--work_dir cannot be made absolute")?;
    let parts = Parts { verbosity, ..mesos_local::helpers::parts() };
    let agent = Agent::start(&node, flags, parts).await?;
    note(&format!("mesos agent at {}", node.address()));
    tokio::select! {
        () = interrupts.next() => agent.stop().await,
        _ = leave.recv() => agent.leave().await,
        ended = agent.finished() => ended.context("the agent cannot go on")?,
    }
    node.shutdown().await;
    Ok(ExitCode::SUCCESS)
}
