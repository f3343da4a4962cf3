//! Disks that forget.

mod files;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::sync::Arc;

use libprocess::disk::{Disk, check_name};
use parking_lot::Mutex;

use crate::NodeId;
use crate::world::World;
use files::Files;

pub use files::DiskLoss;

/// The disk of a simulated node, from a start to a crash. After the crash all operations on this handle
/// fail, and the next start gets another one, with exactly what was synced, unless the test wants
/// [something else](DiskLoss).
///
/// It is a [`Disk`]: what a process does on it can be done on a directory of the machine as well.
#[derive(Clone)]
pub struct SimulatedDisk {
    drive: Arc<Drive>,
    life: u32,
}

/// What stays in the machine when its node crashes.
pub(crate) struct Drive {
    node: NodeId,
    world: Arc<Mutex<World>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: Files,
    life: u32,
    failing: bool,
    loss: DiskLoss,
    /// After so many more changes the node crashes.
    fuse: Option<u64>,
    /// That has happened, and the node is not buried yet.
    died: bool,
}

impl Drive {
    pub(crate) fn new(node: NodeId, world: Arc<Mutex<World>>) -> Arc<Self> {
        Arc::new(Self { node, world, state: Mutex::default() })
    }

    /// The disk for a life of the node.
    pub(crate) fn handle(self: &Arc<Self>) -> SimulatedDisk {
        SimulatedDisk { drive: Arc::clone(self), life: self.state.lock().life }
    }

    /// Loses what was not synced.
    pub(crate) fn crash(&self) {
        let state = &mut *self.state.lock();
        state.life += 1;
        (state.fuse, state.died) = (None, false);
        let world = &mut *self.world.lock();
        state.files.crash(state.loss, |most| world.draw_index(most + 1));
    }

    /// Has all operations fail, or work again.
    pub(crate) fn set_failing(&self, failing: bool) {
        self.state.lock().failing = failing;
    }

    pub(crate) fn set_loss(&self, loss: DiskLoss) {
        self.state.lock().loss = loss;
    }

    /// Has the node crash at the change after so many more.
    pub(crate) fn set_fuse(&self, changes: u64) {
        self.state.lock().fuse = Some(changes);
    }

    /// Whether the node has crashed by that.
    pub(crate) fn has_died(&self) -> bool {
        self.state.lock().died
    }

    fn note(&self, what: fmt::Arguments<'_>) {
        let world = &mut *self.world.lock();
        let name = world.host_name(self.node).to_owned();
        world.note(format_args!("{name} {what}"));
    }
}

impl SimulatedDisk {
    /// Does something with the files, unless the node has crashed since or the disk fails.
    fn with<T>(&self, act: impl FnOnce(&mut Files) -> io::Result<T>) -> io::Result<T> {
        let state = &mut *self.drive.state.lock();
        if state.life != self.life || state.died {
            return Err(io::Error::other("the node of this simulated disk has crashed"));
        }
        if state.failing {
            return Err(io::Error::other("the simulated disk fails, as the test wants it to"));
        }
        act(&mut state.files)
    }

    /// Changes something, unless the node crashes at this very change.
    fn change<T>(&self, act: impl FnOnce(&mut Files) -> io::Result<T>) -> io::Result<T> {
        if self.burn() {
            // Nothing of what its handler still does reaches anybody.
            self.drive.world.lock().silence(self.drive.node);
        }
        self.with(act)
    }

    fn burn(&self) -> bool {
        let state = &mut *self.drive.state.lock();
        if state.life != self.life || state.died {
            return false;
        }
        match state.fuse {
            None => false,
            Some(0) => {
                state.died = true;
                true
            }
            Some(changes) => {
                state.fuse = Some(changes - 1);
                false
            }
        }
    }
}

/// Checks the name of a directory; the topmost one has none.
fn check_directory(directory: &str) -> io::Result<()> {
    if directory.is_empty() { Ok(()) } else { check_name(directory) }
}

impl Disk for SimulatedDisk {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        check_name(name)?;
        self.with(|files| Ok(files.find(name)?.bytes.clone()))
    }

    fn write(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        check_name(name)?;
        self.change(|files| {
            files.check_room(contents.len())?;
            files.find_or_make(name).replace(contents);
            Ok(())
        })
    }

    fn append(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        check_name(name)?;
        self.change(|files| {
            files.check_room(contents.len())?;
            files.find_or_make(name).bytes.extend_from_slice(contents);
            Ok(())
        })
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        check_name(name)?;
        let bytes = self.change(|files| {
            let contents = files.find(name)?;
            contents.sync();
            Ok(contents.bytes.len())
        })?;
        self.drive.note(format_args!("sync {name} {bytes}"));
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_name(from)?;
        check_name(to)?;
        self.change(|files| files.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        check_name(name)?;
        self.change(|files| files.remove(name))
    }

    fn sync_dir(&self, directory: &str) -> io::Result<()> {
        check_directory(directory)?;
        self.change(|files| {
            files.sync_dir(directory);
            Ok(())
        })?;
        self.drive.note(format_args!("sync {directory}/"));
        Ok(())
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        check_directory(directory)?;
        self.with(|files| Ok(files.list(directory)))
    }
}

impl fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedDisk").field("node", &self.drive.node).finish_non_exhaustive()
    }
}
