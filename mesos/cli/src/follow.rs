//! A file of a sandbox, read as it grows.
//!
//! An agent bounds what a task prints: a full file is renamed, `stdout` to `stdout.1`, over the one that was
//! full before. So what is read by name may be another file than a moment ago, and whoever reads more slowly than
//! the task writes comes too late for the older ones. Here, therefore,
//!
//! * a [`Watch`] looks often for a file that was renamed, and at once begins to download it: that keeps it
//!   readable after it has lost its name;
//! * nothing that was read by name counts before a later look has shown that the name still meant the same
//!   file;
//! * what could not be read is told, with how much it is.

#[cfg(test)]
mod tests;
mod watch;

use std::time::Duration;

use libprocess::http::ClientResponse;
use tokio::sync::watch as signal;
use tokio::time::Instant;

use crate::api::NotFound;
use crate::sandbox::Sandbox;
use watch::{View, Watch};

/// How often a file that does not grow is read again.
const READ_INTERVAL: Duration = Duration::from_millis(50);

/// So much is read of a file before it is looked whether that was the file that was meant.
const READ_BYTES_MAX: u64 = 4 << 20;

/// So many of the bytes read last are read again in a file that was renamed, to know it again.
const OVERLAP_BYTES_MAX: usize = 256;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Data(Vec<u8>),
    /// Here bytes are gone.
    Lost(Loss),
}

/// How many bytes are gone, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    bytes: u64,
    /// There were more, and nobody knows how many.
    more: bool,
}

impl Loss {
    fn and(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_add(other.bytes), more: self.more || other.more }
    }

    /// The warning that is due where they are missing.
    pub(crate) fn warning(self, name: &str) -> String {
        let bytes = match self {
            Self { bytes: 0, .. } => "an unknown number of".to_owned(),
            Self { bytes, more: false } => bytes.to_string(),
            Self { bytes, more: true } => format!("at least {bytes}"),
        };
        format!(
            "warning: {bytes} bytes of {name} were lost here: it was begun anew before they could be read"
        )
    }
}

/// Reads a file to the end that is given to it.
pub(crate) struct Follower {
    sandbox: Sandbox,
    name: String,
    renamed: String,
    watch: Watch,
    /// Which file under the name is being read, counted from the one that was there first, and up to where.
    generation: u64,
    offset: u64,
    /// The bytes before `offset`, as far as they were read.
    overlap: Vec<u8>,
    view: View,
    /// A file that has lost its name, being read.
    copy: Option<Copy>,
    /// Nothing is written any more.
    over: signal::Receiver<bool>,
    /// Since when reading has failed.
    failing: Option<Instant>,
    /// What is gone before that which comes next.
    lost: Option<Loss>,
    /// What comes after the loss that was told.
    ready: Option<Vec<u8>>,
}

/// Files came and went unseen.
const UNKNOWN: Loss = Loss { bytes: 0, more: true };

struct Copy {
    response: ClientResponse,
    position: u64,
    size: u64,
}

impl Follower {
    /// Reads from `offset` of what the name means now, until `over`. With offset 0, what was renamed before is read
    /// first where `from_beginning` says so.
    pub(crate) async fn start(
        sandbox: Sandbox,
        name: &str,
        from_beginning: bool,
        over: signal::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let (watch, view) = Watch::start(sandbox.clone(), name, from_beginning).await?;
        Ok(Self {
            sandbox,
            name: name.to_owned(),
            renamed: format!("{name}.1"),
            watch,
            generation: 0,
            offset: 0,
            overlap: Vec::new(),
            view,
            copy: None,
            over,
            failing: None,
            lost: None,
            ready: None,
        })
    }

    /// Goes on at an offset.
    pub(crate) fn seek(&mut self, offset: u64) {
        self.offset = offset;
        self.overlap.clear();
    }

    /// The next piece; none when it is over and all was read.
    ///
    /// # Errors
    ///
    /// Fails when the agent cannot be asked for as long as it may be silent, or is not there once it is over.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Piece>> {
        if let Some(data) = self.ready.take() {
            return Ok(Some(Piece::Data(data)));
        }
        loop {
            // Before the read: what was written before the end is there to be read then.
            let over = *self.over.borrow_and_update();
            let step = match self.step(over).await {
                Ok(step) => step,
                Err(error) => {
                    let since = *self.failing.get_or_insert_with(Instant::now);
                    if over || since.elapsed() >= self.sandbox.agent().wait_max() {
                        return Err(error);
                    }
                    self.pause().await;
                    continue;
                }
            };
            self.failing = None;
            match step {
                Step::Again => {}
                // What is lost in one place is told as one.
                Step::Lost(loss) => self.lost = Some(self.lost.map_or(loss, |lost| lost.and(loss))),
                Step::Data(data) => {
                    let Some(loss) = self.lost.take() else { return Ok(Some(Piece::Data(data))) };
                    self.ready = Some(data);
                    return Ok(Some(Piece::Lost(loss)));
                }
                Step::End => match self.lost.take() {
                    Some(loss) => return Ok(Some(Piece::Lost(loss))),
                    None if over => return Ok(None),
                    None => self.pause().await,
                },
            }
        }
    }

    async fn pause(&mut self) {
        // Without a sender there is no end, and nothing to be told.
        let told = async {
            if self.over.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let _ = tokio::time::timeout(READ_INTERVAL, told).await;
    }

    async fn step(&mut self, over: bool) -> anyhow::Result<Step> {
        if self.copy.is_some() {
            return self.step_copy().await;
        }
        match self.view.generation.saturating_sub(self.generation) {
            0 => self.step_named(over).await,
            // It still has a name, by which the rest is had without what was read before.
            1 if self.offset > 0 => self.step_renamed().await,
            _ => self.open_copy().await,
        }
    }

    async fn step_named(&mut self, over: bool) -> anyhow::Result<Step> {
        let (data, size) = match self.sandbox.read_ahead(&self.name, self.offset, READ_BYTES_MAX).await {
            // It comes, or it is being renamed; and a task that ended before it began has no output.
            Err(error) if error.is::<NotFound>() => (Vec::new(), self.offset),
            read => read?,
        };
        let shrunk = size < self.offset;
        if data.is_empty() && !over && !shrunk {
            self.view = self.watch.latest();
            return Ok(if self.view.generation == self.generation { Step::End } else { Step::Again });
        }
        self.view = self.watch.look().await?;
        if self.view.generation != self.generation {
            return Ok(Step::Again);
        }
        if shrunk {
            // Nobody has renamed it: it was emptied, or is another one.
            self.seek(0);
            return Ok(Step::Lost(UNKNOWN));
        }
        Ok(if data.is_empty() { Step::End } else { self.take(data) })
    }

    async fn step_renamed(&mut self) -> anyhow::Result<Step> {
        let begin = self.offset - self.overlap.len() as u64;
        let read = self.sandbox.read_ahead(&self.renamed, begin, READ_BYTES_MAX).await;
        self.view = self.watch.look().await?;
        if self.view.generation != self.generation + 1 {
            return Ok(Step::Again);
        }
        match read {
            Ok((data, _)) => match data.strip_prefix(self.overlap.as_slice()) {
                Some([]) => Ok(self.advance()),
                Some(rest) => Ok(self.take(rest.to_vec())),
                None => Ok(self.other_file()),
            },
            // Somebody has removed it.
            Err(error) if error.is::<NotFound>() => self.open_copy().await,
            Err(error) => Err(error),
        }
    }

    /// Begins to read a file that has lost its name, or says that it cannot be had.
    async fn open_copy(&mut self) -> anyhow::Result<Step> {
        let Some(full) = self.watch.take(self.generation).await? else { return Ok(self.lose(UNKNOWN)) };
        if full.missed {
            // This is a later file, none of which was read.
            self.seek(0);
        }
        let rest = Loss { bytes: full.size.saturating_sub(self.offset), more: full.missed };
        let Some(response) = full.copy else { return Ok(self.lose(rest)) };
        self.copy = Some(Copy { response, position: 0, size: full.size });
        Ok(if full.missed { Step::Lost(UNKNOWN) } else { Step::Again })
    }

    async fn step_copy(&mut self) -> anyhow::Result<Step> {
        let Some(copy) = &mut self.copy else { return Ok(Step::Again) };
        let chunk = self.sandbox.agent().chunk(&mut copy.response).await;
        let Ok(Some(chunk)) = chunk else {
            let missing = copy.size.saturating_sub(copy.position.max(self.offset));
            return Ok(self.lose(Loss { bytes: missing, more: false }));
        };
        let begin = copy.position;
        copy.position += chunk.len() as u64;
        let known = self.offset - self.overlap.len() as u64;
        if copy.position <= known {
            return Ok(Step::Again);
        }
        // From here on it overlaps with what was read before, unless all of that has been seen.
        let chunk = chunk.get(known.saturating_sub(begin) as usize..).unwrap_or_default();
        let seen = (begin.max(known) - known) as usize;
        let expected = self.overlap.get(seen..).unwrap_or_default();
        let length = expected.len().min(chunk.len());
        if chunk.get(..length) != expected.get(..length) {
            return Ok(self.other_file());
        }
        let rest = chunk.get(length..).unwrap_or_default();
        Ok(if rest.is_empty() { Step::Again } else { self.take(rest.to_vec()) })
    }

    /// The file that was renamed is a later one than that which was being read.
    fn other_file(&mut self) -> Step {
        if self.copy.take().is_some() {
            // It was not read through, so it cannot be read again from its beginning.
            return self.lose(UNKNOWN);
        }
        self.seek(0);
        Step::Lost(UNKNOWN)
    }

    fn take(&mut self, data: Vec<u8>) -> Step {
        self.offset += data.len() as u64;
        self.overlap
            .extend_from_slice(data.get(data.len().saturating_sub(OVERLAP_BYTES_MAX)..).unwrap_or(&data));
        self.overlap.drain(..self.overlap.len().saturating_sub(OVERLAP_BYTES_MAX));
        Step::Data(data)
    }

    fn lose(&mut self, loss: Loss) -> Step {
        self.advance();
        if loss == (Loss { bytes: 0, more: false }) { Step::Again } else { Step::Lost(loss) }
    }

    fn advance(&mut self) -> Step {
        self.copy = None;
        self.generation += 1;
        self.watch.read_through(self.generation);
        self.seek(0);
        Step::Again
    }
}

enum Step {
    Data(Vec<u8>),
    Lost(Loss),
    /// Something else is to be done first.
    Again,
    /// There is nothing more now.
    End,
}
