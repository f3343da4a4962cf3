//! What the tests stand on: daemons in processes of their own, plain HTTP, a framework, Python clients.

mod cluster;
mod command;
mod daemon;
mod events;
mod executor;
mod framework;
mod http;
mod python;
mod scratch;
mod tasks;
mod wait;
mod watchdog;

pub(crate) use cluster::{Cluster, shared};
pub(crate) use command::{Finished, curl, finish, mesos, mesos_on_a_terminal};
pub(crate) use daemon::Daemon;
pub(crate) use events::Events;
pub(crate) use executor::Executor;
pub(crate) use framework::Framework;
pub(crate) use http::{Answer, Connection, get, get_json, post, post_json, request, request_bytes};
pub(crate) use python::{descriptors, interpreter, transcript};
pub(crate) use scratch::{Scratch, processes_of, resident_bytes};
pub(crate) use tasks::{
    command_task, executor_resources, executor_task, framework_info, launch, launch_group, resources, task_id,
};
pub(crate) use wait::{PATIENCE, until};

/// Says that a test is skipped, and why; fails where none may be.
#[track_caller]
fn skip(why: &str) {
    let forbidden = std::env::var_os("MESOS_TEST_SKIP_FORBIDDEN").is_some_and(|value| value == "1");
    assert!(!forbidden, "skipped: {why}");
    println!("skipped: {why}");
}
