//! The seam for a network of one's own.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::node::WeakNode;
use crate::pid::{AnyProcess, Hook, Hooks, Link};
use crate::{Exit, Upid};

/// What messages and links of one node go over, in place of sockets: a simulator makes up how long
/// things take, what is lost, and when a connection breaks.
///
/// It is given to [`NodeBuilder::network`](crate::NodeBuilder::network). As with sockets, there is at
/// most one connection to an address at a time, made when there is something to send or a link is set, on
/// which messages keep their order. The node knows who linked; the network only knows that the
/// connection is needed.
///
/// It is called on whatever thread a process sends or links, and must not wait there. It must not call
/// its [`Port`] from within, either: what it has for the node comes later, as it does from a socket.
///
/// ```
/// use std::net::SocketAddr;
/// use std::sync::{Arc, Mutex};
///
/// use libprocess::remote::{Network, Port};
/// use libprocess::{Node, Upid};
///
/// /// Takes note of what would have been sent.
/// #[derive(Default)]
/// struct Notes(Mutex<Vec<String>>);
///
/// impl Network for Notes {
///     fn start(&self, _port: Port) -> std::io::Result<()> {
///         Ok(())
///     }
///     fn send(&self, _from: &Upid, to: &Upid, name: &str, _body: &[u8]) {
///         self.0.lock().unwrap().push(format!("{name} to {to}"));
///     }
///     fn connect(&self, _to: SocketAddr) {}
///     fn reconnect(&self, _to: SocketAddr) {}
///     fn close(&self) {}
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let notes = Arc::new(Notes::default());
/// let node =
///     Node::builder().bind("10.0.0.1:5050".parse().unwrap()).network(notes.clone()).start().await?;
/// let (from, to) = (Upid::new("a", node.address()), "b@10.0.0.2:5050".parse().unwrap());
/// node.send_raw(&from, &to, "Hello", Vec::new());
/// assert_eq!(*notes.0.lock().unwrap(), ["Hello to b@10.0.0.2:5050"]);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub trait Network: Send + Sync + 'static {
    /// The node has started, and takes in messages at its port.
    ///
    /// # Errors
    ///
    /// Then the node does not start: its address may be in use, say.
    fn start(&self, port: Port) -> io::Result<()>;

    /// A message is for a process on another node. What becomes of it, nobody hears.
    fn send(&self, from: &Upid, to: &Upid, name: &str, body: &[u8]);

    /// The first link to a process at this address is set: the connection is kept, and made if there is
    /// none. When it cannot be made, or breaks, the network says so once by [`Port::disconnected`].
    fn connect(&self, to: SocketAddr);

    /// The connection to this address, if there is one, is replaced by a new one, without a word to
    /// the node.
    fn reconnect(&self, to: SocketAddr);

    /// No link to a process at this address is left.
    fn release(&self, to: SocketAddr) {
        let _ = to;
    }

    /// The node ends: its connections do when all that was sent is on its way.
    fn close(&self);
}

/// Where a [`Network`] gives to its node what arrives for it. It does not keep the node alive.
#[derive(Clone)]
pub struct Port {
    address: SocketAddr,
    node: WeakNode,
}

impl Port {
    pub(crate) fn new(address: SocketAddr, node: WeakNode) -> Self {
        Self { address, node }
    }

    /// The address that other nodes reach this one at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A message has arrived; says whether its process was there.
    pub fn deliver(&self, from: &Upid, id: &str, name: &str, body: Bytes) -> bool {
        self.node.upgrade().is_some_and(|node| node.receive(from, id, name, body))
    }

    /// The connection to an address has broken, or could not be made: all that linked to processes there
    /// hear that those exited.
    pub fn disconnected(&self, from: SocketAddr) {
        if let Some(node) = self.node.upgrade()
            && let super::Way::Own(own) = &node.remote().way
        {
            own.disconnected(from);
        }
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Port").field(&self.address).finish()
    }
}

/// A network of the node's own, and who linked over it.
pub(crate) struct Own {
    network: Arc<dyn Network>,
    links: Mutex<Links>,
}

/// In the order of addresses, so that exits come in the same order in every run.
#[derive(Default)]
struct Links {
    by_address: BTreeMap<SocketAddr, There>,
    closed: bool,
}

/// Who needs the connection to an address.
#[derive(Default)]
struct There {
    /// By who is linked to and who linked.
    linkers: BTreeMap<(Upid, Upid), Arc<dyn AnyProcess>>,
    hooks: Hooks,
}

impl There {
    fn is_needed(&self) -> bool {
        !(self.linkers.is_empty() && self.hooks.is_empty())
    }
}

impl Own {
    pub(super) fn new(network: Arc<dyn Network>) -> Self {
        Self { network, links: Mutex::default() }
    }

    pub(super) fn start(&self, port: Port) -> io::Result<()> {
        self.network.start(port)
    }

    pub(super) fn send(&self, from: &Upid, to: &Upid, name: &str, body: &[u8]) {
        self.network.send(from, to, name, body);
    }

    pub(super) fn link(&self, pid: &Upid, linker: Arc<dyn AnyProcess>) -> Link {
        let key = (pid.clone(), linker.shared().upid().clone());
        let first = {
            let mut links = self.links.lock();
            if links.closed {
                return Link::Gone;
            }
            let there = links.by_address.entry(pid.address()).or_default();
            if there.linkers.contains_key(&key) {
                return Link::Known;
            }
            let first = !there.is_needed();
            there.linkers.insert(key, linker);
            first
        };
        if first {
            self.network.connect(pid.address());
        }
        Link::Set
    }

    pub(super) fn unlink(&self, pid: &Upid, linker: &Upid) {
        self.take(pid.address(), |there| there.linkers.remove(&(pid.clone(), linker.clone())));
    }

    /// Has a hook called when the connection to an address ends; now, if there can be none. Says whether it
    /// waits.
    pub(super) fn watch(&self, address: SocketAddr, number: u64, hook: Hook) -> bool {
        let first = {
            let mut links = self.links.lock();
            if links.closed {
                drop(links);
                hook(Exit::ConnectionLost);
                return false;
            }
            let there = links.by_address.entry(address).or_default();
            let first = !there.is_needed();
            there.hooks.insert(number, hook);
            first
        };
        if first {
            self.network.connect(address);
        }
        true
    }

    pub(super) fn unwatch(&self, address: SocketAddr, number: u64) {
        self.take(address, |there| there.hooks.remove(number));
    }

    /// Takes something out that needed a connection, and releases that if it was the last.
    fn take<T>(&self, address: SocketAddr, remove: impl FnOnce(&mut There) -> Option<T>) {
        let mut links = self.links.lock();
        let Some(there) = links.by_address.get_mut(&address) else { return };
        let removed = remove(there);
        let last = removed.is_some() && !there.is_needed();
        if last {
            links.by_address.remove(&address);
        }
        drop(links);
        drop(removed); // After the lock: it may be the last that is known of a process.
        if last {
            self.network.release(address);
        }
    }

    pub(super) fn reconnect(&self, address: SocketAddr) {
        if !self.links.lock().closed {
            self.network.reconnect(address);
        }
    }

    pub(super) fn close(&self) {
        let links = {
            let mut links = self.links.lock();
            links.closed = true;
            std::mem::take(&mut links.by_address)
        };
        drop(links); // Whoever linked has ended.
        self.network.close();
    }

    fn disconnected(&self, from: SocketAddr) {
        let Some(There { linkers, hooks }) = self.links.lock().by_address.remove(&from) else { return };
        linkers.into_iter().for_each(|((pid, _), linker)| linker.exited(pid));
        hooks.call(&Exit::ConnectionLost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Node, Process};

    /// Writes down what it is asked for.
    #[derive(Default)]
    struct Notes {
        calls: Mutex<Vec<String>>,
        port: Mutex<Option<Port>>,
    }

    impl Notes {
        fn note(&self, call: impl Into<String>) {
            self.calls.lock().push(call.into());
        }

        fn port(&self) -> Port {
            self.port.lock().clone().expect("the node has started")
        }
    }

    impl Network for Notes {
        fn start(&self, port: Port) -> io::Result<()> {
            *self.port.lock() = Some(port);
            Ok(())
        }

        fn send(&self, from: &Upid, to: &Upid, name: &str, body: &[u8]) {
            self.note(format!("{name} {} {} {}", from.id(), to.id(), body.len()));
        }

        fn connect(&self, to: SocketAddr) {
            self.note(format!("connect {to}"));
        }

        fn reconnect(&self, to: SocketAddr) {
            self.note(format!("reconnect {to}"));
        }

        fn release(&self, to: SocketAddr) {
            self.note(format!("release {to}"));
        }

        fn close(&self) {
            self.note("close");
        }
    }

    #[derive(Default)]
    struct Linker {
        exits: Vec<Upid>,
        got: Vec<Bytes>,
    }

    impl Process for Linker {
        fn initialize(&mut self, cx: &mut Context<Self>) {
            cx.install_raw("Hello", |linker, _cx, _from, body| linker.got.push(body.clone()));
        }

        fn exited(&mut self, _cx: &mut Context<Self>, pid: &Upid) {
            self.exits.push(pid.clone());
        }
    }

    async fn node() -> (Arc<Notes>, Node) {
        let notes = Arc::new(Notes::default());
        let builder = Node::builder().bind("10.0.0.1:5050".parse().unwrap());
        let node = builder.network(Arc::clone(&notes) as _).start().await.unwrap();
        (notes, node)
    }

    #[tokio::test]
    async fn connection_is_asked_for_once_for_all_links_and_its_end_is_one_exit_for_each() {
        let (notes, node) = node().await;
        assert_eq!(node.address().to_string(), "10.0.0.1:5050");
        let there: Upid = "x@10.0.0.2:5050".parse().unwrap();
        let other: Upid = "y@10.0.0.2:5050".parse().unwrap();
        let linkers = [node.spawn(Linker::default()), node.spawn(Linker::default())];
        for linker in &linkers {
            let (there, other) = (there.clone(), other.clone());
            let link = linker.ask(move |_linker, cx| [&there, &there, &other].map(|pid| cx.link(pid)));
            link.await.unwrap();
        }
        assert_eq!(*notes.calls.lock(), ["connect 10.0.0.2:5050"]);
        notes.port().disconnected(there.address());
        notes.port().disconnected(there.address());
        for linker in &linkers {
            let exits = linker.ask(|linker, _cx| linker.exits.clone()).await.unwrap();
            assert_eq!(exits, [there.clone(), other.clone()]);
        }
    }

    #[tokio::test]
    async fn connection_is_released_with_its_last_link() {
        let (notes, node) = node().await;
        let there: Upid = "x@10.0.0.2:5050".parse().unwrap();
        let linkers = [node.spawn(Linker::default()), node.spawn(Linker::default())];
        for linker in &linkers {
            let there = there.clone();
            linker.ask(move |_linker, cx| cx.link_anew(&there)).await.unwrap();
        }
        for linker in linkers {
            linker.terminate();
            linker.wait().await.unwrap();
        }
        let address = there.address();
        let calls = ["reconnect", "connect", "reconnect", "release"];
        assert_eq!(*notes.calls.lock(), calls.map(|call| format!("{call} {address}")));
    }

    #[tokio::test]
    async fn messages_go_both_ways_until_the_node_ends() {
        let (notes, node) = node().await;
        let there: Upid = "x@10.0.0.2:5050".parse().unwrap();
        let linker = node.spawn_as("linker", Linker::default()).unwrap();
        node.send_raw(linker.upid(), &there, "Hello", vec![1, 2, 3]);
        assert!(notes.port().deliver(&there, "linker", "Hello", Bytes::from_static(b"hi")));
        assert!(!notes.port().deliver(&there, "nobody", "Hello", Bytes::new()));
        assert_eq!(linker.ask(|linker, _cx| linker.got.clone()).await, Ok(vec![Bytes::from_static(b"hi")]));
        node.shutdown().await;
        assert_eq!(*notes.calls.lock(), ["Hello linker x 3", "close"]);
        assert!(!notes.port().deliver(&there, "linker", "Hello", Bytes::new()));
    }
}
