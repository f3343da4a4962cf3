//! A containerizer in a directory that is gone after the test.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libprocess::{FutureError, Node};
use mesos_api::v1::{CommandInfo, ContainerId};
use mesos_containerizer::{
    ContainerConfig, ContainerError, Containerizer, Helper, Launched, Options, Termination,
};
use mesos_testing::Leftovers;
pub(crate) use mesos_testing::{LAUNCH, processes_with, tests};
use tempfile::TempDir;

/// Longer than any test takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Fixture {
    pub(crate) directory: TempDir,
    pub(crate) node: Node,
    pub(crate) containerizer: Containerizer,
}

/// Runs a test against a containerizer of its own, and sees to it that nothing is left running.
pub(crate) fn run<T: Future<Output = Fixture>>(test: impl FnOnce(Fixture) -> T) {
    let directory = TempDir::new().unwrap();
    let guard = Leftovers(directory.path().display().to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let fixture = Fixture::start(directory, helper()).await;
        fixture.containerizer.recover(Vec::new()).await.unwrap();
        let fixture = tokio::time::timeout(PATIENCE, test(fixture)).await.expect("the test takes too long");
        for container in fixture.containerizer.containers().await.unwrap() {
            fixture.containerizer.destroy(&container.container_id).await.unwrap();
        }
        fixture.node.shutdown().await;
        drop(fixture.directory);
    });
    drop(runtime);
    assert_eq!(processes_with(&guard.0), Vec::<u32>::new(), "processes are left");
}

impl Fixture {
    async fn start(directory: TempDir, helper: Helper) -> Self {
        let node = Node::builder().start().await.unwrap();
        let options = Options { helper, ..options(directory.path()) };
        let containerizer = Containerizer::start(&node, options);
        Self { directory, node, containerizer }
    }

    /// The containerizer of an agent that was started again.
    pub(crate) async fn restarted(self) -> Self {
        self.restarted_with(helper()).await
    }

    /// The same, with another program as the helper of what is launched from now on.
    pub(crate) async fn restarted_with(self, helper: Helper) -> Self {
        self.node.shutdown().await;
        Self::start(self.directory, helper).await
    }

    pub(crate) fn sandbox(&self, id: &ContainerId) -> PathBuf {
        match &id.parent {
            Some(parent) => self.sandbox(parent).join("containers").join(&id.value),
            None => self.directory.path().join("sandboxes").join(&id.value),
        }
    }

    pub(crate) fn runtime(&self, id: &ContainerId) -> PathBuf {
        let parent = match &id.parent {
            Some(parent) => self.runtime(parent),
            None => self.directory.path().join("run"),
        };
        parent.join("containers").join(&id.value)
    }

    pub(crate) fn config(&self, id: &ContainerId, command: CommandInfo) -> ContainerConfig {
        ContainerConfig::new(command, self.sandbox(id))
    }

    pub(crate) async fn launch(&self, id: &ContainerId, script: &str) {
        let config = self.config(id, shell(script));
        assert_eq!(self.containerizer.launch(id, config).await, Ok(Launched::New));
    }

    pub(crate) async fn wait(&self, id: &ContainerId) -> Termination {
        self.containerizer.wait(id).await.unwrap().expect("there is such a container")
    }

    /// Launches and waits.
    pub(crate) async fn run(&self, id: &ContainerId, script: &str) -> Termination {
        self.launch(id, script).await;
        self.wait(id).await
    }

    pub(crate) fn read(&self, id: &ContainerId, name: &str) -> String {
        fs::read_to_string(self.sandbox(id).join(name)).unwrap_or_default()
    }

    /// Waits until the helper has written down how the command ended.
    pub(crate) async fn read_status_soon(&self, id: &ContainerId) -> i32 {
        loop {
            let text = fs::read_to_string(self.runtime(id).join("status")).unwrap_or_default();
            if let Ok(status) = text.trim().parse() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the container has written something into a sandbox file.
    pub(crate) async fn read_soon(&self, id: &ContainerId, name: &str) -> String {
        loop {
            let text = self.read(id, name);
            if text.ends_with('\n') {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(crate) fn options(directory: &Path) -> Options {
    Options { helper: helper(), ..Options::new(directory.join("run")) }
}

fn helper() -> Helper {
    Helper { arguments: vec![LAUNCH.to_owned()], ..Helper::default() }
}

pub(crate) fn shell(script: &str) -> CommandInfo {
    CommandInfo { value: Some(script.into()), ..Default::default() }
}

pub(crate) fn nested(parent: &ContainerId, value: &str) -> ContainerId {
    ContainerId { value: value.into(), parent: Some(Box::new(parent.clone())) }
}

pub(crate) fn exited(code: i32) -> Termination {
    Termination { status: Some(code << 8), ..Termination::default() }
}

pub(crate) fn signalled(signal: i32) -> Termination {
    Termination { status: Some(signal), ..Termination::default() }
}

pub(crate) fn container_error(error: &FutureError) -> &ContainerError {
    ContainerError::of(error).expect("a container error")
}
