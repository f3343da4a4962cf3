//! What `mesos run` says of its task on the standard error.

use std::io::IsTerminal;

use mesos_api::v1::TaskId;

use crate::output::{note, paint};

pub(super) struct Voice {
    task_id: TaskId,
    quiet: bool,
    /// What was said last of that which comes again and again.
    said: String,
}

impl Voice {
    pub(super) fn new(task_id: TaskId, quiet: bool) -> Self {
        Self { task_id, quiet, said: String::new() }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Says something, unless this is to be quiet.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            self.warn(text);
        }
    }

    /// Says the same only once at a time.
    pub(super) fn say_once(&mut self, text: String) {
        if text != self.said {
            self.say(&text);
            self.said = text;
        }
    }

    /// Says what this waits for, maybe without end: once even where it is to be quiet.
    pub(super) fn say_at_length(&mut self, text: String) {
        if self.quiet && self.said.is_empty() {
            self.warn(&text);
            self.said = text;
        } else {
            self.say_once(text);
        }
    }

    /// Says what must be known in any case.
    pub(super) fn warn(&self, text: &str) {
        note(&paint(std::io::stderr().is_terminal(), "2", &format!("[{}] {text}", self.task_id)));
    }
}
