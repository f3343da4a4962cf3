//! A node from a daemon's flags.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

use libprocess::{Node, NodeBuilder};
use tracing::info;

use crate::flags::NetworkFlags;
use crate::os;

/// Why the network flags make no node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// Two flags say where to listen.
    #[error("only one of '--ip' and '--ip_discovery_command' may be given")]
    TwoAddresses,
    /// The program that should print the IP address cannot be run.
    #[error("failed to run '{command}', the '--ip_discovery_command'")]
    Run {
        /// The program.
        command: String,
        /// Why.
        source: std::io::Error,
    },
    /// The program that should print the IP address does not.
    #[error("'{command}', the '--ip_discovery_command', {problem}")]
    Output {
        /// The program.
        command: String,
        /// What is wrong with what it did.
        problem: String,
    },
}

impl NetworkFlags {
    /// A node that listens on the port at the address of the flags, and tells others what they say.
    ///
    /// This may ask the name service and run a program: call it before there is anything to hold up.
    ///
    /// # Errors
    ///
    /// The flags contradict each other, or the program that finds the address out fails.
    pub fn node(&self, port: u16) -> Result<NodeBuilder, NetworkError> {
        let ip = self.listen_ip()?;
        let mut node = Node::builder().bind(SocketAddr::new(ip, port));
        if let Some(ip) = self.advertise_ip {
            node = node.advertise_ip(ip);
        }
        if let Some(port) = self.advertise_port {
            node = node.advertise_port(port);
        }
        if let Some(hostname) = self.told_hostname(ip) {
            node = node.hostname(hostname);
        }
        Ok(node)
    }

    fn listen_ip(&self) -> Result<IpAddr, NetworkError> {
        match (self.ip, &self.ip_discovery_command) {
            (Some(_), Some(_)) => Err(NetworkError::TwoAddresses),
            (Some(ip), None) => Ok(ip),
            (None, Some(command)) => discover_ip(command),
            (None, None) => Ok(Ipv4Addr::UNSPECIFIED.into()),
        }
    }

    /// The name of the machine, unless the IP address stands in for it.
    fn told_hostname(&self, ip: IpAddr) -> Option<String> {
        if self.hostname.is_some() || !self.hostname_lookup {
            return self.hostname.clone();
        }
        let ip = self.advertise_ip.unwrap_or(ip);
        let local = ip.is_loopback().then(|| "localhost".to_owned());
        local.or_else(os::hostname).filter(|name| ip.is_unspecified() || resolves_to(name, ip))
    }
}

fn discover_ip(command: &str) -> Result<IpAddr, NetworkError> {
    info!(command, "finding out the IP address");
    let run = os::shell(command).output();
    let output = run.map_err(|source| NetworkError::Run { command: command.to_owned(), source })?;
    let failed = |problem: String| NetworkError::Output { command: command.to_owned(), problem };
    if !output.status.success() {
        return Err(failed(format!("ended with {}", output.status)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| failed(format!("printed '{}', not an IP address", text.trim())))
}

fn resolves_to(name: &str, ip: IpAddr) -> bool {
    (name, 0).to_socket_addrs().is_ok_and(|mut addresses| addresses.any(|address| address.ip() == ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn discovering(command: &str) -> Result<IpAddr, NetworkError> {
        NetworkFlags { ip_discovery_command: Some(command.to_owned()), ..NetworkFlags::default() }.listen_ip()
    }

    #[test]
    fn program_tells_the_address() {
        assert_eq!(discovering("echo 10.1.2.3").unwrap(), Ipv4Addr::new(10, 1, 2, 3));
        assert!(discovering("echo host").unwrap_err().to_string().contains("'host', not an IP address"));
        assert!(discovering("exit 3").unwrap_err().to_string().contains("exit status: 3"));
        let mut both = NetworkFlags { ip: Some(Ipv4Addr::LOCALHOST.into()), ..NetworkFlags::default() };
        both.ip_discovery_command = Some("echo 10.1.2.3".to_owned());
        assert!(matches!(both.node(0), Err(NetworkError::TwoAddresses)));
    }

    #[test]
    fn name_of_the_machine_is_looked_up_unless_given_or_unwanted() {
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        let flags = NetworkFlags::default();
        assert!(flags.told_hostname(loopback).is_none_or(|name| name == "localhost"));
        assert_eq!(flags.told_hostname(Ipv4Addr::new(192, 0, 2, 7).into()), None);
        let given = NetworkFlags { hostname: Some("h".to_owned()), ..NetworkFlags::default() };
        assert_eq!(given.told_hostname(loopback).as_deref(), Some("h"));
        let unwanted = NetworkFlags { hostname_lookup: false, ..NetworkFlags::default() };
        assert_eq!(unwanted.told_hostname(loopback), None);
    }

    #[tokio::test]
    async fn node_tells_what_the_flags_say() {
        let flags = NetworkFlags {
            ip: Some(Ipv4Addr::LOCALHOST.into()),
            advertise_ip: Some(Ipv4Addr::new(10, 1, 2, 3).into()),
            advertise_port: Some(80),
            hostname: Some("h".to_owned()),
            ..NetworkFlags::default()
        };
        let node = flags.node(0).unwrap().start().await.unwrap();
        assert_eq!((node.address().to_string().as_str(), node.hostname()), ("10.1.2.3:80", "h"));
        node.shutdown().await;
    }
}
