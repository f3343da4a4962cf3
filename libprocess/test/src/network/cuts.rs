//! Which way nothing gets through.

use super::{Arrival, Event, Stage};
use crate::NodeId;
use crate::world::World;

impl World {
    pub(super) fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.network.cuts.contains_key(&(from, to))
    }

    /// Lets nothing through from one node to another.
    pub(crate) fn cut(&mut self, from: NodeId, to: NodeId) {
        if from == to || self.is_cut(from, to) {
            return;
        }
        self.network.cut_count += 1;
        let cut = self.network.cut_count;
        self.network.cuts.insert((from, to), cut);
        let what = format!("cut {}>{}", self.host_name(from), self.host_name(to));
        self.note(format_args!("{what}"));
        for (connection, sender, receiver) in self.between(from, to) {
            let range = self.conditions(sender, receiver).patience.clone();
            let wait = self.draw_duration(&range);
            self.schedule_in(wait, Event::Impatience { connection, cut });
        }
    }

    /// Lets everything through again from one node to another.
    pub(crate) fn heal(&mut self, from: NodeId, to: NodeId) {
        if self.network.cuts.remove(&(from, to)).is_none() {
            return;
        }
        let what = format!("heal {}>{}", self.host_name(from), self.host_name(to));
        self.note(format_args!("{what}"));
        for (number, sender, _) in self.between(from, to) {
            let Some(connection) = self.network.connections.get_mut(&number) else { continue };
            if sender == from && connection.stalled {
                self.resume(number);
            } else if sender == to && std::mem::take(&mut connection.reset_held_up) {
                let takes = self.latency(from, to);
                self.schedule_in(takes, Event::Reset(number));
            }
        }
    }

    /// Lets everything through.
    pub(crate) fn heal_all(&mut self) {
        let cuts: Vec<_> = self.network.cuts.keys().copied().collect();
        cuts.into_iter().for_each(|(from, to)| self.heal(from, to));
    }

    /// The connections between two nodes that are made and in use, with who sends and who receives.
    fn between(&self, one: NodeId, other: NodeId) -> Vec<(u64, NodeId, NodeId)> {
        let connections = self.network.connections.iter();
        let ends = connections.filter_map(|(number, connection)| {
            let in_use = matches!(connection.stage, Stage::Open(_) | Stage::Dead);
            let (from, to) = (connection.from.node, connection.to?);
            let fits = (from, to) == (one, other) || (from, to) == (other, one);
            (in_use && fits).then_some((*number, from, to))
        });
        ends.collect()
    }

    pub(super) fn lose_patience(&mut self, number: u64, cut: u64) -> Option<Arrival> {
        let connection = self.network.connections.get(&number)?;
        let (from, to) = (connection.from.node, connection.to?);
        let is_this = |way| self.network.cuts.get(&way) == Some(&cut);
        if is_this((from, to)) || is_this((to, from)) { self.break_off(number, "break") } else { None }
    }

    /// The connection on which one node sends to another.
    pub(crate) fn connection_between(&self, from: NodeId, to: NodeId) -> Option<u64> {
        let address = self.network.hosts.get(to.index())?.address;
        self.network.current.get(&(from, address)).copied()
    }
}
