//! Connections, from the handshake to the end.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use libprocess::{Time, Upid};

use super::{Arrival, Connection, Event, Life, Message, Stage};
use crate::NodeId;
use crate::world::World;

/// How long making a connection may take, and how long it is until the next try.
const CONNECT_MAX: Duration = Duration::from_secs(10);
const CONNECT_RETRY: Duration = Duration::from_secs(1);
/// How long it takes until a lost packet is sent again, doubled with each loss.
const RESEND_WAIT: Duration = Duration::from_millis(200);
const LOSSES_MAX: u32 = 8;
/// How long what was sent may take when its connection is replaced.
const REPLACED_MAX: Duration = Duration::from_secs(1);
/// So much may wait for a receiver, as with sockets.
const PENDING_BYTES_MAX: usize = 256 << 20;

impl World {
    pub(crate) fn send(&mut self, life: Life, from: &Upid, to: &Upid, name: &str, body: &[u8]) {
        let Some(number) = self.connect(life, to.address()) else { return };
        let message = Message {
            from: from.clone(),
            to: to.clone(),
            name: name.to_owned(),
            body: Bytes::copy_from_slice(body),
            arrives: None,
        };
        self.note_on(number, format_args!("send {message}"));
        let Some(connection) = self.network.connections.get_mut(&number) else { return };
        if connection.stage == Stage::Dead {
            return; // On its way to nobody.
        }
        connection.bytes += message.body.len();
        let full = connection.bytes > PENDING_BYTES_MAX;
        connection.messages.push_back(message);
        if full {
            self.schedule_at(self.now, Event::Break(number));
        } else {
            self.transmit(number);
        }
    }

    /// The connection to an address, which is made if there is none; `None` if the node has ended.
    pub(crate) fn connect(&mut self, life: Life, to_address: SocketAddr) -> Option<u64> {
        if !self.is_up(life) {
            return None;
        }
        if let Some(number) = self.network.current.get(&(life.node, to_address)) {
            return Some(*number);
        }
        Some(self.open(life, to_address, VecDeque::new(), self.now))
    }

    /// Begins a connection, on which nothing arrives before `earliest`.
    fn open(
        &mut self,
        from: Life,
        to_address: SocketAddr,
        messages: VecDeque<Message>,
        earliest: Time,
    ) -> u64 {
        self.network.connection_count += 1;
        let number = self.network.connection_count;
        let to = self.network.by_address.get(&to_address).copied();
        let connection = Connection {
            from,
            to_address,
            to,
            stage: Stage::Connecting,
            began: self.now,
            bytes: messages.iter().map(|message| message.body.len()).sum(),
            messages,
            sent: 0,
            last_arrival: earliest,
            stalled: false,
            reset_held_up: false,
        };
        self.network.connections.insert(number, connection);
        self.network.current.insert((from.node, to_address), number);
        self.note_on(number, format_args!("connect"));
        let takes = match to {
            Some(to) => self.latency(from.node, to) + self.latency(to, from.node),
            None => CONNECT_RETRY, // Somewhere out there somebody says no.
        };
        self.schedule_in(takes, Event::Handshake(number));
        number
    }

    /// Replaces a connection: what waits goes over the new one, behind what is on its way.
    pub(crate) fn reconnect(&mut self, life: Life, to_address: SocketAddr) {
        let Some(number) = self.network.current.get(&(life.node, to_address)).copied() else { return };
        let latest = self.now + REPLACED_MAX;
        let Some(connection) = self.network.connections.get_mut(&number) else { return };
        if connection.from != life {
            return;
        }
        let waiting = connection.messages.split_off(connection.sent);
        let in_time = |message: &Message| message.arrives.is_some_and(|arrives| arrives <= latest);
        let kept = connection.messages.iter().take_while(|message| in_time(message)).count();
        // Not at the same instant.
        let earliest = connection.last_arrival.clamp(self.now, latest) + Duration::from_nanos(1);
        let kept = if connection.stalled { 0 } else { kept };
        self.retire(number, kept, "replaced");
        self.open(life, to_address, waiting, earliest);
    }

    /// Has what was not sent yet be on its way, if the connection is open.
    fn transmit(&mut self, number: u64) {
        let Some(connection) = self.network.connections.get(&number) else { return };
        let (Stage::Open(_), Some(to)) = (connection.stage, connection.to) else { return };
        let (from, sent, count) = (connection.from.node, connection.sent, connection.messages.len());
        let was_idle = sent == 0;
        for index in sent..count {
            let (takes, breaks) = self.draw_transmission(from, to);
            let now = self.now;
            let Some(connection) = self.network.connections.get_mut(&number) else { return };
            let arrives = (now + takes).max(connection.last_arrival);
            connection.last_arrival = arrives;
            connection.sent = index + 1;
            if let Some(message) = connection.messages.get_mut(index) {
                message.arrives = Some(arrives);
            }
            if breaks {
                self.schedule_at(arrives, Event::Break(number));
            }
        }
        if was_idle {
            self.schedule_arrival(number);
        }
    }

    /// How long a packet takes, and whether its sender gives up.
    fn draw_transmission(&mut self, from: NodeId, to: NodeId) -> (Duration, bool) {
        let mut takes = self.latency(from, to);
        let loss = self.conditions(from, to).loss;
        let mut losses = 0;
        while losses < LOSSES_MAX && self.chance(loss) {
            takes += RESEND_WAIT * 2u32.pow(losses);
            losses += 1;
        }
        (takes, losses == LOSSES_MAX)
    }

    fn schedule_arrival(&mut self, number: u64) {
        let connection = self.network.connections.get(&number);
        let next = connection.and_then(|connection| connection.messages.front()?.arrives);
        if let Some(arrives) = next {
            self.schedule_at(arrives, Event::Arrival(number));
        }
    }

    /// Sends again what a cut held up.
    pub(super) fn resume(&mut self, number: u64) {
        let Some(connection) = self.network.connections.get_mut(&number) else { return };
        connection.stalled = false;
        connection.sent = 0;
        connection.last_arrival = self.now;
        self.transmit(number);
    }

    /// Has an event happen; gives what is to be told to a node.
    pub(crate) fn happen(&mut self, event: Event) -> Option<Arrival> {
        match event {
            Event::Handshake(number) => self.shake_hands(number),
            Event::Arrival(number) => self.arrive(number),
            Event::Impatience { connection, cut } => self.lose_patience(connection, cut),
            Event::Reset(number) => self.reset(number),
            Event::Break(number) => self.break_off(number, "break"),
        }
    }

    fn shake_hands(&mut self, number: u64) -> Option<Arrival> {
        let connection = self.network.connections.get(&number)?;
        if connection.stage != Stage::Connecting {
            return None;
        }
        let (from, to, latest) = (connection.from.node, connection.to, connection.began + CONNECT_MAX);
        let Some(to) = to else { return self.break_off(number, "refused") };
        if self.is_cut(from, to) || self.is_cut(to, from) {
            if self.now >= latest {
                return self.break_off(number, "timeout");
            }
            let again = (self.now + CONNECT_RETRY).min(latest);
            self.schedule_at(again, Event::Handshake(number));
            return None;
        }
        let up = self.network.hosts.get(to.index()).and_then(|host| host.up.as_ref());
        let Some(life) = up.map(|(life, _)| *life) else { return self.break_off(number, "refused") };
        self.note_on(number, format_args!("open"));
        if let Some(connection) = self.network.connections.get_mut(&number) {
            connection.stage = Stage::Open(life);
            connection.last_arrival = connection.last_arrival.max(self.now);
        }
        self.transmit(number);
        None
    }

    fn arrive(&mut self, number: u64) -> Option<Arrival> {
        let connection = self.network.connections.get(&number)?;
        let to = connection.to?;
        let (Stage::Open(life) | Stage::Tail(life)) = connection.stage else { return None };
        let due = connection.messages.front()?.arrives.is_some_and(|arrives| arrives <= self.now);
        if !due || connection.stalled {
            return None; // It was sent again since.
        }
        let tail = matches!(connection.stage, Stage::Tail(_));
        if self.is_cut(connection.from.node, to) {
            if tail {
                self.lose(number);
            } else if let Some(connection) = self.network.connections.get_mut(&number) {
                connection.stalled = true;
            }
            return None;
        }
        let connection = self.network.connections.get_mut(&number)?;
        let message = connection.messages.pop_front()?;
        connection.sent -= 1;
        connection.bytes -= message.body.len();
        let ends = tail && connection.messages.is_empty();
        let port = self.port(Life { node: to, number: life }).cloned();
        self.note_on(number, format_args!("arrive {message}"));
        if ends {
            self.network.connections.remove(&number);
        } else {
            self.schedule_arrival(number);
        }
        Some(Arrival::Message { port: port?, message })
    }

    fn reset(&mut self, number: u64) -> Option<Arrival> {
        let connection = self.network.connections.get_mut(&number)?;
        if connection.stage != Stage::Dead {
            return None;
        }
        let (from, to) = (connection.from.node, connection.to?);
        if self.is_cut(to, from) {
            self.network.connections.get_mut(&number)?.reset_held_up = true;
            return None;
        }
        self.break_off(number, "reset")
    }

    /// Breaks a connection for its sender. The first part of what was on its way may still arrive.
    pub(super) fn break_off(&mut self, number: u64, why: &str) -> Option<Arrival> {
        let connection = self.network.connections.get(&number)?;
        let (from, peer, sent) = (connection.from, connection.to_address, connection.sent);
        let through = connection.to.is_some_and(|to| !self.is_cut(from.node, to)) && !connection.stalled;
        let kept = match connection.stage {
            Stage::Tail(_) => return None,
            Stage::Open(_) if through => self.draw_index(sent + 1),
            _ => 0,
        };
        self.retire(number, kept, why);
        Some(Arrival::Disconnected { port: self.port(from)?.clone(), peer })
    }

    /// Has a connection end for its sender, but what is on its way arrive.
    pub(super) fn abandon(&mut self, number: u64) {
        let Some(connection) = self.network.connections.get(&number) else { return };
        let kept = if connection.stalled { 0 } else { connection.sent };
        self.retire(number, kept, "closed");
    }

    /// Takes a connection out of use; of what is on its way, so many messages go on.
    fn retire(&mut self, number: u64, kept: usize, why: &str) {
        let Some(connection) = self.network.connections.get_mut(&number) else { return };
        let key = (connection.from.node, connection.to_address);
        let lost = connection.messages.len() - kept.min(connection.messages.len());
        connection.messages.truncate(kept);
        connection.sent = connection.messages.len();
        connection.bytes = connection.messages.iter().map(|message| message.body.len()).sum();
        let going = match connection.stage {
            Stage::Open(life) if kept > 0 => Some(life),
            Stage::Tail(_) => return,
            _ => None,
        };
        self.note_on(number, format_args!("{why} lost {lost}"));
        if self.network.current.get(&key) == Some(&number) {
            self.network.current.remove(&key);
        }
        match (going, self.network.connections.get_mut(&number)) {
            (Some(life), Some(connection)) => connection.stage = Stage::Tail(life),
            _ => drop(self.network.connections.remove(&number)),
        }
    }

    /// The receiver has ended: the sender will hear of it.
    pub(super) fn kill(&mut self, number: u64) {
        let Some(connection) = self.network.connections.get_mut(&number) else { return };
        let lost = connection.messages.len();
        connection.messages.clear();
        (connection.sent, connection.bytes) = (0, 0);
        connection.stage = Stage::Dead;
        let (from, to) = (connection.from.node, connection.to);
        self.note_on(number, format_args!("dead lost {lost}"));
        if let Some(to) = to {
            let takes = self.latency(to, from);
            self.schedule_in(takes, Event::Reset(number));
        }
    }

    /// What was still on its way is lost.
    pub(super) fn lose(&mut self, number: u64) {
        let lost = self.network.connections.get(&number).map_or(0, |connection| connection.messages.len());
        self.note_on(number, format_args!("lost {lost}"));
        self.network.connections.remove(&number);
    }
}
