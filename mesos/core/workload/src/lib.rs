//! The model of an agent: executors, tasks, checkpoints, recovery.
