//! Looks for files that are full and lose their name.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::Context as _;
use libprocess::http::ClientResponse;
use mesos_api::v1::FileInfo;
use tokio::sync::{mpsc, oneshot, watch as signal};
use tokio::time::Instant;

use crate::api::NotFound;
use crate::sandbox::Sandbox;

/// How often it is looked while the file grows fast, and else. At a bound of 100 MB this is enough for 2 GB a second.
const LOOK_INTERVAL_FAST: Duration = Duration::from_millis(5);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// The file grows fast when it grows by so much between two looks.
const FAST_BYTES: u64 = 1 << 20;

/// While it does not, it takes so many times as long as a look until the next one: looking must not be all that an
/// agent does.
const REST_FACTOR: u32 = 4;

/// So many files without a name are kept readable. They take room on the disk of the agent.
pub(super) const COPIES_MAX: usize = 16;

/// So much of the beginning of a file is kept to know it again.
const HEAD_BYTES: usize = 256;

/// So many files that were lost are remembered, to tell how much that was.
const FULL_MAX: usize = 10_000;

/// What a look has shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// How many files have lost the name, and so the number of the one that has it.
    pub(super) generation: u64,
}

/// A file that was full.
pub(super) struct Full {
    pub(super) size: u64,
    /// All of it, unless it was lost.
    pub(super) copy: Option<ClientResponse>,
    /// There were others before it, which were seen too late to be counted.
    pub(super) missed: bool,
}

/// A task that looks. It ends when this is dropped.
pub(super) struct Watch {
    requests: mpsc::UnboundedSender<Request>,
    latest: signal::Receiver<View>,
}

enum Request {
    Look(oneshot::Sender<anyhow::Result<View>>),
    Take(u64, oneshot::Sender<Option<Full>>),
    ReadThrough(u64),
}

impl Watch {
    /// Begins with a look. What was renamed before counts as the first file where `from_beginning` says so.
    pub(super) async fn start(
        sandbox: Sandbox,
        name: &str,
        from_beginning: bool,
    ) -> anyhow::Result<(Self, View)> {
        let (requests, received) = mpsc::unbounded_channel();
        let (told, latest) = signal::channel(View { generation: 0 });
        let (directory, name) = name.rsplit_once('/').unwrap_or(("", name));
        let mut watcher = Watcher {
            sandbox,
            directory: directory.to_owned(),
            name: name.to_owned(),
            generation: 0,
            renamed: None,
            size: 0,
            fast: false,
            full: VecDeque::new(),
            head: Vec::new(),
            latest: told,
        };
        if !from_beginning {
            watcher.renamed = watcher.list().await?.renamed;
        }
        watcher.look().await?;
        let view = View { generation: watcher.generation };
        tokio::spawn(watcher.run(received));
        Ok((Self { requests, latest }, view))
    }

    /// What the last look has shown.
    pub(super) fn latest(&self) -> View {
        *self.latest.borrow()
    }

    /// Looks now.
    pub(super) async fn look(&self) -> anyhow::Result<View> {
        self.ask(Request::Look).await?
    }

    /// Gives a file that has lost its name, once.
    pub(super) async fn take(&self, generation: u64) -> anyhow::Result<Option<Full>> {
        self.ask(|answer| Request::Take(generation, answer)).await
    }

    /// Files before this one are not needed any more.
    pub(super) fn read_through(&self, generation: u64) {
        // The watcher is there as long as this is.
        let _ = self.requests.send(Request::ReadThrough(generation));
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> anyhow::Result<T> {
        let (answer, answered) = oneshot::channel();
        let _ = self.requests.send(request(answer));
        answered.await.context("nobody looks after the file any more")
    }
}

/// What tells one file under a name from another: a full one is not written any more.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    size: u64,
    modified: i64,
}

struct Listing {
    size: u64,
    renamed: Option<Identity>,
}

struct Watcher {
    sandbox: Sandbox,
    directory: String,
    name: String,
    generation: u64,
    renamed: Option<Identity>,
    size: u64,
    fast: bool,
    /// The oldest first, each with its number.
    full: VecDeque<(u64, Full)>,
    /// How the file that has the name now begins, once that is known: to know it again when it has lost it.
    head: Vec<u8>,
    latest: signal::Sender<View>,
}

impl Watcher {
    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        let mut rest = LOOK_INTERVAL_FAST;
        loop {
            let request = tokio::time::timeout(rest, requests.recv()).await;
            let answer = match request {
                Ok(None) => return,
                Ok(Some(Request::Look(answer))) => Some(answer),
                Ok(Some(Request::Take(generation, answer))) => {
                    let _ = answer.send(self.take(generation));
                    continue;
                }
                Ok(Some(Request::ReadThrough(generation))) => {
                    self.full.retain(|(number, _)| *number >= generation);
                    continue;
                }
                Err(_) => None,
            };
            let start = Instant::now();
            let looked = self.look().await;
            let usual = if self.fast { LOOK_INTERVAL_FAST } else { LOOK_INTERVAL };
            rest = if self.fast { usual } else { usual.max(start.elapsed() * REST_FACTOR) };
            // A look that fails while nobody asks is made again.
            if let Some(answer) = answer {
                let _ = answer.send(looked.map(|()| View { generation: self.generation }));
            }
        }
    }

    fn take(&mut self, generation: u64) -> Option<Full> {
        let at = self.full.iter().position(|(number, _)| *number == generation)?;
        self.full.remove(at).map(|(_, full)| full)
    }

    async fn look(&mut self) -> anyhow::Result<()> {
        let mut seen = self.list().await?;
        while let Some(full) = seen.renamed.filter(|renamed| Some(*renamed) != self.renamed) {
            let copies = self.full.iter().filter(|(_, full)| full.copy.is_some()).count();
            let copy = match copies < COPIES_MAX {
                true => self.sandbox.download(&self.path(&format!("{}.1", self.name))).await.ok(),
                false => None,
            };
            let begins = self.begins_as_before().await;
            // Only what is still the same now is what was downloaded.
            seen = self.list().await?;
            let copy = copy.filter(|_| seen.renamed == Some(full));
            if self.full.len() < FULL_MAX {
                let full = Full { size: full.size, copy, missed: begins.is_some_and(|same| !same) };
                self.full.push_back((self.generation, full));
            }
            self.head.clear();
            self.generation += 1;
            self.renamed = Some(full);
        }
        self.remember_head(&seen).await;
        self.fast = seen.size.abs_diff(self.size) >= FAST_BYTES;
        self.size = seen.size;
        self.latest.send_replace(View { generation: self.generation });
        Ok(())
    }

    /// Keeps how the file begins, if it is certain that it is this one.
    async fn remember_head(&mut self, seen: &Listing) {
        if !self.head.is_empty() || seen.size == 0 {
            return;
        }
        let Ok(head) = self.head_of(&self.name).await else { return };
        let same = self.list().await.is_ok_and(|after| after.renamed == seen.renamed);
        if same && head.len() == HEAD_BYTES {
            self.head = head;
        }
    }

    /// Whether the file that was renamed is the one that had the name before, as far as that is known.
    async fn begins_as_before(&self) -> Option<bool> {
        if self.head.is_empty() {
            return None;
        }
        let head = self.head_of(&format!("{}.1", self.name)).await.ok()?;
        Some(head == self.head)
    }

    async fn head_of(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        let (mut head, _) = self.sandbox.read(&self.path(name), 0).await?;
        head.truncate(HEAD_BYTES);
        Ok(head)
    }

    async fn list(&self) -> anyhow::Result<Listing> {
        let files = match self.sandbox.list(&self.directory).await {
            // Nothing was written yet.
            Err(error) if error.is::<NotFound>() => Vec::new(),
            listed => listed?,
        };
        let find = |name: &str| files.iter().find(|file| file.path.rsplit('/').next() == Some(name));
        let renamed = find(&format!("{}.1", self.name)).map(|file| Identity {
            size: file.size(),
            modified: file.mtime.as_ref().map_or(0, |time| time.nanoseconds),
        });
        Ok(Listing { size: find(&self.name).map_or(0, FileInfo::size), renamed })
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.directory)
    }
}
