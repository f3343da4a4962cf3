//! Where a server is.

use std::path::{Path, PathBuf};

use tonic::transport::Uri;

use crate::error::ChannelError;

/// The address of a server, as a text names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A host and port, with TLS or without.
    Tcp { host: String, port: u16, tls: bool },
    /// The path of a unix socket.
    Unix(PathBuf),
}

impl Target {
    /// Reads `host:port`, `http://host:port`, `https://host[:port]`, `unix:path` or `unix:///path`.
    pub(crate) fn parse(text: &str) -> Result<Self, ChannelError> {
        let wrong =
            |reason: &str| ChannelError::Target { target: text.to_owned(), reason: reason.to_owned() };
        if let Some(path) = text.strip_prefix("unix:") {
            // `unix://` is followed by an absolute path, so that its third slash belongs to that.
            let path = match path.strip_prefix("//") {
                Some(path) if path.starts_with('/') => path,
                Some(_) => return Err(wrong("the path after 'unix://' must be absolute")),
                None => path,
            };
            return match path {
                "" => Err(wrong("the path of the socket is missing")),
                path => Ok(Self::Unix(PathBuf::from(path))),
            };
        }
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = full.parse().map_err(|error| wrong(&format!("{error}")))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            other => return Err(wrong(&format!("the scheme '{}' is unknown", other.unwrap_or_default()))),
        };
        if uri.path_and_query().is_some_and(|path| path.as_str() != "/") {
            return Err(wrong("an address has no path"));
        }
        let after_host =
            uri.authority().and_then(|it| it.as_str().rsplit_once(']').or(it.as_str().split_once(':')));
        if uri.port_u16().is_none() && after_host.is_some_and(|(_, port)| !port.is_empty()) {
            return Err(wrong("the port is no number up to 65535"));
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("the host is missing"))?;
        let port = match (uri.port_u16(), tls) {
            (Some(port), _) => port,
            (None, true) => 443,
            (None, false) => return Err(wrong("the port is missing")),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self::Tcp { host, port, tls })
    }

    /// What goes into the `:authority` of requests.
    pub(crate) fn origin(&self) -> String {
        match self {
            Self::Tcp { host, port, tls } => {
                let scheme = if *tls { "https" } else { "http" };
                match host.contains(':') {
                    true => format!("{scheme}://[{host}]:{port}"),
                    false => format!("{scheme}://{host}:{port}"),
                }
            }
            Self::Unix(_) => "http://localhost".to_owned(),
        }
    }

    pub(crate) fn unix(path: &Path) -> Self {
        Self::Unix(path.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read() {
        let tcp = |host: &str, port, tls| Target::Tcp { host: host.to_owned(), port, tls };
        let rows = [
            ("127.0.0.1:50", tcp("127.0.0.1", 50, false)),
            ("localhost:50", tcp("localhost", 50, false)),
            ("http://a.b:1", tcp("a.b", 1, false)),
            ("https://a.b", tcp("a.b", 443, true)),
            ("https://[::1]:7", tcp("::1", 7, true)),
            ("[::1]:7", tcp("::1", 7, false)),
            ("unix:///run/csi.sock", Target::unix(Path::new("/run/csi.sock"))),
            ("unix:csi.sock", Target::unix(Path::new("csi.sock"))),
        ];
        for (text, expected) in rows {
            assert_eq!(Target::parse(text).unwrap(), expected, "{text}");
        }
        assert_eq!(tcp("::1", 7, true).origin(), "https://[::1]:7");
    }

    #[test]
    fn what_is_no_target_is_refused_with_the_reason() {
        let rows = [
            ("", "empty"),
            ("host", "port is missing"),
            ("ftp://host:1", "scheme 'ftp'"),
            ("http://host:1/path", "no path"),
            ("unix:", "path of the socket is missing"),
            ("unix://relative", "absolute"),
            ("host:99999", "no number up to 65535"),
            ("https://host:99999", "no number up to 65535"),
            ("https://[::1]:99999", "no number up to 65535"),
            ("a b:1", "invalid"),
        ];
        for (text, reason) in rows {
            let error = Target::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
