//! What is kept about containers in `--runtime_dir`, and how it is laid out.
//!
//! `containers/<id>/` holds a container's files, and `containers/<child>/` those of the containers
//! nested in it:
//!
//! | file | written by | holds |
//! |---|---|---|
//! | `config` | agent | what a restarted agent must know: [`Record`] |
//! | `launch_info` | agent | what the helper needs: [`Spec`](crate::helper::Spec) |
//! | `pid` | agent | the helper's pid |
//! | `start_time` | agent | when that process started, against reuse of the pid |
//! | `command_pid` | helper | the pid of the command |
//! | `message` | helper | why the command could not be started |
//! | `status` | helper | [`Progress`]: there before the command starts, and at its end its wait status |
//! | `termination` | agent | how a nested container ended |

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mesos_api::v1;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::{ContainerClass, Termination, Volume};

/// No file here is anywhere near that long, but for an environment.
const FILE_SIZE_MAX: u64 = 64 << 20;

/// The directory of all containers.
#[derive(Debug, Clone)]
pub(crate) struct RuntimeDir {
    path: PathBuf,
}

impl RuntimeDir {
    pub(crate) fn new(path: &Path) -> Self {
        // A helper has another working directory.
        Self { path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()) }
    }

    pub(crate) fn container(&self, id: &Id) -> ContainerDir {
        let mut path = self.path.clone();
        for name in id.names() {
            path.push("containers");
            path.push(name);
        }
        ContainerDir { path }
    }

    /// The ids of all containers that have a directory, parents first.
    pub(crate) fn list(&self) -> io::Result<Vec<Id>> {
        let mut found = Vec::new();
        let mut waiting = vec![(self.path.clone(), Vec::new())];
        while let Some((path, names)) = waiting.pop() {
            let entries = match std::fs::read_dir(path.join("containers")) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let mut names: Vec<String> = names.clone();
                names.push(name);
                // What is not one of ours is left alone.
                let Some(id) = Id::from_names(names.clone()) else { continue };
                if entry.file_type()?.is_dir() {
                    found.push(id);
                    waiting.push((entry.path(), names));
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

/// The directory of one container.
#[derive(Debug, Clone)]
pub(crate) struct ContainerDir {
    path: PathBuf,
}

impl ContainerDir {
    pub(crate) const CONFIG: &'static str = "config";
    pub(crate) const LAUNCH_INFO: &'static str = "launch_info";
    pub(crate) const PID: &'static str = "pid";
    pub(crate) const START_TIME: &'static str = "start_time";
    pub(crate) const COMMAND_PID: &'static str = "command_pid";
    pub(crate) const MESSAGE: &'static str = "message";
    pub(crate) const STATUS: &'static str = "status";
    pub(crate) const TERMINATION: &'static str = "termination";

    pub(crate) fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes the directory, for the agent's user only: there are environments in it.
    pub(crate) fn create(&self) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.path)
    }

    pub(crate) fn remove(&self) -> io::Result<()> {
        stout::fs::remove_dir(&self.path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<()> {
        stout::fs::write_atomic(self.file(name), text.as_bytes())
    }

    /// The text of a file; `None` if there is none, or if it is empty.
    pub(crate) fn read(&self, name: &str) -> io::Result<Option<String>> {
        match stout::fs::read_text(self.file(name), FILE_SIZE_MAX) {
            Ok(text) => Ok((!text.is_empty()).then_some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The number in a file; `None` if there is none.
    pub(crate) fn read_number<T: std::str::FromStr>(&self, name: &str) -> io::Result<Option<T>> {
        let Some(text) = self.read(name)? else { return Ok(None) };
        let invalid = || invalid(&self.file(name), "it holds no number");
        text.trim().parse().map(Some).map_err(|_| invalid())
    }

    pub(crate) fn write_json<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        let text = serde_json::to_string(value).map_err(io::Error::other)?;
        self.write(name, &text)
    }

    pub(crate) fn read_json<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        let Some(text) = self.read(name)? else { return Ok(None) };
        let value =
            serde_json::from_str(&text).map_err(|error| invalid(&self.file(name), &error.to_string()))?;
        Ok(Some(value))
    }
}

fn invalid(path: &Path, problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("failed to read {}: {problem}", path.display()))
}

/// How far a helper has brought its command, as the file `status` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Not at all: the agent never let the helper go on.
    NotBegun,
    /// It may have run.
    Begun,
    /// It has ended, with this wait status.
    Ended(i32),
}

impl Progress {
    /// All contents are of one length, so that the last one needs no room on the disk.
    const LENGTH: usize = 11;

    pub(crate) fn status(self) -> Option<i32> {
        match self {
            Progress::Ended(status) => Some(status),
            Progress::NotBegun | Progress::Begun => None,
        }
    }
}

impl ContainerDir {
    /// Writes down that the command is about to be started.
    pub(crate) fn begin(&self) -> io::Result<()> {
        self.write(Self::STATUS, &format!("{:<1$}\n", "begun", Progress::LENGTH))
    }

    /// Writes down how the command ended, in the place that [`begin`](Self::begin) has made, so that
    /// it is kept on a disk that is full by now.
    pub(crate) fn end(&self, status: i32) -> io::Result<()> {
        let text = format!("{status:<0$}\n", Progress::LENGTH);
        match std::fs::OpenOptions::new().write(true).open(self.file(Self::STATUS)) {
            Ok(mut file) => file.write_all(text.as_bytes()).and_then(|()| file.sync_data()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.write(Self::STATUS, &text),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn progress(&self) -> io::Result<Progress> {
        let text = self.read(Self::STATUS)?;
        Ok(match text.as_deref().map(str::trim).map(str::parse) {
            // A helper of before there was a first content has written the pid at least.
            None if self.file(Self::COMMAND_PID).exists() => Progress::Begun,
            None => Progress::NotBegun,
            Some(Ok(status)) => Progress::Ended(status),
            Some(Err(_)) => Progress::Begun,
        })
    }
}

/// What a restarted agent must know about a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) directory: PathBuf,
    pub(crate) user: Option<String>,
    pub(crate) debug: bool,
    pub(crate) standalone: bool,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) volumes: BTreeSet<Volume>,
}

impl Record {
    pub(crate) fn class(&self) -> ContainerClass {
        if self.debug { ContainerClass::Debug } else { ContainerClass::Default }
    }
}

/// What a container may use.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(crate) cpus: Option<f64>,
    pub(crate) mem_bytes: Option<u64>,
}

impl Limits {
    pub(crate) fn of(resources: &[v1::Resource]) -> Self {
        let sum = |name: &str| {
            let scalars = resources.iter().filter(|resource| resource.name == name);
            scalars.filter_map(|resource| Some(resource.scalar.as_ref()?.value)).reduce(|a, b| a + b)
        };
        let mem_bytes = sum("mem").map(|megabytes| (megabytes.max(0.0) * 1024.0 * 1024.0) as u64);
        Self { cpus: sum("cpus"), mem_bytes }
    }
}

/// A [`Termination`] as the file `termination` holds it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct TerminationRecord {
    status: Option<i32>,
    state: Option<i32>,
    reason: Option<i32>,
    message: Option<String>,
    #[serde(default)]
    never_ran: bool,
    #[serde(default)]
    limited_resources: Vec<serde_json::Value>,
}

impl From<&Termination> for TerminationRecord {
    fn from(termination: &Termination) -> Self {
        Self {
            status: termination.status,
            state: termination.state.map(|state| state as i32),
            reason: termination.reason.map(|reason| reason as i32),
            message: termination.message.clone(),
            never_ran: termination.never_ran,
            limited_resources: termination.limited_resources.iter().map(mesos_api::json::to_value).collect(),
        }
    }
}

impl From<TerminationRecord> for Termination {
    fn from(record: TerminationRecord) -> Self {
        let resources = record.limited_resources.iter();
        Self {
            status: record.status,
            state: record.state.and_then(|state| state.try_into().ok()),
            reason: record.reason.and_then(|reason| reason.try_into().ok()),
            message: record.message,
            never_ran: record.never_ran,
            limited_resources: resources
                .filter_map(|value| mesos_api::json::from_value(value).ok())
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_containers_lie_within_their_parents_and_are_listed_after_them() {
        let directory = tempfile::tempdir().unwrap();
        let runtime = RuntimeDir::new(directory.path());
        assert_eq!(runtime.list().unwrap(), []);
        let id =
            |names: &[&str]| Id::from_names(names.iter().map(|name| (*name).to_owned()).collect()).unwrap();
        for names in [&["b"][..], &["a", "c"], &["a"]] {
            runtime.container(&id(names)).create().unwrap();
        }
        std::fs::create_dir(directory.path().join("containers/not.ours")).unwrap();
        let nested = runtime.container(&id(&["a", "c"]));
        assert_eq!(nested.path(), directory.path().join("containers/a/containers/c"));
        assert_eq!(runtime.list().unwrap(), [id(&["a"]), id(&["a", "c"]), id(&["b"])]);
    }

    #[test]
    fn files_hold_what_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let container = ContainerDir::at(directory.path());
        assert_eq!(container.read_number::<u32>(ContainerDir::PID).unwrap(), None);
        container.write(ContainerDir::PID, "42\n").unwrap();
        assert_eq!(container.read_number::<u32>(ContainerDir::PID).unwrap(), Some(42));
        container.write(ContainerDir::PID, "x").unwrap();
        let error = container.read_number::<u32>(ContainerDir::PID).unwrap_err().to_string();
        assert!(error.ends_with("/pid: it holds no number"), "{error}");

        let termination = Termination {
            status: Some(9),
            state: Some(v1::TaskState::TaskFailed),
            reason: Some(v1::task_status::Reason::ContainerLimitationMemory),
            message: Some("too much".into()),
            never_ran: true,
            limited_resources: Vec::new(),
        };
        container.write_json(ContainerDir::TERMINATION, &TerminationRecord::from(&termination)).unwrap();
        let record: TerminationRecord = container.read_json(ContainerDir::TERMINATION).unwrap().unwrap();
        assert_eq!(Termination::from(record), termination);
    }

    #[test]
    fn progress_is_known_at_each_step() {
        let directory = tempfile::tempdir().unwrap();
        let container = ContainerDir::at(directory.path());
        assert_eq!(container.progress().unwrap(), Progress::NotBegun);
        container.begin().unwrap();
        let length = || std::fs::metadata(container.file(ContainerDir::STATUS)).unwrap().len();
        let begun = length();
        assert_eq!(container.progress().unwrap(), Progress::Begun);
        for status in [0, 3 << 8, i32::MIN] {
            container.end(status).unwrap();
            assert_eq!(container.progress().unwrap(), Progress::Ended(status));
            assert_eq!(length(), begun);
        }
    }

    #[test]
    fn limits_are_sums_over_reservations() {
        let resource = |name: &str, value: f64| v1::Resource {
            name: name.into(),
            scalar: Some(v1::value::Scalar { value }),
            ..Default::default()
        };
        let resources = [resource("cpus", 0.5), resource("mem", 32.0), resource("cpus", 1.0)];
        assert_eq!(Limits::of(&resources), Limits { cpus: Some(1.5), mem_bytes: Some(32 << 20) });
        assert_eq!(Limits::of(&[]), Limits::default());
    }
}
