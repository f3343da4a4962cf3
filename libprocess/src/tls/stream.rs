//! Handshakes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use openssl::ssl::{ConnectConfiguration, Ssl};
use openssl::x509::X509Ref;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_openssl::SslStream;

use super::Tls;

/// How long a handshake may take: real time, as the other side of a socket has it.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// What a record of TLS begins with that opens a connection: that it is a handshake.
const HANDSHAKE_RECORD: u8 = 0x16;

/// A connection that was taken in.
pub(crate) enum Accepted {
    Plain(TcpStream),
    Secure(SslStream<TcpStream>),
}

impl Tls {
    /// Finds out what a client speaks, where it may choose, and shakes hands.
    pub(crate) async fn accept(&self, stream: TcpStream, from: IpAddr) -> io::Result<Accepted> {
        let accepting = async {
            if self.settings().support_downgrade && !begins_with_handshake(&stream).await? {
                return Ok(Accepted::Plain(stream));
            }
            let ssl = Ssl::new(self.acceptor().context())?;
            let mut stream = SslStream::new(ssl, stream)?;
            Pin::new(&mut stream).accept().await.map_err(io::Error::other)?;
            self.check_client(&stream, from)?;
            Ok(Accepted::Secure(stream))
        };
        timeout(HANDSHAKE_MAX, accepting).await.unwrap_or_else(|_| Err(took_too_long()))
    }

    /// A client that must show a certificate, and is known by its address, shows one for that.
    fn check_client(&self, stream: &SslStream<TcpStream>, from: IpAddr) -> io::Result<()> {
        if !(self.settings().require_cert && self.settings().verify_ip_address) {
            return Ok(());
        }
        let certificate = stream.ssl().peer_certificate();
        if certificate.is_some_and(|certificate| is_for(&certificate, from)) {
            return Ok(());
        }
        Err(io::Error::other(format!("the certificate of the client is not for {from}")))
    }

    /// Shakes hands with a node at `address`.
    #[cfg_attr(not(feature = "remote"), allow(dead_code))] // The HTTP client has a way of its own.
    pub(crate) async fn connect(
        &self,
        stream: TcpStream,
        address: SocketAddr,
    ) -> io::Result<SslStream<TcpStream>> {
        let connecting = async {
            let configuration = self.connector().configure()?;
            let (ip, by_ip) = (address.ip(), self.settings().verify_ip_address);
            if !self.settings().verify_cert {
                return handshake(configuration.verify_hostname(false), &ip.to_string(), stream).await;
            }
            // Nodes are known by address; certificates are for names.
            let name = tokio::task::spawn_blocking(move || dns_lookup::lookup_addr(&ip)).await;
            let name = name.ok().and_then(Result::ok).unwrap_or_else(|| ip.to_string());
            if !by_ip {
                return handshake(configuration, &name, stream).await;
            }
            let secured = handshake(configuration.verify_hostname(false), &name, stream).await?;
            let certificate = secured.ssl().peer_certificate();
            if certificate.is_some_and(|it| is_for(&it, ip) || is_for_name(&it, &name)) {
                return Ok(secured);
            }
            Err(io::Error::other(format!("its certificate is neither for {ip} nor for {name}")))
        };
        timeout(HANDSHAKE_MAX, connecting).await.unwrap_or_else(|_| Err(took_too_long()))
    }
}

async fn handshake(
    configuration: ConnectConfiguration,
    name: &str,
    stream: TcpStream,
) -> io::Result<SslStream<TcpStream>> {
    let mut stream = SslStream::new(configuration.into_ssl(name)?, stream)?;
    let connected = Pin::new(&mut stream).connect().await;
    connected.map_err(|error| match stream.ssl().verify_result() {
        verified if verified.as_raw() != 0 => {
            io::Error::other(format!("its certificate is refused: {}", verified.error_string()))
        }
        _ => io::Error::other(error),
    })?;
    Ok(stream)
}

async fn begins_with_handshake(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    Ok(stream.peek(&mut first).await? == 1 && first[0] == HANDSHAKE_RECORD)
}

/// Whether a certificate names an address.
fn is_for(certificate: &X509Ref, ip: IpAddr) -> bool {
    let octets = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let names = certificate.subject_alt_names();
    names.is_some_and(|names| names.iter().any(|name| name.ipaddress() == Some(&octets)))
}

/// Whether a certificate names a host, as one or by a wildcard for its first part.
fn is_for_name(certificate: &X509Ref, host: &str) -> bool {
    let matches = |pattern: &str| match pattern.strip_prefix("*.") {
        Some(domain) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain)),
        None => host.eq_ignore_ascii_case(pattern),
    };
    let names = certificate.subject_alt_names();
    names.is_some_and(|names| names.iter().filter_map(|name| name.dnsname()).any(matches))
}

fn took_too_long() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long")
}
