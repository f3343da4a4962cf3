//! A client that speaks no `https`.

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::connector::Error;

pub(super) type Stream = TokioIo<TcpStream>;

pub(super) fn plain(stream: TokioIo<TcpStream>) -> Stream {
    stream
}

#[derive(Clone, Debug, Default)]
pub(super) struct Trust;

pub(super) struct Secure;

impl Secure {
    pub(super) fn new(_trust: Trust) -> Self {
        Self
    }

    pub(super) async fn connect(&self, _http: HttpConnector, _uri: Uri) -> Result<Stream, Error> {
        Err("this program cannot speak https: it lacks libprocess' feature `tls`".into())
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use crate::http::{Client, HeaderMap, Method};

    #[tokio::test]
    async fn https_is_refused_with_the_reason() {
        let asked = Client::new().request(Method::GET, "https://127.0.0.1:1/", HeaderMap::new(), "").await;
        let error = asked.unwrap_err();
        let causes = std::iter::successors(Some(&error as &(dyn Error + 'static)), |error| (*error).source());
        let text: Vec<_> = causes.map(ToString::to_string).collect();
        assert!(text.iter().any(|cause| cause.contains("feature `tls`")), "{text:?}");
    }
}
