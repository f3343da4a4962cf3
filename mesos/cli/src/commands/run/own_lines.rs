//! What the executor of a command writes into the `stderr` of its sandbox.
//!
//! It is no output of the command, and `mesos run` tells all of it anyway. What it is follows from the task, but for
//! the last line: a text like that counts as the executor's only if nothing comes after it, and the update on
//! the end of the task says the same.

use std::time::Duration;

use mesos_api::v1::TaskId;

/// How the last line begins.
const ENDS: [&str; 2] = ["Command exited with status ", "Command terminated with signal "];

/// So much of the beginning of a line is enough to wait for the rest.
const BEGIN_BYTES_MIN: usize = 12;

/// What follows the known beginning of a line is no longer than this.
const REST_BYTES_MAX: usize = 4096; // a path

/// Takes the executor's lines out of a text that comes in pieces.
pub(super) struct OwnLines {
    /// How lines begin that are the executor's wherever they are.
    lines: Vec<String>,
    /// What may be one, or the beginning of one.
    held: Vec<u8>,
}

enum Fit {
    No,
    /// As far as there is something.
    Begins,
    /// So many bytes are a whole line.
    Whole(usize),
}

impl OwnLines {
    /// Of a task, for which these URIs are fetched.
    pub(super) fn new(task: &TaskId, uris: &[String], grace_period: Duration) -> Self {
        let mut lines = vec![
            format!("Started task {task} as process "),
            format!("The task did not end within {grace_period:?}: killing it"),
        ];
        for uri in uris {
            lines.extend([format!("Fetching '{uri}'"), format!("Fetched '{uri}' to ")]);
        }
        Self { lines, held: Vec::new() }
    }

    /// The next piece, as far as it is not the executor's.
    pub(super) fn pass(&mut self, piece: Vec<u8>) -> Vec<u8> {
        let mut text = std::mem::take(&mut self.held);
        text.extend(piece);
        let (mut passed, mut rest) = (Vec::with_capacity(text.len()), text.as_slice());
        while let Some(at) = rest.iter().position(|byte| b"STCF".contains(byte)) {
            let (before, from) = rest.split_at(at);
            passed.extend_from_slice(before);
            rest = match self.fit(from) {
                Fit::Whole(length) => from.get(length..).unwrap_or_default(),
                Fit::Begins => {
                    self.held = from.to_vec();
                    return passed;
                }
                Fit::No => {
                    passed.extend(from.first());
                    from.get(1..).unwrap_or_default()
                }
            };
        }
        passed.extend_from_slice(rest);
        passed
    }

    /// What is left at the end, unless it is how the executor tells the end of the task.
    pub(super) fn finish(self, message: &str) -> Vec<u8> {
        let line = self.held.strip_suffix(b"\n").unwrap_or(&self.held);
        if line == message.as_bytes() { Vec::new() } else { self.held }
    }

    fn fit(&self, text: &[u8]) -> Fit {
        let ends = ENDS.iter().map(|begin| match fit(begin, text) {
            Fit::Whole(length) if length < text.len() => Fit::No,
            Fit::Whole(_) => Fit::Begins,
            other => other,
        });
        let lines = self.lines.iter().map(|begin| fit(begin, text));
        lines.chain(ends).find(|fit| !matches!(fit, Fit::No)).unwrap_or(Fit::No)
    }
}

/// Whether a text begins with a line that begins so.
fn fit(begin: &str, text: &[u8]) -> Fit {
    let begin = begin.as_bytes();
    let Some(rest) = text.strip_prefix(begin) else {
        let begins = text.len() >= BEGIN_BYTES_MIN && begin.starts_with(text);
        return if begins { Fit::Begins } else { Fit::No };
    };
    match rest.iter().position(|byte| *byte == b'\n') {
        Some(length) if length <= REST_BYTES_MAX => Fit::Whole(begin.len() + length + 1),
        None if rest.len() <= REST_BYTES_MAX => Fit::Begins,
        _ => Fit::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: &str = "Command exited with status 3";

    /// What passes of pieces, one after the other, and at the end.
    fn check(pieces: &[&str], message: &str, expected: &[&str]) {
        let mut own = OwnLines::new(&"t-1".into(), &["file:///a".to_owned()], Duration::from_secs(3));
        let mut passed: Vec<_> = pieces.iter().map(|piece| own.pass(piece.as_bytes().to_vec())).collect();
        passed.push(own.finish(message));
        let passed: Vec<_> = passed.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
        assert_eq!(passed, expected, "{pieces:?}");
    }

    #[test]
    fn lines_of_the_executor_do_not_pass() {
        check(
            &["Started task t-1 as process 12\nerr\n", "Command exited with status 3\n"],
            END,
            &["err\n", "", ""],
        );
        check(&["Started task t-1", " as process 1", "2\na\n"], END, &["", "", "a\n", ""]);
        let late =
            "no end\nThe task did not end within 3s: killing it\nCommand terminated with signal Killed\n";
        check(&[late], "Command terminated with signal Killed", &["no end\n", ""]);
        check(
            &["Fetching 'file:///a'\nFetched 'file:///a' to '/s/a'\nStarted task t-1 as process 12\nF\n"],
            END,
            &["F\n", ""],
        );
        check(&["no line endCommand exited with status 3", "\n"], END, &["no line end", "", ""]);
    }

    #[test]
    fn lines_of_the_command_pass() {
        check(&["Fetching 'file:///b'\n"], END, &["Fetching 'file:///b'\n", ""]);
        check(&["Started task t-2 as process 12\n"], END, &["Started task t-2 as process 12\n", ""]);
        check(&["Command exited with status 3\nno\n"], END, &["Command exited with status 3\nno\n", ""]);
        let twice = "Command exited with status 3\nCommand exited with status 3\n";
        check(&[twice], END, &["Command exited with status 3\n", ""]);
        check(&["Command exited with status 4\n"], END, &["", "Command exited with status 4\n"]);
        check(&["Command: ", "Command", "?"], END, &["Command: ", "Command", "?", ""]);
    }
}
