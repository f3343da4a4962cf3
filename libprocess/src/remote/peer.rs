//! The task that owns the connection to one address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tracing::{debug, warn};

use super::Peers;
use crate::http::drain;
use crate::tls::Tls;

/// Real time: what the other side of a socket does, no clock of ours can hurry.
const CONNECT_MAX: Duration = Duration::from_secs(10);
const ANSWERS_MAX: Duration = Duration::from_secs(5);

pub(super) struct Task {
    pub(super) address: SocketAddr,
    pub(super) connection: u64,
    pub(super) tls: Option<Tls>,
    pub(super) peers: Arc<Mutex<Peers>>,
    pub(super) work: Arc<Notify>,
    pub(super) cut: Arc<Notify>,
    /// That the task runs.
    pub(super) _alive: watch::Receiver<()>,
}

enum Next {
    Write(Vec<Bytes>),
    /// Linked: the connection stays.
    Wait,
    Finish,
}

impl Task {
    pub(super) async fn run(self) {
        let cut = Arc::clone(&self.cut);
        loop {
            let served = tokio::select! {
                served = self.serve() => served,
                () = cut.notified() => Err(std::io::Error::other("cut off")),
            };
            match served {
                // The other side has taken in all of it: what came meanwhile cannot overtake that any more.
                Ok(()) if self.goes_on() => {}
                Ok(()) => return,
                Err(error) => {
                    debug!(address = %self.address, %error, "a connection to another node ended");
                    return self.forget();
                }
            }
        }
    }

    /// Whether another connection is needed. If not, whoever sends from now on starts another task.
    fn goes_on(&self) -> bool {
        let mut peers = self.peers.lock();
        let Some(peer) = peers.by_address.get(&self.address) else { return false };
        if peer.connection != self.connection {
            return false;
        }
        let needed = peer.cut_off || !peer.pending.is_empty() || !peer.links.is_empty();
        if !needed {
            peers.by_address.remove(&self.address);
        }
        needed
    }

    async fn serve(&self) -> std::io::Result<()> {
        let stream = self.connect().await?;
        let Some(tls) = &self.tls else { return self.serve_over(stream.into_split()).await };
        match tls.connect(stream, self.address).await {
            Ok(secured) => self.serve_over(tokio::io::split(secured)).await,
            // One that has no TLS may be spoken to without it.
            Err(error) if tls.settings().support_downgrade => {
                debug!(address = %self.address, %error, "no TLS with another node: going on without");
                self.serve_over(self.connect().await?.into_split()).await
            }
            Err(error) => {
                warn!(address = %self.address, %error, "no TLS with another node");
                Err(error)
            }
        }
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        let connecting = tokio::time::timeout(CONNECT_MAX, TcpStream::connect(self.address));
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
        let _ = tokio::time::timeout(ANSWERS_MAX, drain(&mut answers)).await;
        Ok(())
    }

    /// Writes what waits until the connection is not needed any more.
    async fn write(&self, messages: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        loop {
            match self.next() {
                Next::Write(pending) => {
                    for bytes in join(pending) {
                        messages.write_all(&bytes).await?;
                    }
                    messages.flush().await?; // TLS keeps what it is given.
                }
                Next::Wait => self.work.notified().await,
                Next::Finish => return Ok(()),
            }
        }
    }

    fn next(&self) -> Next {
        let mut peers = self.peers.lock();
        let Some(peer) = peers.by_address.get_mut(&self.address) else { return Next::Finish };
        if peer.connection != self.connection {
            return Next::Finish;
        }
        if peer.cut_off {
            return Next::Wait; // For the end.
        }
        if !peer.pending.is_empty() {
            peer.pending_bytes = 0;
            return Next::Write(std::mem::take(&mut peer.pending));
        }
        if !peer.links.is_empty() {
            return Next::Wait;
        }
        Next::Finish
    }

    /// Drops the peer, unless it is a later connection, and tells those who linked.
    fn forget(&self) {
        let links = {
            let mut peers = self.peers.lock();
            match peers.by_address.get(&self.address) {
                Some(peer) if peer.connection == self.connection => {}
                _ => return,
            }
            peers.by_address.remove(&self.address).map(|peer| peer.links).unwrap_or_default()
        };
        links.into_iter().for_each(|((pid, _), linker)| linker.exited(pid));
    }
}

/// Joins small messages, so that many of them go out in one write.
fn join(pending: Vec<Bytes>) -> Vec<Bytes> {
    const JOINED_MAX: usize = 64 << 10;
    let mut joined: Vec<Bytes> = Vec::new();
    let mut buffer = Vec::new();
    for bytes in pending {
        if buffer.len() + bytes.len() > JOINED_MAX && !buffer.is_empty() {
            joined.push(std::mem::take(&mut buffer).into());
        }
        if bytes.len() >= JOINED_MAX {
            joined.push(bytes);
        } else {
            buffer.extend_from_slice(&bytes);
        }
    }
    if !buffer.is_empty() {
        joined.push(buffer.into());
    }
    joined
}
