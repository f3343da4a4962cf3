//! The output of the task, copied to ours.

use std::time::Duration;

use mesos_api::v1::{AgentId, ExecutorId, FrameworkId, TaskId};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::own_lines::OwnLines;
use crate::api::Api;
use crate::follow::{Follower, Piece};
use crate::output::{Stream, note, write};
use crate::sandbox::Sandbox;

/// How long the executor may take to end after its task, until which there may be output.
const EXECUTOR_END_MAX: Duration = Duration::from_secs(5);

/// What copies the output of a task to ours.
pub(super) struct Output {
    over: watch::Sender<bool>,
    sandbox: oneshot::Receiver<Sandbox>,
    /// None once it has failed.
    copying: Option<JoinHandle<anyhow::Result<OwnLines>>>,
}

impl Output {
    /// Begins to copy, from the first byte on.
    pub(super) fn start(
        master: Api,
        agent: AgentId,
        framework: FrameworkId,
        task: &TaskId,
        mut own: OwnLines,
    ) -> Self {
        // The executor of a command is called like its task.
        let executor = ExecutorId { value: task.value.clone() };
        let (over, told) = watch::channel(false);
        let (found, sandbox) = oneshot::channel();
        let copying = tokio::spawn(async move {
            let sandbox = Sandbox::of(&master, &agent, &framework, &executor).await?;
            // Who drains the output asks for it, if that is still to come.
            let _ = found.send(sandbox.clone());
            let out = copy(sandbox.clone(), "stdout", Stream::Out, told.clone(), |data| data);
            let err = copy(sandbox, "stderr", Stream::Err, told, |data| own.pass(data));
            tokio::try_join!(out, err)?;
            Ok(own)
        });
        Self { over, sandbox, copying: Some(copying) }
    }

    /// Ends when the output cannot be copied any more although the task is not over, which is told once.
    pub(super) async fn broken(&mut self) -> anyhow::Error {
        let Some(copying) = &mut self.copying else { return std::future::pending().await };
        let ended = copying.await;
        self.copying = None;
        match ended {
            Ok(Ok(_)) => std::future::pending().await,
            Ok(Err(error)) => error,
            Err(error) => error.into(),
        }
    }

    /// Copies what is left of the output of a task that is over, of which this was told last.
    pub(super) async fn drain(self, message: &str) -> anyhow::Result<()> {
        let Some(copying) = self.copying else { return Ok(()) };
        let ended = async {
            match self.sandbox.await {
                Ok(sandbox) => sandbox.ended().await,
                Err(_) => Ok(()),
            }
        };
        // If it cannot be asked, what was written until now is what there is.
        let _ = tokio::time::timeout(EXECUTOR_END_MAX, ended).await;
        self.over.send_replace(true);
        write(Stream::Err, copying.await??.finish(message)).await
    }
}

async fn copy(
    sandbox: Sandbox,
    name: &str,
    stream: Stream,
    over: watch::Receiver<bool>,
    mut pass: impl FnMut(Vec<u8>) -> Vec<u8>,
) -> anyhow::Result<()> {
    let mut follower = Follower::start(sandbox, name, true, over).await?;
    while let Some(piece) = follower.next().await? {
        match piece {
            Piece::Data(data) => write(stream, pass(data)).await?,
            Piece::Lost(loss) => note(&loss.warning(name)),
        }
    }
    Ok(())
}
