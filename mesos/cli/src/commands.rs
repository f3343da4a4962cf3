//! What the commands do.

mod api;
mod execute;
mod explain;
mod files;
mod launcher;
mod list;
mod local;
mod run;
mod status;
mod version;

pub(crate) use execute::execute;
pub(crate) use local::local;

use std::process::ExitCode;

use crate::args::{Api, Command, Explain};
use crate::temporary::Temporary;

/// Does what the command line says. A directory that is made for it is to go when the runtime has ended.
pub(crate) async fn perform(command: Command, directory: &mut Option<Temporary>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(args) => return run::run(args, directory).await,
        Command::Agents(args) => list::agents(args).await?,
        Command::Frameworks(args) => list::frameworks(args).await?,
        Command::Tasks(args) => list::tasks(args).await?,
        Command::Explain(Explain::Role(args)) => explain::role(args).await?,
        Command::Ls(args) => files::ls(args).await?,
        Command::Cat(args) => files::cat(args).await?,
        Command::Tail(args) => files::tail(args).await?,
        Command::Version(args) => version::version(args).await?,
        Command::Api(Api::Descriptors) => api::descriptors()?,
        Command::Local(_) | Command::Master(_) | Command::Agent(_) | Command::Execute(_) => {
            anyhow::bail!("this command reads its own flags, and must be the first word after 'mesos'")
        }
    }
    Ok(ExitCode::SUCCESS)
}
