//! `mesos local`, and the cluster within `mesos run`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use mesos_agent::AgentFlags;
use mesos_local::{Cluster, Options, StartError};
use serde_json::json;
use stout::flags::{Flags, Parsed, Parser, at_least};

use crate::interrupt::Interrupts;
use crate::output::line;
use crate::temporary::Temporary;

stout::flags! {
    /// The flags of `mesos local`.
    pub(crate) struct LocalFlags {
        use logging: mesos_daemon::flags::LoggingFlags;

        "Cluster" {
            /// How many agents there are.
            #[flag(alias("num_agents"), deprecated("num_slaves"), check(at_least(1)))]
            agents: usize = 1,

            /// IP address that everything listens on.
            ip: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),

            /// Port of the master; 0 takes a free one. Agents take free ones.
            port: u16 = 5050,

            /// Directory for what master and agents keep. Without it they keep it in a temporary one, which
            /// is removed at the end.
            work_dir: Option<PathBuf>,

            /// Resources of each agent. Without it each offers all that the machine has.
            resources: Option<String>,

            /// Say where everything listens as one line of JSON.
            json: bool,
        }
    }
}

/// Serves a cluster until it is interrupted. A directory that is made for it may be written to until the runtime has
/// ended.
pub(crate) async fn local(flags: LocalFlags, directory: &mut Option<Temporary>) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::listen()?;
    mesos_daemon::logging::init(&flags.logging, "mesos-local")?;
    let work_dir = match &flags.work_dir {
        Some(work_dir) => std::path::absolute(work_dir).context("--work_dir cannot be made absolute")?,
        None => directory.insert(Temporary::make()?).path().to_owned(),
    };
    let mut options = Options::new(work_dir);
    options.agents = flags.agents;
    options.ip = flags.ip;
    options.port = flags.port;
    options.agent_resources.clone_from(&flags.resources);
    options.master = from_environment("mesos master", &[])?;
    options.agent = AgentFlags {
        registration_backoff_factor: options.agent.registration_backoff_factor,
        ..from_environment("mesos agent", &["--master=local", "--work_dir=local"])?
    };
    let cluster = match Cluster::start_unless(options, interrupts.next()).await {
        Err(StartError::Stopped) => return Ok(ExitCode::SUCCESS),
        started => started.context("cannot start the cluster")?,
    };
    let announced = announce(&flags, &cluster);
    if announced.is_ok() {
        interrupts.next().await;
    }
    end(&cluster, &mut interrupts).await;
    announced.map(|()| ExitCode::SUCCESS)
}

/// Ends a cluster and, once interrupted, all of it at once.
pub(super) async fn end(cluster: &Cluster, interrupts: &mut Interrupts) {
    tokio::select! {
        () = cluster.shutdown() => {}
        () = interrupts.next() => cluster.kill().await,
    }
}

fn announce(flags: &LocalFlags, cluster: &Cluster) -> anyhow::Result<()> {
    if flags.json {
        let agents: Vec<_> = cluster.agents().iter().map(ToString::to_string).collect();
        line(&json!({ "master": cluster.master().to_string(), "agents": agents }).to_string())?;
    } else {
        line(&format!("master {}", cluster.master()))?;
        for agent in cluster.agents() {
            line(&format!("agent {agent}"))?;
        }
        line("ready")?;
    }
    Ok(())
}

/// The flags of a daemon, from the environment and what is given here.
fn from_environment<F: Flags>(program: &str, given: &[&str]) -> anyhow::Result<F> {
    let parser = Parser::new(program, "").environment("MESOS_");
    match parser.parse::<F>(given.iter().copied()) {
        Ok(Parsed::Flags { flags, .. }) => Ok(flags),
        Ok(_) => bail!("the environment asks for help"),
        Err(error) => bail!("the environment holds bad flags of {program}: {}", error.problems().join("; ")),
    }
}

/// The cluster for one command: as quick as it can be, and gone with the directory.
pub(super) fn embedded(directory: &mut Option<Temporary>) -> anyhow::Result<Options> {
    let mut options = Options::new(directory.insert(Temporary::make()?).path());
    options.agent.executor_shutdown_grace_period = Duration::from_secs(1);
    Ok(options)
}
