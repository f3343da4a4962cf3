//! An answer from another server.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{HeaderMap, Method, StatusCode};

use super::ClientError;

/// The head of an answer, and its body as it comes.
///
/// Dropping it before the body has ended closes the connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClientResponse {
    /// The status code.
    pub status: StatusCode,
    /// The headers; their names compare in any case.
    pub headers: HeaderMap,
    body: Incoming,
    method: Method,
    url: String,
}

impl ClientResponse {
    pub(super) fn new(response: hyper::Response<Incoming>, method: Method, url: &str) -> Self {
        let (head, body) = response.into_parts();
        Self { status: head.status, headers: head.headers, body, method, url: url.to_owned() }
    }

    /// The text of a header, unless it is absent or not ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The next piece of the body as it arrived, or `None` at the end. Pieces need not be what the
    /// server wrote at a time.
    ///
    /// # Errors
    ///
    /// [`ClientError::Body`] if the connection breaks before the end.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, ClientError>> {
        loop {
            match self.body.frame().await? {
                // Trailers are no part of the body.
                Ok(frame) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Some(Ok(data)),
                    _ => {}
                },
                Err(error) => {
                    let (method, url) = (self.method.clone(), self.url.clone());
                    return Some(Err(ClientError::Body { method, url, source: error.into() }));
                }
            }
        }
    }

    /// The rest of the body, which may have at most `bytes_max` bytes.
    ///
    /// # Errors
    ///
    /// [`ClientError::Body`] if the connection breaks before the end, [`ClientError::TooLong`] if
    /// there is more.
    pub async fn bytes(mut self, bytes_max: usize) -> Result<Bytes, ClientError> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = self.chunk().await {
            let chunk = chunk?;
            if bytes.len() + chunk.len() > bytes_max {
                return Err(ClientError::TooLong { method: self.method, url: self.url, bytes_max });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }
}
