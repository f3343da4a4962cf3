//! The seam between a node and the network.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use libprocess::Upid;
use libprocess::remote::{Network, Port};
use parking_lot::Mutex;

use super::Life;
use crate::world::World;

/// What a node has in place of sockets, from a start to a crash.
pub(crate) struct Nic {
    life: Life,
    world: Arc<Mutex<World>>,
}

impl Nic {
    pub(crate) fn new(life: Life, world: Arc<Mutex<World>>) -> Self {
        Self { life, world }
    }
}

impl Network for Nic {
    fn start(&self, port: Port) -> io::Result<()> {
        self.world.lock().attach(self.life, port);
        Ok(())
    }

    fn send(&self, from: &Upid, to: &Upid, name: &str, body: &[u8]) {
        self.world.lock().send(self.life, from, to, name, body);
    }

    fn connect(&self, to: SocketAddr) {
        self.world.lock().connect(self.life, to);
    }

    fn reconnect(&self, to: SocketAddr) {
        self.world.lock().reconnect(self.life, to);
    }

    fn close(&self) {
        let world = &mut *self.world.lock();
        let name = world.host_name(self.life.node).to_owned();
        world.note(format_args!("{name} closes"));
        world.detach(self.life, true);
    }
}
