//! The task that owns a connection to an address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tracing::debug;

use super::Sockets;
use super::peer::{Predecessor, ROOM_BYTES, Signals, Stage};
use crate::Exit;
use crate::http::drain;
use crate::tls::Tls;

/// Real time: what the other side of a socket does, no clock of ours can hurry.
const CONNECT_MAX: Duration = Duration::from_secs(10);
const ANSWERS_MAX: Duration = Duration::from_secs(5);

/// How long a connection that is not linked to is kept for the next message.
const REST_MAX: Duration = Duration::from_secs(1);

/// How long the connection before this one may take to deliver what it was given.
const PREDECESSOR_MAX: Duration = Duration::from_secs(1);

pub(super) struct Task {
    pub(super) address: SocketAddr,
    pub(super) connection: u64,
    pub(super) sockets: Arc<Sockets>,
    pub(super) signals: Signals,
    pub(super) predecessor: Mutex<Option<Predecessor>>,
    /// Tells the successor of the end.
    pub(super) _ends: oneshot::Sender<()>,
    /// That the task runs.
    pub(super) _alive: watch::Receiver<()>,
}

enum Next {
    Write(Vec<u8>),
    /// Linked: the connection stays.
    Wait,
    /// It stays for a while.
    Rest,
    Finish,
}

impl Task {
    pub(super) async fn run(self) {
        let served = tokio::select! {
            served = self.serve() => served,
            () = self.signals.cut.notified() => Err(std::io::Error::other("cut off")),
        };
        if let Err(error) = served {
            debug!(address = %self.address, %error, "a connection to another node ended");
        }
        self.end();
    }

    async fn serve(&self) -> std::io::Result<()> {
        let stream = self.connect().await?;
        match &self.sockets.tls {
            None => self.serve_over(stream.into_split()).await,
            Some(tls) => self.serve_secure(tls, stream).await,
        }
    }

    #[cfg(feature = "tls")]
    async fn serve_secure(&self, tls: &Tls, stream: TcpStream) -> std::io::Result<()> {
        match tls.connect(stream, self.address).await {
            Ok(secured) => self.serve_over(tokio::io::split(secured)).await,
            // One that has no TLS may be spoken to without it.
            Err(error) if tls.settings().support_downgrade => {
                debug!(address = %self.address, %error, "no TLS with another node: going on without");
                self.serve_over(self.connect().await?.into_split()).await
            }
            Err(error) => {
                tracing::warn!(address = %self.address, %error, "no TLS with another node");
                Err(error)
            }
        }
    }

    #[cfg(not(feature = "tls"))]
    async fn serve_secure(&self, tls: &Tls, _stream: TcpStream) -> std::io::Result<()> {
        match *tls {}
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        let connecting = timeout(CONNECT_MAX, TcpStream::connect(self.address));
        let stream = connecting.await.map_err(|_| std::io::Error::other("connecting took too long"))??;
        stream.set_nodelay(true)?;
        let keepalive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(60));
        socket2::SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        Ok(stream)
    }

    async fn serve_over(
        &self,
        (mut answers, mut messages): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    ) -> std::io::Result<()> {
        tokio::select! {
            written = self.write(&mut messages) => written?,
            // All answers are dropped; that they end means that the peer is gone.
            read = drain(&mut answers) => {
                read?;
                return Err(std::io::Error::other("the peer closed the connection"));
            }
        }
        // Closing with answers unread would reset the connection, and what was sent with it.
        messages.shutdown().await?;
        let _ = timeout(ANSWERS_MAX, drain(&mut answers)).await;
        Ok(())
    }

    /// Writes what waits until the connection is not needed any more.
    async fn write(&self, messages: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        let predecessor = self.predecessor.lock().take();
        if let Some(mut predecessor) = predecessor
            && timeout(PREDECESSOR_MAX, predecessor.end()).await.is_err()
        {
            debug!(address = %self.address, "a connection that was replaced does not end: cutting it off");
        }
        let mut written = None;
        let mut rested = false;
        loop {
            match self.next(written.take(), rested) {
                Next::Write(segment) => {
                    messages.write_all(&segment).await?;
                    messages.flush().await?; // TLS keeps what it is given.
                    written = Some(segment);
                    rested = false;
                }
                Next::Wait => self.signals.work.notified().await,
                Next::Rest => rested = timeout(REST_MAX, self.signals.work.notified()).await.is_err(),
                Next::Finish => return Ok(()),
            }
        }
    }

    fn next(&self, written: Option<Vec<u8>>, rested: bool) -> Next {
        let mut peers = self.sockets.peers.lock();
        let closed = peers.closed;
        let Some(peer) = peers.by_address.get_mut(&self.address) else { return Next::Finish };
        if peer.connection != self.connection {
            return Next::Finish;
        }
        if peer.stage == Stage::CutOff {
            return Next::Wait; // For the end.
        }
        if let Some(segment) = written {
            peer.queue.give_back(segment);
            if peer.queue.bytes() <= ROOM_BYTES {
                peer.room.notify_waiters();
            }
        }
        if let Some(segment) = peer.queue.take() {
            return Next::Write(segment);
        }
        peer.queue.rest();
        if peer.is_linked() {
            return Next::Wait;
        }
        if !rested && !closed {
            return Next::Rest;
        }
        peer.stage = Stage::Closing;
        Next::Finish
    }

    /// Drops the peer, unless it has a later connection or needs one, and tells those who linked.
    fn end(self) {
        let mut peers = self.sockets.peers.lock();
        let connection = peers.next();
        let Some(peer) = peers.by_address.get_mut(&self.address) else { return };
        if peer.connection != self.connection {
            return;
        }
        if peer.stage == Stage::Closing && (!peer.queue.is_empty() || peer.is_linked()) {
            let successor = self.sockets.connection(self.address, connection, peer);
            drop(peers);
            self.sockets.runtime.spawn(successor.run());
            return; // With the end of this one, which the successor waits for.
        }
        let peer = peers.by_address.remove(&self.address);
        drop(peers);
        let Some(peer) = peer else { return };
        peer.room.notify_waiters();
        peer.links.into_iter().for_each(|((pid, _), linker)| linker.exited(pid));
        peer.hooks.call(&Exit::ConnectionLost);
    }
}
