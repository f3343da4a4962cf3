//! A request as a route gets it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use hyper::{HeaderMap, Method, Uri};
use parking_lot::Mutex;

use super::{BodyReader, Principal, accept, target};
use crate::routes::Admitted;

/// A request to a route, with its whole body, unless the route reads that as it comes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// GET, POST, ...
    pub method: Method,
    /// The path as it was sent, still percent-encoded.
    pub path: String,
    /// The parameters after the `?`, decoded.
    pub query: Query,
    /// The headers; their names compare in any case.
    pub headers: HeaderMap,
    /// The body, unpacked if it came with `Content-Encoding: gzip`. Empty for a route that
    /// [streams](super::Route::stream_body) it.
    pub body: Bytes,
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// Who sends this, once an authenticator has said so.
    pub principal: Option<Principal>,
    /// The first part of the path, decoded: the id of a process, if it is one's.
    pub process: String,
    /// The path after [`process`](Self::process), with its leading slash; empty when there is no more.
    pub rest: String,
    /// The parts of the path that stand where the [`Route`](super::Route) has parameters.
    pub params: Params,
    /// The body that is still to come.
    stream: Option<Arc<Mutex<Option<BodyReader>>>>,
    /// What answers this, once that is known.
    pub(crate) admitted: Option<Admitted>,
}

impl Request {
    /// A request with that method for a path, maybe with a query, and nothing else: what a test of
    /// a handler starts from. Its peer is 127.0.0.1, port 0; parameters that cannot be decoded are
    /// left out.
    pub fn new(method: Method, path_and_query: &str) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let query = Query(target::parameters(query).unwrap_or_default());
        let peer = (Ipv4Addr::LOCALHOST, 0).into();
        Self::assemble(method, path.to_owned(), query, HeaderMap::new(), Bytes::new(), peer)
    }

    /// A GET request, as [`Request::new`] makes it.
    pub fn get(path_and_query: &str) -> Self {
        Self::new(Method::GET, path_and_query)
    }

    /// A POST request with a body, as [`Request::new`] makes it.
    pub fn post(path_and_query: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::new(Method::POST, path_and_query) }
    }

    /// The request that came over a connection, of which there is only the head yet.
    ///
    /// # Errors
    ///
    /// Says which query parameter cannot be decoded.
    pub(super) fn received(
        method: Method,
        uri: &Uri,
        headers: HeaderMap,
        peer: SocketAddr,
    ) -> Result<Self, String> {
        let query = Query(target::parameters(uri.query().unwrap_or(""))?);
        Ok(Self::assemble(method, uri.path().to_owned(), query, headers, Bytes::new(), peer))
    }

    fn assemble(
        method: Method,
        path: String,
        query: Query,
        headers: HeaderMap,
        body: Bytes,
        peer: SocketAddr,
    ) -> Self {
        let (process, rest) = target::split(&path);
        let process = target::decode(process).unwrap_or_else(|_| process.to_owned());
        let rest = rest.to_owned();
        Self {
            method,
            path,
            query,
            headers,
            body,
            peer,
            principal: None,
            process,
            rest,
            params: Params::default(),
            stream: None,
            admitted: None,
        }
    }

    pub(super) fn set_stream(&mut self, body: BodyReader) {
        self.stream = Some(Arc::new(Mutex::new(Some(body))));
    }

    /// The body as it comes, on a route that [streams](super::Route::stream_body) it. It is there once,
    /// whatever the number of clones of the request.
    pub fn take_body(&self) -> Option<BodyReader> {
        self.stream.as_ref()?.lock().take()
    }

    /// The text of a header, unless it is absent or not ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether an answer of this media type is acceptable, as [`accepts`](super::accepts) reads the
    /// `Accept` header.
    pub fn accepts(&self, media: &str) -> bool {
        accept::accepts(&self.headers, media)
    }
}

/// The parameters of a query string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// The value of a parameter; the last one, if it was given more than once.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All parameters in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The parts of a path that stand where its [`Route`](super::Route) has parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// # Errors
    ///
    /// Says which value cannot be decoded.
    pub(crate) fn decode<'a>(params: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        params
            .map(|(name, value)| Ok((name.to_owned(), target::decode(value)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// What stands where the path of the route has `{name}`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All parameters in the order of the path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_is_decoded_and_the_rest_is_not() {
        let request = Request::get("/slave%281%29/files/a%20b?path=%2Ftmp&path=/var");
        assert_eq!(request.process, "slave(1)");
        assert_eq!(request.rest, "/files/a%20b");
        assert_eq!(request.path, "/slave%281%29/files/a%20b");
        assert_eq!(request.query.get("path"), Some("/var"));
        assert_eq!(request.query.iter().count(), 2);
    }
}
