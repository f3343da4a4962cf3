//! Starting the helper of a container, and speaking to it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;

use mesos_api::v1;
use mesos_api::v1::environment::variable;
use mesos_api::v1::volume::{self, source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::helper::{FETCHED, SUPERVISE, Spec};
use crate::id::Id;
use crate::runtime::{ContainerDir, Record};
use crate::volumes::VolumeChange;
use crate::watch::Identity;
use crate::{ContainerConfig, ContainerError, Options, Volume, sandbox};

/// A longer answer of a helper is cut.
const ANSWER_SIZE_MAX: u64 = 128 * 1024;

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// All that is needed to start a container.
pub(crate) struct Plan {
    pub(crate) id: Id,
    pub(crate) config: ContainerConfig,
    /// What its persistent volumes need.
    pub(crate) volumes: VolumeChange,
    /// The sandbox; for a debug container, that of its parent.
    pub(crate) sandbox: PathBuf,
    /// The sandbox of the parent of a nested container.
    pub(crate) parent: Option<PathBuf>,
    /// Where `stdout` and `stderr` go.
    pub(crate) log_directory: PathBuf,
    pub(crate) record: Record,
    pub(crate) directory: ContainerDir,
}

/// A helper that waits for the byte that lets it go on.
pub(crate) struct Spawned {
    pub(crate) child: Child,
    pub(crate) process: Identity,
    pub(crate) dialogue: Dialogue,
}

/// The pipes to and from a helper that was just started.
pub(crate) struct Dialogue {
    go: ChildStdin,
    answer: ChildStdout,
}

impl Dialogue {
    /// Lets the helper go on and waits until the command is about to run; else says why not.
    pub(crate) async fn go(mut self) -> Result<(), String> {
        // A helper that is gone shows in the answer.
        let _ = self.go.write_all(b"g").await;
        drop(self.go);
        let mut answer = Vec::new();
        let read = self.answer.take(ANSWER_SIZE_MAX).read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        match (answer.strip_prefix(crate::helper::FAILED), read) {
            _ if answer == FETCHED => Ok(()),
            (Some(problem), _) => Err(problem.to_owned()),
            (None, Err(error)) => Err(format!("its answer could not be read: {error}")),
            (None, Ok(_)) => Err("it gave no answer".to_owned()),
        }
    }
}

/// Makes the directories and files of a container, starts its helper, and writes its pid down.
/// Blocks; must run within a runtime all the same, which watches over the helper.
pub(crate) fn spawn(plan: &Plan, options: &Options) -> Result<Spawned, ContainerError> {
    prepare(plan, options)?;
    let spawned = start(plan, options)?;
    checkpoint(plan, spawned.process)?;
    Ok(spawned)
}

fn prepare(plan: &Plan, options: &Options) -> Result<(), ContainerError> {
    let failed = |doing, path: &Path| {
        let path = path.to_owned();
        move |cause| ContainerError::File { doing, path, cause }
    };
    let user = plan.config.user.as_deref();
    match (&plan.parent, plan.id.names().last()) {
        (Some(parent), Some(name)) => sandbox::create_nested(parent, name, user),
        _ => sandbox::create(&plan.sandbox, user),
    }
    .map_err(failed("create the sandbox", &plan.log_directory))?;
    plan.volumes.make(&plan.sandbox, user)?;
    for Volume { path, directory } in volumes(plan)? {
        sandbox::link(&plan.sandbox, &path, &directory, user)
            .map_err(failed("link", &plan.sandbox.join(&path)))?;
    }
    let spec = spec(plan, options)?;
    let directory = &plan.directory;
    directory.create().map_err(failed("create", directory.path()))?;
    let write = |name: &str| failed("write", &directory.file(name));
    directory.write_json(ContainerDir::CONFIG, &plan.record).map_err(write(ContainerDir::CONFIG))?;
    directory.write_json(ContainerDir::LAUNCH_INFO, &spec).map_err(write(ContainerDir::LAUNCH_INFO))
}

/// The volumes of a container that lie in its own sandbox or in its parent's, as links.
fn volumes(plan: &Plan) -> Result<Vec<Volume>, ContainerError> {
    let volumes = plan.config.container.iter().flat_map(|container| &container.volumes);
    volumes
        .map(|volume| {
            let path = PathBuf::from(&volume.container_path);
            let refuse = |what: &str| {
                let what = format!("volume '{}': {what}", volume.container_path);
                ContainerError::Unsupported { id: plan.id.to_string(), what }
            };
            let source = volume.source.as_ref().filter(|source| source.r#type() == source::Type::SandboxPath);
            let Some(source) = source.and_then(|source| source.sandbox_path.as_ref()) else {
                return Err(refuse("this agent provides volumes of type SANDBOX_PATH only"));
            };
            if volume.mode() == volume::Mode::Ro {
                return Err(refuse("this agent provides no read-only volumes"));
            }
            if !Path::new(&source.path)
                .components()
                .all(|c| matches!(c, Component::Normal(_) | Component::CurDir))
            {
                return Err(refuse("its source is not within a sandbox"));
            }
            let sandbox = match (source.r#type(), &plan.parent) {
                (source::sandbox_path::Type::Self_, _) => &plan.sandbox,
                (source::sandbox_path::Type::Parent, Some(parent)) => parent,
                _ => return Err(refuse("its source is in no sandbox")),
            };
            Ok(Volume { path, directory: sandbox.join(&source.path) })
        })
        .collect()
}

fn spec(plan: &Plan, options: &Options) -> Result<Spec, ContainerError> {
    let mut command = plan.config.command.clone();
    let environment = environment(plan)?;
    // It is in the spec once, with everything else.
    command.environment = None;
    Ok(Spec {
        command: mesos_api::json::to_string(&command),
        environment,
        sandbox: plan.sandbox.clone(),
        log_directory: plan.log_directory.clone(),
        user: plan.config.user.clone(),
        frameworks_home: options.frameworks_home.clone(),
        stall_timeout_ms: u64::try_from(options.fetcher_stall_timeout.as_millis()).unwrap_or(u64::MAX),
        stdout_size_max: options.logs.stdout_size_max,
        stderr_size_max: options.logs.stderr_size_max,
    })
}

/// What the container starts from, then the sandbox, then the command's own; the later wins.
fn environment(plan: &Plan) -> Result<BTreeMap<String, String>, ContainerError> {
    let mut environment = plan.config.environment.clone();
    environment.insert("MESOS_SANDBOX".into(), plan.sandbox.display().to_string());
    let own = plan.config.command.environment.iter().flat_map(|environment| &environment.variables);
    for variable in own {
        if variable.r#type() == variable::Type::Secret || variable.secret.is_some() {
            let what =
                format!("the variable '{}' is a secret, which this agent cannot resolve", variable.name);
            return Err(ContainerError::Unsupported { id: plan.id.to_string(), what });
        }
        environment.insert(variable.name.clone(), variable.value.clone().unwrap_or_default());
    }
    environment.entry("PATH".into()).or_insert_with(|| DEFAULT_PATH.into());
    for (name, value) in &environment {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            let what = format!("the variable '{}' cannot be set", name.escape_debug());
            return Err(ContainerError::Unsupported { id: plan.id.to_string(), what });
        }
    }
    Ok(environment)
}

fn start(plan: &Plan, options: &Options) -> Result<Spawned, ContainerError> {
    let program = &options.helper.program;
    let failed = |cause| ContainerError::Helper { id: plan.id.to_string(), program: program.clone(), cause };
    let mut command = Command::new(program);
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    let mut child = command
        .args(&options.helper.arguments)
        .arg(SUPERVISE)
        .arg(plan.directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.id().and_then(Identity::of));
    match pipes {
        (Some(go), Some(answer), Some(process)) => {
            Ok(Spawned { child, process, dialogue: Dialogue { go, answer } })
        }
        _ => Err(failed(io::Error::other("it ended at once"))),
    }
}

/// The helper goes away by itself if this fails, since its input ends.
fn checkpoint(plan: &Plan, process: Identity) -> Result<(), ContainerError> {
    let file = |path: PathBuf| move |cause| ContainerError::File { doing: "write", path, cause };
    let (pid, start) = (process.pid.to_string(), process.start_ticks.to_string());
    for (name, text) in [(ContainerDir::START_TIME, &start), (ContainerDir::PID, &pid)] {
        plan.directory.write(name, text).map_err(file(plan.directory.file(name)))?;
    }
    if let Some(path) = &plan.config.pid_checkpoint {
        let parent = path.parent().map_or(Ok(()), stout::fs::create_dir_durable);
        parent.and_then(|()| stout::fs::write_atomic(path, pid.as_bytes())).map_err(file(path.clone()))?;
    }
    Ok(())
}

/// Refuses what this containerizer has no means for.
pub(crate) fn check(id: &Id, config: &ContainerConfig) -> Result<(), ContainerError> {
    let refuse = |what: &str| Err(ContainerError::Unsupported { id: id.to_string(), what: what.into() });
    if config.command.value.as_deref().unwrap_or_default().is_empty() {
        return refuse("its command is empty");
    }
    let text = |text: &String| text.contains('\0');
    if config.command.value.iter().any(text) || config.command.arguments.iter().any(text) {
        return refuse("its command holds a zero byte");
    }
    if let Some(container) = &config.container {
        if container.r#type() == v1::container_info::Type::Docker {
            return refuse("this agent runs no Docker containers");
        }
        if container.mesos.as_ref().is_some_and(|mesos| mesos.image.is_some()) {
            return refuse("this agent runs no images");
        }
        if container.tty_info.is_some() {
            return refuse("this agent gives containers no terminal");
        }
    }
    if !id.is_root() && !config.resources.is_empty() {
        return refuse("a nested container has no resources of its own");
    }
    mesos_fetcher::validate(&config.command.uris, None)
        .or_else(|_| mesos_fetcher::validate(&config.command.uris, Some(Path::new("/"))))
        .map_err(|cause| ContainerError::Fetch { id: id.to_string(), cause: cause.to_string() })
}
