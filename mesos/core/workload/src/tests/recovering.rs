//! What is taken up after a restart.

use std::path::PathBuf;

use mesos_api::v1::{AgentInfo, TaskState::*, task_status::Reason};
use mesos_resources::Resources;
use mesos_updates::record;

use super::world::{World, aware, executor_id, framework, framework_id, fresh, registered, task};
use crate::compatible::Policy;
use crate::recovery::{Found, MemoryDisk, Recovered, RecoveryError, read};
use crate::{Effect, ExecutorState, Input, Layout, Link, Phase, Registration, Termination, records};

/// An agent whose files are kept.
struct Kept {
    world: World,
    disk: MemoryDisk,
}

impl Kept {
    /// An agent with a task that its executor has, as its disk would be then.
    fn running() -> Self {
        let mut kept = Kept { world: registered(), disk: MemoryDisk::default() };
        kept.write_agent();
        kept.world.run(framework(true), task("t", "e"));
        kept.keep();
        kept.started();
        kept.world.subscribe("e");
        kept.keep();
        kept.world.prepared();
        kept
    }

    fn write_agent(&mut self) {
        let layout = self.world.workload.layout().clone();
        let file = records::agent(&layout, self.world.workload.info()).unwrap();
        self.disk.files.insert(file.path, file.content);
        self.disk.links.insert(layout.latest_agent(), layout.agent_meta("S0"));
    }

    /// Does what the effects say about files.
    fn keep(&mut self) {
        for effect in self.world.effects.clone() {
            let files = match effect {
                Effect::Launch(launch) => {
                    self.disk.links.extend(launch.links);
                    launch.files
                }
                Effect::Prepare { files, .. } | Effect::Checkpoint { files, .. } => files,
                Effect::Seal(path) => vec![crate::File { path, content: b"x".to_vec() }],
                _ => continue,
            };
            self.disk.files.extend(files.into_iter().map(|file| (file.path, file.content)));
        }
    }

    /// The container runs, and its executor has called over HTTP.
    fn started(&mut self) {
        let run = self.world.run_key("e");
        let directory = format!("/w/meta/slaves/S0/frameworks/F/executors/e/runs/{}", run.container.value);
        self.disk.files.insert(PathBuf::from(&directory).join("pids/forked.pid"), b"123".to_vec());
        let link = Link::Http(1);
        let file = self.world.workload.subscription_file(&framework_id(), &executor_id("e"), &link).unwrap();
        self.disk.files.insert(file.path, b"x".to_vec());
    }

    fn path(&self, end: &str) -> PathBuf {
        let all: Vec<&PathBuf> = self.disk.files.keys().filter(|path| path.ends_with(end)).collect();
        let [path] = all[..] else { panic!("{end}: {all:?}") };
        path.clone()
    }

    fn updates_path(&self) -> PathBuf {
        self.path("task.info").with_file_name("task.updates")
    }

    /// Appends what the update streams would have.
    fn update(&mut self, state: mesos_api::v1::TaskState, number: u8, acknowledged: bool) {
        use mesos_api::internal::{StatusUpdateRecord, status_update_record::Type};
        let update = Some(super::world::executor_update("t", state, number));
        let mut bytes =
            record::encode(&StatusUpdateRecord { r#type: Type::Update as i32, update, uuid: None });
        if acknowledged {
            let uuid = Some(vec![number; 16]);
            bytes.extend(record::encode(&StatusUpdateRecord {
                r#type: Type::Ack as i32,
                update: None,
                uuid,
            }));
        }
        let path = self.updates_path();
        self.disk.files.entry(path).or_default().extend(bytes);
    }

    fn read(&self, strict: bool) -> Result<Found, RecoveryError> {
        read(&self.disk, &Layout::new("/w"), Some("boot"), strict)
    }

    /// A new agent that finds this disk.
    fn restart(&self, info: impl FnOnce(&mut AgentInfo)) -> Result<(World, Recovered), RecoveryError> {
        self.restart_with(info, true)
    }

    fn restart_with(
        &self,
        info: impl FnOnce(&mut AgentInfo),
        strict: bool,
    ) -> Result<(World, Recovered), RecoveryError> {
        let mut world = fresh();
        info(&mut world.workload.info);
        let found = self.read(strict)?;
        let recovered = world.workload.recover(found, Policy::Equal, &mut world.effects)?;
        Ok((world, recovered))
    }
}

#[test]
fn a_running_task_is_taken_up() {
    let mut kept = Kept::running();
    kept.update(TaskRunning, 1, false);
    let (mut world, recovered) = kept.restart(|_| {}).unwrap();
    assert!(!recovered.changed);
    assert_eq!(recovered.containers.len(), 1);
    assert_eq!(recovered.containers[0].pid, 123);
    assert_eq!(recovered.streams.len(), 1);
    assert_eq!(recovered.streams[0].1.pending(), 1);
    let executor = world.workload.executor(&framework_id(), &executor_id("e")).unwrap();
    assert_eq!((executor.state, &executor.link), (ExecutorState::Registering, &Link::AwaitingHttp));
    assert_eq!(executor.launched["t"].state(), TaskRunning);
    assert_eq!(world.workload.used(), kept.world.workload.used());

    world.effects.clear();
    assert!(world.workload.reconnect(&mut world.effects), "it waits for the executor");
    assert_eq!(world.words(), ["watch", "after 2"]);
    world.apply(Input::Subscribe {
        framework: framework_id(),
        executor: executor_id("e"),
        link: Link::Http(5),
        kind: crate::Subscription::Subscribe { tasks: Vec::new(), updates: Vec::new() },
    });
    assert_eq!(world.words(), ["send SUBSCRIBED", "prepare "]);
    world.apply(Input::ReregistrationTimeout);
    assert_eq!(world.words(), [""; 0]);
    assert_eq!(world.workload.phase(), Phase::Disconnected);
    let Registration::Again(message) = world.workload.registration("1.5.3") else { panic!("it has an id") };
    assert_eq!((message.tasks.len(), message.executor_infos.len(), message.frameworks.len()), (1, 1, 1));
}

#[test]
fn an_executor_that_does_not_come_back_is_given_up() {
    for (aware_of_partitions, state) in [(false, TaskLost), (true, TaskGone)] {
        let mut kept = Kept::running();
        if aware_of_partitions {
            let path = kept.path("framework.info");
            kept.disk.files.insert(path, record::encode(&aware(framework(true))));
        }
        let (mut world, _) = kept.restart(|_| {}).unwrap();
        world.workload.reconnect(&mut world.effects);
        let run = world.run_key("e");
        world.apply(Input::ReregistrationTimeout);
        assert_eq!(world.words(), ["destroy"]);
        world.apply(Input::Terminated { run, termination: Ok(Some(Default::default())) });
        let message = "Executor did not re-register within 2secs";
        let reason = Some(Reason::ExecutorReregistrationTimeout);
        assert_eq!(world.updates(), [("t".into(), state, reason, message.into())]);
    }
}

/// How the task ends that an agent was launching when it was killed, given how far it came.
fn interrupted_launch(
    change: impl Fn(&mut Kept, PathBuf),
    partitions: bool,
    termination: Option<Termination>,
) -> (mesos_api::v1::TaskState, Option<Reason>, String) {
    let mut kept = Kept { world: registered(), disk: MemoryDisk::default() };
    kept.write_agent();
    let info = framework(true);
    kept.world.run(if partitions { aware(info) } else { info }, task("t", "e"));
    kept.keep();
    let info = kept.path("task.info");
    let run = info.ancestors().nth(3).unwrap();
    change(&mut kept, run.join("pids/forked.pid"));
    let (mut world, _) = kept.restart(|_| {}).unwrap();
    world.workload.reconnect(&mut world.effects);
    let run = world.run_key("e");
    world.apply(Input::Terminated { run, termination: Ok(termination) });
    let [(_, state, reason, message)] = &world.updates()[..] else { panic!("{:?}", world.words()) };
    (*state, *reason, message.clone())
}

#[test]
fn task_that_the_agent_did_not_live_to_start_has_never_run() {
    let not_forked = |_: &mut Kept, _| ();
    let forked = |kept: &mut Kept, path| drop(kept.disk.files.insert(path, b"123".to_vec()));
    let stopped = || Some(Termination { never_ran: true, message: Some("x".into()), ..Default::default() });
    for (partitions, state) in [(false, TaskLost), (true, TaskDropped)] {
        let expected = (state, Some(Reason::AgentRestarted), crate::task_end::NEVER_RAN.to_owned());
        assert_eq!(interrupted_launch(not_forked, partitions, None), expected);
        assert_eq!(interrupted_launch(not_forked, partitions, stopped()), expected);
        assert_eq!(interrupted_launch(forked, partitions, stopped()), expected);
    }
}

#[test]
fn task_that_may_have_run_is_not_told_as_never_run() {
    let failed = |message: &str| (TaskFailed, Some(Reason::ExecutorTerminated), message.to_owned());
    let unknown = failed("Abnormal executor termination: unknown container");
    let forked = |kept: &mut Kept, path| drop(kept.disk.files.insert(path, b"123".to_vec()));
    assert_eq!(interrupted_launch(forked, true, None), unknown);
    let killed = || Some(Termination { status: Some(9), ..Termination::default() });
    assert_eq!(interrupted_launch(|_, _| (), true, killed()), failed("Executor terminated"));
    // What is not there after a reboot says nothing.
    let rebooted =
        |kept: &mut Kept, _| drop(kept.disk.files.insert("/w/meta/boot_id".into(), b"another".to_vec()));
    assert_eq!(interrupted_launch(rebooted, true, None), unknown);
}

#[test]
fn tasks_that_ended_are_told_until_that_is_acknowledged() {
    let mut kept = Kept::running();
    kept.update(TaskRunning, 1, true);
    kept.update(TaskFinished, 2, false);
    let (world, recovered) = kept.restart(|_| {}).unwrap();
    let executor = world.workload.executor(&framework_id(), &executor_id("e")).unwrap();
    assert!(executor.terminated.contains_key("t"));
    assert_eq!(recovered.streams[0].1.pending(), 1);
    // Then it is over.
    let mut kept = Kept::running();
    kept.update(TaskFinished, 2, true);
    let (world, recovered) = kept.restart(|_| {}).unwrap();
    let executor = world.workload.executor(&framework_id(), &executor_id("e")).unwrap();
    assert_eq!(executor.completed.len(), 1);
    assert!(recovered.streams[0].1.finished());
}

#[test]
fn a_clean_up_ends_the_executors_and_then_the_agent() {
    let kept = Kept::running();
    let mut world = fresh();
    world.workload.options.cleanup = true;
    let found = kept.read(true).unwrap();
    world.workload.recover(found, Policy::Equal, &mut world.effects).unwrap();
    world.effects.clear();
    assert!(!world.workload.reconnect(&mut world.effects));
    assert_eq!(world.words(), ["watch", "send SHUTDOWN", "after 5"]);
    let run = world.run_key("e");
    world.apply(Input::Terminated { run, termination: Ok(None) });
    assert_eq!(world.words().last().map(String::as_str), Some("finished"));
}

#[test]
fn a_changed_agent_does_not_start_unless_the_machine_did() {
    let more = |info: &mut AgentInfo| info.resources = Resources::parse("cpus:8", "*").unwrap().to_protos();
    let mut kept = Kept::running();
    let Err(RecoveryError::Incompatible(text)) = kept.restart(more) else { panic!("it starts") };
    assert!(text.starts_with("Incompatible agent info detected"), "{text}");
    kept.disk.files.insert("/w/meta/boot_id".into(), b"another\n".to_vec());
    let (world, recovered) = kept.restart(more).unwrap();
    assert!(recovered.forget_agent && world.workload.info().id.is_none());
    assert!(world.workload.frameworks().is_empty());
    // The same agent stays the same over a reboot; its containers are gone.
    let (world, recovered) = kept.restart(|_| {}).unwrap();
    assert_eq!(world.workload.info().id.as_ref().unwrap().value, "S0");
    assert!(recovered.containers.is_empty());
}

#[test]
fn what_is_missing_or_empty_was_being_written() {
    let check = |end: &str, executors: usize| {
        for empty in [true, false] {
            let mut kept = Kept::running();
            let path = kept.path(end);
            if empty {
                kept.disk.files.insert(path, Vec::new());
            } else {
                kept.disk.files.remove(&path);
            }
            let (world, _) = kept.restart(|_| {}).unwrap_or_else(|error| panic!("{end}: {error}"));
            let framework = world.workload.framework(&framework_id());
            assert_eq!(framework.map_or(0, |framework| framework.executors.len()), executors, "{end}");
        }
    };
    check("slave.info", 0);
    check("framework.info", 0);
    check("framework.pid", 0);
    check("executor.info", 0);
    check("task.info", 1);
    check("forked.pid", 1);
}

#[test]
fn what_is_damaged_ends_a_strict_start_and_is_counted_otherwise() {
    for end in ["slave.info", "framework.info", "executor.info", "task.info", "forked.pid"] {
        let mut kept = Kept::running();
        let path = kept.path(end);
        kept.disk.files.insert(path.clone(), b"\x05\0\0\0damaged".to_vec());
        let error = kept.restart(|_| {}).err().unwrap_or_else(|| panic!("{end}")).to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
        let (world, _) = kept.restart_with(|_| {}, false).unwrap();
        let counted = world.effects.iter().any(
            |effect| matches!(effect, Effect::Count(crate::Count::RecoveryErrors(errors)) if *errors >= 1),
        );
        assert!(counted, "{end}");
    }
}

#[test]
fn a_torn_update_is_cut_off() {
    let mut kept = Kept::running();
    kept.update(TaskRunning, 1, false);
    let path = kept.updates_path();
    let whole = kept.disk.files[&path].len();
    kept.disk.files.get_mut(&path).unwrap().extend([9, 0, 0, 0, 1, 2]);
    let found = kept.read(true).unwrap();
    assert_eq!(found.truncate, [(path, whole as u64)]);
    assert_eq!(found.agent.unwrap().frameworks[0].executors[0].runs[0].tasks[0].records.len(), 1);
}

#[test]
fn an_interrupted_change_of_reservations_is_made_good() {
    let reserved = |amount: &str| -> Resources { format!("cpus(web):{amount}").parse().unwrap() };
    let mut kept = Kept::running();
    kept.disk.files.insert("/w/meta/resources/resources.info".into(), Vec::new());
    let (world, recovered) = kept.restart(|_| {}).unwrap();
    assert!(recovered.sync.is_none() && world.workload.checkpointed_resources().is_empty());
    let made = mesos_api::v1::resource::ReservationInfo {
        r#type: Some(mesos_api::v1::resource::reservation_info::Type::Dynamic as i32),
        role: Some("web".into()),
        ..Default::default()
    };
    let target = Resources::parse("cpus:1", "*").unwrap().push_reservation(&made);
    kept.disk.files.insert("/w/meta/resources/resources.target".into(), records::resources(&target));
    let (world, recovered) = kept.restart(|_| {}).unwrap();
    assert_eq!(recovered.sync, Some(target));
    assert_eq!(world.workload.total().reserved_to("web").cpus(), Some(1.0));
    let volume: Resources = reserved("1");
    kept.disk.files.insert("/w/meta/resources/resources.target".into(), records::resources(&volume));
    // A static reservation is none that could be made at run time.
    assert!(matches!(kept.restart(|_| {}), Err(RecoveryError::Resources { .. })));
}

#[test]
fn completed_and_older_runs_are_sent_away() {
    let mut kept = Kept::running();
    let run = kept.world.run_key("e").container.value;
    let runs = PathBuf::from("/w/meta/slaves/S0/frameworks/F/executors/e/runs");
    kept.disk.files.insert(runs.join("older/executor.sentinel"), b"x".to_vec());
    let (world, _) = kept.restart(|_| {}).unwrap();
    assert_eq!(world.words(), ["collect 2"]);
    kept.disk.files.insert(runs.join(run).join("executor.sentinel"), b"x".to_vec());
    let (world, _) = kept.restart(|_| {}).unwrap();
    assert!(world.workload.frameworks().is_empty());
    assert_eq!(world.workload.completed_frameworks().len(), 1);
}
