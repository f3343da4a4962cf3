//! What is on a disk, and what is left of it after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use libprocess::disk::parent;

/// So much fits on a disk.
const BYTES_MAX: usize = 1 << 30;

/// What a crash takes of what was not synced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DiskLoss {
    /// All of it.
    #[default]
    Everything,
    /// What the seed says, since a system writes to its disk also when nobody asks it to: of each file a
    /// first part of what was added may be left, of one written anew a first part of that, and of changes
    /// of names the first ones.
    Drawn,
}

#[derive(Default)]
pub(super) struct Files {
    /// What is under a name now, and what was when names were synced.
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    /// What lies between the two.
    changes: Vec<Change>,
    contents: BTreeMap<u64, Contents>,
    count: u64,
}

/// A change of names.
struct Change {
    file: u64,
    from: Option<String>,
    to: Option<String>,
}

#[derive(Default)]
pub(super) struct Contents {
    pub(super) bytes: Vec<u8>,
    durable: Durable,
}

/// What of a file was synced.
enum Durable {
    /// The first bytes of those it has now.
    Prefix(usize),
    /// What it had before.
    Other(Vec<u8>),
}

impl Default for Durable {
    fn default() -> Self {
        Self::Prefix(0)
    }
}

impl Change {
    fn touches(&self, directory: &str) -> bool {
        self.names().any(|name| parent(name) == directory)
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        self.from.iter().chain(&self.to)
    }

    fn apply(self, names: &mut BTreeMap<String, u64>) {
        if let Some(from) = self.from
            && names.get(&from) == Some(&self.file)
        {
            names.remove(&from);
        }
        if let Some(to) = self.to {
            names.insert(to, self.file);
        }
    }
}

impl Files {
    pub(super) fn find(&mut self, name: &str) -> io::Result<&mut Contents> {
        let number = self.number(name)?;
        self.contents.get_mut(&number).ok_or_else(|| none(name))
    }

    fn number(&self, name: &str) -> io::Result<u64> {
        self.names.get(name).copied().ok_or_else(|| none(name))
    }

    pub(super) fn find_or_make(&mut self, name: &str) -> &mut Contents {
        let file = self.names.get(name).copied().unwrap_or_else(|| {
            self.count += 1;
            self.change(Change { file: self.count, from: None, to: Some(name.to_owned()) });
            self.count
        });
        self.contents.entry(file).or_default()
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let file = self.number(from)?;
        self.change(Change { file, from: Some(from.to_owned()), to: Some(to.to_owned()) });
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        let file = self.number(name)?;
        self.change(Change { file, from: Some(name.to_owned()), to: None });
        Ok(())
    }

    fn change(&mut self, change: Change) {
        let later = Change { file: change.file, from: change.from.clone(), to: change.to.clone() };
        self.changes.push(later);
        change.apply(&mut self.names);
    }

    /// Makes the changes in a directory durable, and those that they follow from.
    pub(super) fn sync_dir(&mut self, directory: &str) {
        let (mut files, mut names) = (BTreeSet::new(), BTreeSet::new());
        let mut kept = Vec::new();
        let mut durable = Vec::new();
        for change in std::mem::take(&mut self.changes).into_iter().rev() {
            let precedes = files.contains(&change.file) || change.names().any(|name| names.contains(name));
            if precedes || change.touches(directory) {
                files.insert(change.file);
                names.extend(change.names().cloned());
                durable.push(change);
            } else {
                kept.push(change);
            }
        }
        durable.into_iter().rev().for_each(|change| change.apply(&mut self.durable_names));
        kept.reverse();
        self.changes = kept;
        self.forget_nameless();
    }

    pub(super) fn check_room(&self, more: usize) -> io::Result<()> {
        let used: usize = self.contents.values().map(|contents| contents.bytes.len()).sum();
        if used.saturating_add(more) > BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the simulated disk is full"));
        }
        Ok(())
    }

    pub(super) fn list(&self, directory: &str) -> Vec<String> {
        let below = |name: &String| -> Option<String> {
            let rest = if directory.is_empty() {
                name.as_str()
            } else {
                name.strip_prefix(directory)?.strip_prefix('/')?
            };
            Some(rest.split('/').next().unwrap_or(rest).to_owned())
        };
        let names: BTreeSet<String> = self.names.keys().filter_map(below).collect();
        names.into_iter().collect()
    }

    /// Loses what was not synced. `draw` gives a number up to another one: how much is left.
    pub(super) fn crash(&mut self, loss: DiskLoss, mut draw: impl FnMut(usize) -> usize) {
        let mut left = |most: usize| if loss == DiskLoss::Drawn { draw(most) } else { 0 };
        let changes = std::mem::take(&mut self.changes);
        let count = left(changes.len());
        changes.into_iter().take(count).for_each(|change| change.apply(&mut self.durable_names));
        self.names = self.durable_names.clone();
        self.forget_nameless();
        for contents in self.contents.values_mut() {
            let now = contents.bytes.len();
            match std::mem::take(&mut contents.durable) {
                Durable::Prefix(length) => contents.bytes.truncate(length + left(now - length)),
                // Written anew or not; and if so, how much of it.
                Durable::Other(before) if left(1) == 0 => contents.bytes = before,
                Durable::Other(_) => contents.bytes.truncate(left(now)),
            }
            contents.sync();
        }
    }

    /// Drops what no name leads to, now or after a crash.
    fn forget_nameless(&mut self) {
        let mut named: BTreeSet<u64> = self.changes.iter().map(|change| change.file).collect();
        named.extend(self.names.values().chain(self.durable_names.values()));
        self.contents.retain(|number, _| named.contains(number));
    }
}

fn none(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no file '{name}'"))
}

impl Contents {
    pub(super) fn replace(&mut self, bytes: &[u8]) {
        let mut before = std::mem::replace(&mut self.bytes, bytes.to_vec());
        if let Durable::Prefix(length) = self.durable {
            before.truncate(length);
            self.durable = Durable::Other(before);
        }
    }

    pub(super) fn sync(&mut self) {
        self.durable = Durable::Prefix(self.bytes.len());
    }
}
