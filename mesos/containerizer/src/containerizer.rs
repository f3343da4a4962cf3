//! The handle through which an agent speaks to its containerizer.

use std::collections::BTreeSet;
use std::path::PathBuf;

use libprocess::{Future, Node, Pid};
use mesos_api::v1;
use nix::sys::signal::Signal;

use crate::process::ContainerizerProcess;
use crate::{ContainerClass, ContainerConfig, Launched, Options, Recovered, Termination, Volume};

/// Launches containers, watches them, and ends them. Clones speak to the same containerizer.
///
/// Futures fail with a [`ContainerError`](crate::ContainerError).
#[derive(Clone)]
pub struct Containerizer {
    pid: Pid<ContainerizerProcess>,
}

impl Containerizer {
    /// Starts a containerizer on `node`. Containers of an earlier one go on unwatched until
    /// [`Containerizer::recover`] is called, which must happen before the first launch.
    pub fn start(node: &Node, options: Options) -> Self {
        Self { pid: node.spawn(ContainerizerProcess::new(options)) }
    }

    /// Finds what an earlier containerizer left running: `checkpointed` are the root containers
    /// that the agent wants back, and those that are gone end at once, as far as [`Containerizer::wait`]
    /// is concerned. Their nested containers and all standalone ones come back too; every other
    /// container, and each debug container, is destroyed in the background.
    pub fn recover(&self, checkpointed: Vec<Recovered>) -> Future<()> {
        self.pid.ask(move |p, cx| p.recover(cx, checkpointed)).and_then(|done| done)
    }

    /// Starts a container: creates its sandbox, starts its parent process, checkpoints the pid,
    /// fetches, then lets the command run.
    ///
    /// Ready when the command was let go; that it could not be executed shows in the
    /// [`Termination`]. After a failure the container is gone, and [`Containerizer::wait`] answers
    /// as for one that never was.
    pub fn launch(&self, id: &v1::ContainerId, config: ContainerConfig) -> Future<Launched> {
        let id = id.clone();
        self.pid.ask(move |p, cx| p.launch(cx, id, config)).and_then(|launched| launched)
    }

    /// How the container ended, once it has; `None` if there is no such container.
    ///
    /// The end of a container that was launched or recovered is kept for the first who asks, so
    /// nobody has to be quicker than the container. A nested container answers after its end too,
    /// until it is [removed](Containerizer::remove) or its root ends; a standalone one does not.
    pub fn wait(&self, id: &v1::ContainerId) -> Future<Option<Termination>> {
        let id = id.clone();
        self.pid.ask(move |p, _cx| p.wait(&id)).and_then(|termination| termination)
    }

    /// Ends the container and all in it, children first; answers like [`Containerizer::wait`].
    pub fn destroy(&self, id: &v1::ContainerId) -> Future<Option<Termination>> {
        let id = id.clone();
        self.pid.ask(move |p, cx| p.destroy(cx, &id, None)).and_then(|termination| termination)
    }

    /// Ends the container like [`Containerizer::destroy`] because of what `cause` says: its state,
    /// reason, message and resources become those of the termination.
    pub fn destroy_because(&self, id: &v1::ContainerId, cause: Termination) -> Future<Option<Termination>> {
        let id = id.clone();
        self.pid.ask(move |p, cx| p.destroy(cx, &id, Some(cause))).and_then(|termination| termination)
    }

    /// Sends a signal to the container's command; false if there is no such container, or it has
    /// ended.
    pub fn kill(&self, id: &v1::ContainerId, signal: Signal) -> Future<bool> {
        let id = id.clone();
        self.pid.ask(move |p, cx| p.kill(cx, &id, signal)).and_then(|sent| sent)
    }

    /// Forgets a nested container that has ended, with its sandbox. Ready for an unknown one too;
    /// fails while it runs.
    pub fn remove(&self, id: &v1::ContainerId) -> Future<()> {
        let id = id.clone();
        self.pid.ask(move |p, cx| p.remove(cx, &id)).and_then(|removed| removed)
    }

    /// Changes what a root container may use: its sandbox shows these volumes from now on, and no
    /// others. Of several changes at the same time the last one counts.
    pub fn update(
        &self,
        id: &v1::ContainerId,
        resources: Vec<v1::Resource>,
        volumes: BTreeSet<Volume>,
    ) -> Future<()> {
        let id = id.clone();
        self.pid.ask(move |p, cx| p.update(cx, &id, &resources, volumes)).and_then(|updated| updated)
    }

    /// What is known about a container that lives, `executor_pid` above all: the process that was
    /// forked for it. As in Mesos 1.5 that is the parent of its command, which passes signals on and
    /// does not outlive it; it stays the same from the launch to the end.
    pub fn status(&self, id: &v1::ContainerId) -> Future<v1::ContainerStatus> {
        let id = id.clone();
        self.pid.ask(move |p, _cx| p.status(&id)).and_then(|status| status)
    }

    /// What a container uses, all its processes together, and may use.
    pub fn usage(&self, id: &v1::ContainerId) -> Future<v1::ResourceStatistics> {
        let id = id.clone();
        self.pid.ask(move |p, cx| p.usage(cx, &id)).and_then(|usage| usage)
    }

    /// All containers that live, parents before their children.
    pub fn containers(&self) -> Future<Vec<ContainerSummary>> {
        self.pid.ask(|p, _cx| p.containers())
    }
}

/// One container that lives, as [`Containerizer::containers`] lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerSummary {
    /// Its id.
    pub container_id: v1::ContainerId,
    /// Its sandbox.
    pub directory: PathBuf,
    /// Who runs it, if not the agent's own user.
    pub user: Option<String>,
    /// What it is for.
    pub class: ContainerClass,
    /// Whether it belongs to no executor.
    pub standalone: bool,
}
