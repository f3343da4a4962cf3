//! What happened in a simulation, line by line.

use std::fmt::{self, Write};
use std::time::Duration;

/// So much text is kept; what comes later only goes into the digest.
const TEXT_BYTES_MAX: usize = 64 << 20;

/// The record of a simulation: each run of a process or future, message, timer, connection, crash and
/// write to disk that was synced, with its time. Two runs from one seed have the same one, byte for byte.
#[derive(Clone, PartialEq, Eq)]
pub struct Trace {
    text: String,
    line: String,
    lines: u64,
    digest: u64,
}

impl Default for Trace {
    fn default() -> Self {
        Self { text: String::new(), line: String::new(), lines: 0, digest: FNV_BASIS }
    }
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// A number for bytes, the same on all machines (FNV-1a).
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    digest_on(FNV_BASIS, bytes)
}

fn digest_on(digest: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(digest, |digest, byte| (digest ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

impl Trace {
    /// Adds a line.
    pub(crate) fn add(&mut self, since_start: Duration, what: fmt::Arguments<'_>) {
        self.line.clear();
        // Writing to a string does not fail.
        let _ = writeln!(self.line, "{}.{:09} {what}", since_start.as_secs(), since_start.subsec_nanos());
        self.lines += 1;
        self.digest = digest_on(self.digest, self.line.as_bytes());
        if self.text.len() + self.line.len() <= TEXT_BYTES_MAX {
            self.text.push_str(&self.line);
        }
    }

    /// The text, from the beginning on: all of it, unless it is longer than 64 MiB.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many lines there are.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// A number for all of the lines, by which two traces can be compared.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The last lines.
    pub fn tail(&self, lines: usize) -> &str {
        let starts = self.text.trim_end().rmatch_indices('\n').map(|(end, _)| end + 1);
        starts.take(lines).enumerate().last().map_or(self.text.as_str(), |(index, start)| {
            if index + 1 == lines { &self.text[start..] } else { self.text.as_str() }
        })
    }

    /// The first line in which two traces differ, as it is in each of them: empty where it has ended.
    pub fn difference<'a>(&'a self, other: &'a Self) -> Option<(&'a str, &'a str)> {
        let (mut ours, mut theirs) = (self.text.lines(), other.text.lines());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return (self.digest != other.digest).then_some(("", "")),
                (one, other) if one == other => {}
                (one, other) => return Some((one.unwrap_or_default(), other.unwrap_or_default())),
            }
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("lines", &self.lines).field("digest", &self.digest).finish()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(lines: &[&str]) -> Trace {
        let mut trace = Trace::default();
        lines.iter().for_each(|line| trace.add(Duration::from_millis(1500), format_args!("{line}")));
        trace
    }

    #[test]
    fn tail_is_the_last_lines() {
        let lines = trace(&["a", "b", "c"]);
        assert_eq!(lines.tail(1), "1.500000000 c\n");
        assert_eq!(lines.tail(2), "1.500000000 b\n1.500000000 c\n");
        assert_eq!(lines.tail(3), lines.as_str());
        assert_eq!(lines.tail(9), lines.as_str());
        assert_eq!(trace(&[]).tail(2), "");
    }

    #[test]
    fn first_difference_is_found() {
        let (one, other) = (trace(&["a", "b", "c"]), trace(&["a", "x"]));
        assert_eq!(one.difference(&other), Some(("1.500000000 b", "1.500000000 x")));
        assert_eq!(one.difference(&one.clone()), None);
        assert_ne!(one.digest(), other.digest());
        assert_eq!(trace(&["a"]).difference(&trace(&["a", "b"])), Some(("", "1.500000000 b")));
    }
}
