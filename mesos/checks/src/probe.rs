//! One look at a task.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use libprocess::http::{Client, HeaderMap, Method};
use mesos_api::v1::network_info::Protocol;
use mesos_api::v1::{CheckInfo, CommandInfo, HealthCheck, check_info, health_check};
use tokio::net::TcpStream;

use crate::CommandRunner;

/// As many as `curl` follows.
const REDIRECTS_MAX: usize = 50;

/// How a task is looked at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Probe {
    Command(CommandInfo),
    Http(String),
    Tcp(SocketAddr),
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A command ended with this code; 128 and the signal's number if a signal ended it.
    Exited(i32),
    /// An HTTP request was answered with this code.
    Answered(u16),
    /// A connection was made.
    Connected,
    /// There was nothing to find in time.
    TimedOut,
    /// It could not be looked at, for this reason.
    Failed(String),
}

impl Outcome {
    /// That of a command with this wait status: the code is what a shell would give.
    pub fn of_wait_status(status: i32) -> Self {
        Self::Exited(match status & 0x7f {
            0 => (status >> 8) & 0xff,
            signal => 128 + signal,
        })
    }
}

impl Probe {
    pub(crate) fn of_check(info: &CheckInfo) -> Option<Self> {
        match info.r#type() {
            check_info::Type::Command => info.command.as_ref().map(|c| Self::Command(c.command.clone())),
            check_info::Type::Http => {
                let http = info.http.as_ref()?;
                Some(Self::Http(url("http", LOOPBACK, http.port, http.path.as_deref())))
            }
            check_info::Type::Tcp => tcp(LOOPBACK, info.tcp.as_ref()?.port),
            check_info::Type::Unknown => None,
        }
    }

    /// Old health checks have no type, and are what they hold.
    pub(crate) fn of_health_check(info: &HealthCheck) -> Option<Self> {
        let kind = match (info.r#type(), &info.http, &info.command) {
            (health_check::Type::Unknown, Some(_), _) => health_check::Type::Http,
            (health_check::Type::Unknown, None, Some(_)) => health_check::Type::Command,
            (kind, _, _) => kind,
        };
        match kind {
            health_check::Type::Command => info.command.clone().map(Self::Command),
            health_check::Type::Http => {
                let http = info.http.as_ref()?;
                let scheme = http.scheme.as_deref().unwrap_or("http");
                Some(Self::Http(url(scheme, loopback(http.protocol()), http.port, http.path.as_deref())))
            }
            health_check::Type::Tcp => {
                let info = info.tcp.as_ref()?;
                tcp(loopback(info.protocol()), info.port)
            }
            health_check::Type::Unknown => None,
        }
    }

    /// Looks once; no longer than `timeout`.
    pub(crate) async fn run(&self, runner: &dyn CommandRunner, timeout: Option<Duration>) -> Outcome {
        match self {
            Self::Command(command) => runner.run(command, timeout).await,
            Self::Http(url) => within(timeout, get(url)).await,
            Self::Tcp(address) => within(timeout, connect(*address)).await,
        }
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn loopback(protocol: Protocol) -> IpAddr {
    match protocol {
        Protocol::IPv4 => LOOPBACK,
        Protocol::IPv6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}

fn tcp(address: IpAddr, port: u32) -> Option<Probe> {
    Some(Probe::Tcp(SocketAddr::new(address, u16::try_from(port).ok()?)))
}

fn url(scheme: &str, address: IpAddr, port: u32, path: Option<&str>) -> String {
    let host = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let path = path.unwrap_or("");
    let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
    format!("{scheme}://{host}:{port}{slash}{path}")
}

/// What is found within a time; [`Outcome::TimedOut`] when it is out.
///
/// # Cancel safety
///
/// As cancel safe as `look`, which is dropped when the time is out.
pub async fn within(timeout: Option<Duration>, look: impl Future<Output = Outcome>) -> Outcome {
    match timeout {
        Some(timeout) => tokio::time::timeout(timeout, look).await.unwrap_or(Outcome::TimedOut),
        None => look.await,
    }
}

async fn connect(address: SocketAddr) -> Outcome {
    match TcpStream::connect(address).await {
        Ok(_) => Outcome::Connected,
        Err(error) => Outcome::Failed(format!("cannot connect to {address}: {error}")),
    }
}

/// The code of the answer after all redirects. A task may have any certificate, like with `curl -k`.
async fn get(url: &str) -> Outcome {
    let client = Client::builder().trust_anyone().build();
    let mut url = url.to_owned();
    for _ in 0..=REDIRECTS_MAX {
        let response = match client.request(Method::GET, &url, HeaderMap::new(), "").await {
            Ok(response) => response,
            Err(error) => return Outcome::Failed(with_causes(&error)),
        };
        let code = response.status.as_u16();
        match (code, response.header("location")) {
            (301 | 302 | 303 | 307 | 308, Some(location)) => url = redirected(&url, location),
            _ => return Outcome::Answered(code),
        }
    }
    Outcome::Failed(format!("more than {REDIRECTS_MAX} redirects"))
}

fn with_causes(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", with_causes(cause)),
        None => error.to_string(),
    }
}

/// A location relative to where it was found.
fn redirected(base: &str, location: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    let (scheme, rest) = base.split_once("://").unwrap_or(("http", base));
    if let Some(other) = location.strip_prefix("//") {
        return format!("{scheme}://{other}");
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if location.starts_with('/') {
        return format!("{scheme}://{authority}{location}");
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let directory = path.rsplit_once('/').map_or(String::new(), |(directory, _)| format!("{directory}/"));
    format!("{scheme}://{authority}/{directory}{location}")
}

#[cfg(test)]
mod tests {
    use futures::future::BoxFuture;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Where a command is judged by its text.
    struct Judge;

    impl CommandRunner for Judge {
        fn run<'a>(&'a self, command: &'a CommandInfo, timeout: Option<Duration>) -> BoxFuture<'a, Outcome> {
            let known = command.value.as_deref() == Some("known");
            let found = async move { if known { Outcome::Exited(7) } else { std::future::pending().await } };
            Box::pin(within(timeout, found))
        }
    }

    async fn look(probe: Probe, timeout: Option<Duration>) -> Outcome {
        probe.run(&Judge, timeout).await
    }

    #[tokio::test]
    async fn command_is_run_where_its_runner_is() {
        let command =
            |text: &str| Probe::Command(CommandInfo { value: Some(text.into()), ..Default::default() });
        assert_eq!(look(command("known"), None).await, Outcome::Exited(7));
        assert_eq!(look(command("other"), Some(Duration::ZERO)).await, Outcome::TimedOut);
    }

    #[test]
    fn signals_count_as_in_a_shell() {
        assert_eq!(Outcome::of_wait_status(7 << 8), Outcome::Exited(7));
        assert_eq!(Outcome::of_wait_status(9), Outcome::Exited(137));
    }

    #[tokio::test]
    async fn connection_is_made_or_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(look(Probe::Tcp(address), None).await, Outcome::Connected);
        // Bound and not listening: nobody else gets the port, and nobody answers.
        let closed = tokio::net::TcpSocket::new_v4().unwrap();
        closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = closed.local_addr().unwrap();
        assert!(matches!(look(Probe::Tcp(address), None).await, Outcome::Failed(_)));
    }

    #[tokio::test]
    async fn answer_is_that_after_redirects() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let count = stream.read(&mut request).await.unwrap();
                let request = String::from_utf8_lossy(&request[..count]).into_owned();
                let answer = match request.split(' ').nth(1) {
                    Some("/a") => "302 Found\r\nLocation: b",
                    Some("/b") => "404 Not Found",
                    Some("/") => "200 OK",
                    _ => "500 Wrong",
                };
                let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let at = |path: Option<&str>| Probe::Http(url("http", LOOPBACK, u32::from(address.port()), path));
        assert_eq!(look(at(None), None).await, Outcome::Answered(200));
        assert_eq!(look(at(Some("/a")), None).await, Outcome::Answered(404));
        assert_eq!(look(at(Some("x")), None).await, Outcome::Answered(500));
    }

    #[test]
    fn probes_are_taken_from_checks() {
        let info = HealthCheck {
            http: Some(health_check::HttpCheckInfo {
                port: 80,
                path: Some("/x".into()),
                protocol: Some(Protocol::IPv6 as i32),
                ..Default::default()
            }),
            ..Default::default()
        };
        assert_eq!(Probe::of_health_check(&info), Some(Probe::Http("http://[::1]:80/x".into())));
        assert_eq!(Probe::of_health_check(&HealthCheck::default()), None);
        let info = CheckInfo {
            r#type: Some(check_info::Type::Tcp as i32),
            tcp: Some(check_info::Tcp { port: 70_000 }),
            ..Default::default()
        };
        assert_eq!(Probe::of_check(&info), None);
    }

    #[test]
    fn locations_are_relative_to_where_they_were_found() {
        for (location, expected) in [
            ("/x", "http://h:1/x"),
            ("x?y", "http://h:1/a/x?y"),
            ("//other/x", "http://other/x"),
            ("https://other/x", "https://other/x"),
        ] {
            assert_eq!(redirected("http://h:1/a/b?c=/d", location), expected);
        }
    }
}
