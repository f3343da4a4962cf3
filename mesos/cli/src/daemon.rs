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
    let (command, rest) = match arguments.get(1..)? {
        // The same as --help after it.
        [help, command] if help == "help" => (command, &["--help".to_owned()][..]),
        [command, rest @ ..] => (command, rest),
        [] => return None,
    };
    match command.as_str() {
        "master" => Some(with_flags("mesos master", MASTER, rest, master)),
        "agent" => Some(with_flags("mesos agent", AGENT, rest, agent)),
        "local" => {
            // The directory goes last, when nothing writes into it any more.
            let mut directory = None;
            Some(with_flags("mesos local", LOCAL, rest, |flags| local(flags, &mut directory)))
        }
        "execute" => Some(with_flags("mesos execute", EXECUTE, rest, execute)),
        _ => None,
    }
}

/// The status after a command line that cannot be understood, as clap has it.
pub(crate) const USAGE: u8 = 2;

/// What each is, and examples for its help.
const MASTER: (&str, &str) = (
    "Runs a master: it offers the resources of its agents to frameworks. Ctrl-C ends it.",
    "Every flag can also be given in the environment, as MESOS_NAME; the command line wins.

Examples:
  mesos master --work_dir=/var/lib/mesos                    listen on port 5050 of all addresses
  mesos master --ip=127.0.0.1 --port=0 --work_dir=/tmp/m    only for this machine, on a free port
  mesos agents --master 10.0.0.1:5050                       see who has registered

Exit status: 0 after Ctrl-C or SIGTERM, 1 when it cannot go on, 2 when a flag is wrong.",
);
const AGENT: (&str, &str) = (
    "Runs an agent: it runs the tasks that frameworks launch on it. Ctrl-C ends it and leaves the tasks to an \
     agent that is started again in the same directory; after SIGUSR1 they are ended too.",
    "Every flag can also be given in the environment, as MESOS_NAME; the command line wins.

Examples:
  mesos agent --master=10.0.0.1:5050 --work_dir=/var/lib/mesos-agent
  mesos agent --master=10.0.0.1:5050 --work_dir=/var/lib/mesos-agent --resources='cpus:4;mem:8192'
  mesos tasks --master 10.0.0.1:5050                        see what runs

Exit status: 0 after Ctrl-C, SIGTERM or SIGUSR1, 1 when it cannot go on, 2 when a flag is wrong.",
);
const LOCAL: (&str, &str) = (
    "Serves a cluster of one master and some agents in this process, until Ctrl-C, which ends all that runs on it; a \
     second one kills it at once. How many agents there can be depends on ulimit -n and the memory. \
     All flags of master and agent that are not listed here are read from the environment, as MESOS_NAME.",
    "Examples:
  mesos local                          one agent; the master listens at 127.0.0.1:5050
  mesos local --agents 3 --port 0      three agents, and a free port, which is printed
  mesos local --json                   say where all listen as JSON, once it is ready
  mesos run --master 127.0.0.1:5050 'echo hello'

Exit status: 0 after Ctrl-C or SIGTERM, 1 when it cannot be started, 2 when a flag is wrong.",
);
const EXECUTE: (&str, &str) = (
    "Launches a task or a task group, prints each update, and succeeds if all of it finished. Ctrl-C kills it; \
     twice, and it is left at once. What the tasks print is in their sandboxes: see mesos cat, or use mesos run.",
    "Examples:
  mesos execute --master=10.0.0.1:5050 --name=hello --command='echo hello'
  mesos execute --master=10.0.0.1:5050 --name=date --command='date -u' --no-shell
  mesos execute --master=10.0.0.1:5050 --task=file:///home/me/task.json
  mesos execute --master=10.0.0.1:5050 --name=s --command='sleep 1000' --kill_after=10secs

Exit status: 0 when every task finished, 1 when one did not or could not be launched, 2 when a flag
is wrong, 130 after Ctrl-C before there was anything to kill, or after a second one.",
);

/// Reads the flags from arguments and environment, and runs what they are for.
fn with_flags<F: Flags, R>(
    program: &str,
    (about, examples): (&str, &str),
    arguments: &[String],
    run: impl FnOnce(F) -> R,
) -> ExitCode
where
    R: Future<Output = anyhow::Result<ExitCode>>,
{
    let parser = Parser::new(program, about).environment("MESOS_");
    match parser.parse::<F>(arguments.iter().cloned()) {
        Ok(Parsed::Help(help)) => {
            let text = format!("{}\n\n{examples}", help.trim_end());
            finish(output::line(text.trim_end()), ExitCode::SUCCESS)
        }
        Ok(Parsed::Version) => {
            finish(output::line(&format!("mesos {}", env!("CARGO_PKG_VERSION"))), ExitCode::SUCCESS)
        }
        Ok(Parsed::Flags { flags, warnings }) => {
            warnings.iter().for_each(|warning| note(&format!("warning: {warning}")));
            match crate::runtime().and_then(|runtime| runtime.block_on(run(flags))) {
                Ok(code) => code,
                Err(error) => output::failure(&error),
            }
        }
        Err(error) => {
            error.problems().iter().for_each(|problem| note(&format!("{program}: {problem}")));
            note(&format!("'{program} --help' lists the flags"));
            ExitCode::from(USAGE)
        }
    }
}

fn finish(outcome: anyhow::Result<()>, code: ExitCode) -> ExitCode {
    outcome.map_or_else(|error| output::failure(&error), |()| code)
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
