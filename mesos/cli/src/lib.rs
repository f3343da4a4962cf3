//! The mesos command.
