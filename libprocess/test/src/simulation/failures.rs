//! What a test does to its nodes.

use super::Simulation;
use crate::disk::{DiskLoss, SimulatedDisk};
use crate::machine::{Boot, NodeId};
use crate::network::{Conditions, Event};
use crate::skew::Skew;

impl Simulation {
    /// Ends a node at once, as when its program is killed: its processes do not finalize, what is on the
    /// way to it is lost, and of its disk is left what was synced. Who linked to its processes hears of
    /// it as soon as the network allows.
    pub fn crash(&mut self, id: NodeId) {
        let Some(machine) = self.machines.get_mut(id.index()) else { return };
        let Some(running) = machine.running.take() else { return };
        self.world.lock().note(format_args!("{} crashes", machine.name));
        machine.drive.crash(); // First: nobody writes while the node ends.
        running.kill(&self.ready, &self.world);
    }

    /// Crashes a node in the midst of what it does: when it changes something on its disk, or syncs it, after
    /// that many more changes. That one does not happen, and what its handler does then, nobody sees.
    pub fn crash_at_change(&mut self, id: NodeId, changes: u64) {
        if let Some(machine) = self.machines.get(id.index()) {
            machine.drive.set_fuse(changes);
        }
    }

    /// What crashes of a node take from its disk, from now on: by default all that was not synced.
    pub fn set_disk_loss(&mut self, id: NodeId, loss: DiskLoss) {
        if let Some(machine) = self.machines.get(id.index()) {
            machine.drive.set_loss(loss);
        }
    }

    /// Starts a node again, which crashes first if it is up.
    pub fn restart(&mut self, id: NodeId) {
        self.crash(id);
        self.start(id);
    }

    /// Starts a node again, with other processes from now on.
    pub fn restart_with(&mut self, id: NodeId, boot: impl FnMut(&Boot) + 'static) {
        self.crash(id);
        if let Some(machine) = self.machines.get_mut(id.index()) {
            machine.boot = Some(Box::new(boot));
        }
        self.start(id);
    }

    /// Lets nothing through between two nodes.
    pub fn partition(&mut self, one: NodeId, other: NodeId) {
        self.cut(one, other);
        self.cut(other, one);
    }

    /// Lets nothing through between the nodes of one group and those of another.
    pub fn split(&mut self, group: &[NodeId], others: &[NodeId]) {
        group.iter().for_each(|one| others.iter().for_each(|other| self.partition(*one, *other)));
    }

    /// Lets nothing through between a node and all others.
    pub fn isolate(&mut self, id: NodeId) {
        let others: Vec<NodeId> = self.machines.iter().map(|machine| machine.id).collect();
        self.split(&[id], &others);
    }

    /// Lets nothing through one way: what the other node sends arrives still, for as long as its connection
    /// lives without answers.
    pub fn cut(&mut self, from: NodeId, to: NodeId) {
        self.world.lock().cut(from, to);
    }

    /// Undoes all cuts and partitions.
    pub fn heal(&mut self) {
        self.world.lock().heal_all();
    }

    /// Undoes cuts and partitions between two nodes.
    pub fn heal_between(&mut self, one: NodeId, other: NodeId) {
        let world = &mut *self.world.lock();
        world.heal(one, other);
        world.heal(other, one);
    }

    /// Breaks the connection on which one node sends to another, if there is one.
    pub fn break_connection(&mut self, from: NodeId, to: NodeId) {
        let world = &mut *self.world.lock();
        if let Some(number) = world.connection_between(from, to) {
            world.schedule_at(world.now, Event::Break(number));
        }
    }

    /// What the network is like, everywhere, from now on.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.world.lock().set_conditions(conditions);
    }

    /// What the way from one node to another is like, from now on.
    pub fn set_conditions_between(&mut self, from: NodeId, to: NodeId, conditions: Conditions) {
        self.world.lock().set_conditions_between(from, to, conditions);
    }

    /// How the clock of a node differs from the true time, from its next start on.
    pub fn set_skew(&mut self, id: NodeId, skew: Skew) {
        if let Some(machine) = self.machines.get_mut(id.index()) {
            machine.skew = skew;
        }
    }

    /// Has all operations of a node on its disk fail, or work again.
    pub fn set_disk_failing(&mut self, id: NodeId, failing: bool) {
        if let Some(machine) = self.machines.get(id.index()) {
            machine.drive.set_failing(failing);
        }
    }

    /// The disk of a node: of one that is down, what its next start will find.
    pub fn disk(&self, id: NodeId) -> Option<SimulatedDisk> {
        self.machines.get(id.index()).map(|machine| machine.drive.handle())
    }
}
