//! The commands that agents start this program with.

pub(crate) use mesos_local::helpers::dispatch;
