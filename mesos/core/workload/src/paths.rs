//! Where everything of an agent lies below its work directory.

use std::path::{Path, PathBuf};

use mesos_api::v1::{self, resource::disk_info::source};
use mesos_resources::Resource;

/// The longest id that becomes a directory name.
pub const ID_BYTES_MAX: usize = 255;

/// The name of the link to the newest run, and to the newest agent.
pub const LATEST: &str = "latest";

/// Why an id cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{id}' is no usable id: {problem}")]
pub struct BadId {
    /// The id.
    pub id: String,
    /// The rule that it breaks.
    pub problem: &'static str,
}

/// Checks an id that came from outside before a path is made of it.
///
/// # Errors
///
/// When it is empty, too long, `.` or `..`, or holds a separator or a control character.
pub fn check_id(id: &str) -> Result<(), BadId> {
    let problem = if id.is_empty() {
        "it is empty"
    } else if id.len() > ID_BYTES_MAX {
        "it is longer than 255 bytes"
    } else if id == "." || id == ".." {
        "it is a directory of its own meaning"
    } else if id.chars().any(|c| c.is_control() || c == '/' || c == '\\') {
        "it holds a separator or a control character"
    } else {
        return Ok(());
    };
    Err(BadId { id: id.to_owned(), problem })
}

/// The ids that name one run of an executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunId<'a> {
    /// The agent.
    pub agent: &'a str,
    /// The framework.
    pub framework: &'a str,
    /// The executor.
    pub executor: &'a str,
    /// The container of the run.
    pub container: &'a str,
}

/// The directories and files of an agent.
///
/// The same tree stands twice: the sandboxes below `slaves/`, and what the agent remembers below
/// `meta/slaves/`. Existing tools look for both, so names are those of Mesos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    work_dir: PathBuf,
}

impl Layout {
    /// The layout below `work_dir`.
    pub fn new(work_dir: impl Into<PathBuf>) -> Self {
        Layout { work_dir: work_dir.into() }
    }

    /// The work directory itself.
    pub fn work_dir(&self) -> &Path {
        &self.work_dir
    }

    /// What the agent remembers.
    pub fn meta(&self) -> PathBuf {
        self.work_dir.join("meta")
    }

    /// The sandboxes, and what is remembered, as trees of the same shape.
    fn roots(&self) -> [PathBuf; 2] {
        [self.work_dir.clone(), self.meta()]
    }

    /// Which boot of the machine the rest was written in.
    pub fn boot_id(&self) -> PathBuf {
        self.meta().join("boot_id")
    }

    /// The reservations and volumes in force.
    pub fn resources_info(&self) -> PathBuf {
        self.meta().join("resources/resources.info")
    }

    /// The reservations and volumes that are being put in force.
    pub fn resources_target(&self) -> PathBuf {
        self.meta().join("resources/resources.target")
    }

    /// The sandboxes of all agents that this directory has had.
    pub fn agents(&self) -> PathBuf {
        self.work_dir.join("slaves")
    }

    /// The link to the agent that the next start becomes again.
    pub fn latest_agent(&self) -> PathBuf {
        self.meta().join("slaves").join(LATEST)
    }

    /// The sandboxes of one agent.
    pub fn agent(&self, agent: &str) -> PathBuf {
        agent_in(&self.work_dir, agent)
    }

    /// What is remembered of one agent.
    pub fn agent_meta(&self, agent: &str) -> PathBuf {
        agent_in(&self.meta(), agent)
    }

    /// The agent's own description.
    pub fn agent_info(&self, agent: &str) -> PathBuf {
        self.agent_meta(agent).join("slave.info")
    }

    /// The sandboxes of a framework.
    pub fn framework(&self, agent: &str, framework: &str) -> PathBuf {
        framework_in(&self.work_dir, agent, framework)
    }

    /// What is remembered of a framework.
    pub fn framework_meta(&self, agent: &str, framework: &str) -> PathBuf {
        framework_in(&self.meta(), agent, framework)
    }

    /// The framework's description.
    pub fn framework_info(&self, agent: &str, framework: &str) -> PathBuf {
        self.framework_meta(agent, framework).join("framework.info")
    }

    /// Where the framework's scheduler listens.
    pub fn framework_pid(&self, agent: &str, framework: &str) -> PathBuf {
        self.framework_meta(agent, framework).join("framework.pid")
    }

    /// The sandboxes of an executor's runs.
    pub fn executor(&self, agent: &str, framework: &str, executor: &str) -> PathBuf {
        executor_in(&self.work_dir, agent, framework, executor)
    }

    /// What is remembered of an executor.
    pub fn executor_meta(&self, agent: &str, framework: &str, executor: &str) -> PathBuf {
        executor_in(&self.meta(), agent, framework, executor)
    }

    /// The executor's description.
    pub fn executor_info(&self, agent: &str, framework: &str, executor: &str) -> PathBuf {
        self.executor_meta(agent, framework, executor).join("executor.info")
    }

    /// Whether the agent made up the executor for a command task.
    pub fn executor_generated(&self, agent: &str, framework: &str, executor: &str) -> PathBuf {
        self.executor_meta(agent, framework, executor).join("executor_generated_for_command_task")
    }

    /// The sandbox of a run.
    pub fn run(&self, id: RunId<'_>) -> PathBuf {
        run_in(&self.work_dir, id)
    }

    /// What is remembered of a run.
    pub fn run_meta(&self, id: RunId<'_>) -> PathBuf {
        run_in(&self.meta(), id)
    }

    /// The links to the newest run, in the sandboxes and in what is remembered.
    pub fn latest_runs(&self, agent: &str, framework: &str, executor: &str) -> [PathBuf; 2] {
        self.roots().map(|root| executor_in(&root, agent, framework, executor).join("runs").join(LATEST))
    }

    /// Exists once the run has ended and everything about it was told.
    pub fn sentinel(&self, id: RunId<'_>) -> PathBuf {
        self.run_meta(id).join("executor.sentinel")
    }

    /// The process id of the run's container.
    pub fn forked_pid(&self, id: RunId<'_>) -> PathBuf {
        self.run_meta(id).join("pids/forked.pid")
    }

    /// Where an executor of the old protocol listens.
    pub fn libprocess_pid(&self, id: RunId<'_>) -> PathBuf {
        self.run_meta(id).join("pids/libprocess.pid")
    }

    /// Exists when the executor speaks HTTP.
    pub fn http_marker(&self, id: RunId<'_>) -> PathBuf {
        self.run_meta(id).join("http.marker")
    }

    /// The tasks of a run.
    pub fn tasks(&self, id: RunId<'_>) -> PathBuf {
        self.run_meta(id).join("tasks")
    }

    /// A task's description.
    pub fn task_info(&self, id: RunId<'_>, task: &str) -> PathBuf {
        self.tasks(id).join(task).join("task.info")
    }

    /// A task's updates and their acknowledgements.
    pub fn task_updates(&self, id: RunId<'_>, task: &str) -> PathBuf {
        self.tasks(id).join(task).join("task.updates")
    }

    /// The sandbox of a standalone container.
    pub fn container(&self, container: &str) -> PathBuf {
        self.work_dir.join("containers").join(container)
    }

    /// The directory of a persistent volume; `None` when the resource is not one that has a directory.
    pub fn volume(&self, volume: &Resource) -> Option<PathBuf> {
        let role = volume.reservation_role()?;
        let id = volume.persistence_id()?;
        check_id(id).ok()?;
        // A role may hold slashes but no spaces.
        let below = |root: &Path| root.join("volumes/roles").join(role.replace('/', " ")).join(id);
        let Some(disk) = volume.disk().and_then(|disk| disk.source.as_ref()) else {
            return Some(below(&self.work_dir));
        };
        match disk.r#type() {
            source::Type::Path => {
                let root = disk.path.as_ref().and_then(|path| path.root.as_deref())?;
                Some(below(&self.work_dir.join(root)))
            }
            source::Type::Mount => {
                let root = disk.mount.as_ref().and_then(|mount| mount.root.as_deref())?;
                Some(self.work_dir.join(root))
            }
            source::Type::Unknown | source::Type::Block | source::Type::Raw => None,
        }
    }
}

/// The names under which people ask for the newest sandbox of an executor, of different releases.
pub fn virtual_latest(framework: &str, executor: &str) -> [String; 2] {
    [
        format!("/frameworks/{framework}/executors/{executor}/runs/{LATEST}"),
        format!("/framework/{framework}/executor/{executor}/{LATEST}"),
    ]
}

/// A container id as text: parents first, joined by dots.
pub fn container_text(id: &v1::ContainerId) -> String {
    match &id.parent {
        Some(parent) => format!("{}.{}", container_text(parent), id.value),
        None => id.value.clone(),
    }
}

fn agent_in(root: &Path, agent: &str) -> PathBuf {
    root.join("slaves").join(agent)
}

fn framework_in(root: &Path, agent: &str, framework: &str) -> PathBuf {
    agent_in(root, agent).join("frameworks").join(framework)
}

fn executor_in(root: &Path, agent: &str, framework: &str, executor: &str) -> PathBuf {
    framework_in(root, agent, framework).join("executors").join(executor)
}

fn run_in(root: &Path, id: RunId<'_>) -> PathBuf {
    executor_in(root, id.agent, id.framework, id.executor).join("runs").join(id.container)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: RunId<'_> = RunId { agent: "S0", framework: "F", executor: "E", container: "C" };

    #[test]
    fn names_are_those_that_existing_tools_look_for() {
        let layout = Layout::new("/w");
        for (found, expected) in [
            (layout.boot_id(), "/w/meta/boot_id"),
            (layout.latest_agent(), "/w/meta/slaves/latest"),
            (layout.agent_info("S0"), "/w/meta/slaves/S0/slave.info"),
            (layout.framework_pid("S0", "F"), "/w/meta/slaves/S0/frameworks/F/framework.pid"),
            (layout.run(RUN), "/w/slaves/S0/frameworks/F/executors/E/runs/C"),
            (
                layout.task_updates(RUN, "T"),
                "/w/meta/slaves/S0/frameworks/F/executors/E/runs/C/tasks/T/task.updates",
            ),
            (layout.forked_pid(RUN), "/w/meta/slaves/S0/frameworks/F/executors/E/runs/C/pids/forked.pid"),
            (layout.resources_target(), "/w/meta/resources/resources.target"),
        ] {
            assert_eq!(found, Path::new(expected));
        }
    }

    #[test]
    fn ids_that_leave_their_directory_are_refused() {
        for id in ["", ".", "..", "a/b", "a\\b", "a\nb", &"x".repeat(256)] {
            assert!(check_id(id).is_err(), "{id:?}");
        }
        for id in ["a", "a.b", "...", "a b", &"x".repeat(255)] {
            assert!(check_id(id).is_ok(), "{id:?}");
        }
    }

    #[test]
    fn nested_container_ids_are_joined_by_dots() {
        let parent = v1::ContainerId { value: "a".into(), parent: None };
        let child = v1::ContainerId { value: "b".into(), parent: Some(Box::new(parent)) };
        assert_eq!(container_text(&child), "a.b");
    }
}
