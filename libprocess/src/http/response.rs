//! What a route answers.

use std::fmt;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use hyper::{HeaderMap, Method, StatusCode};
use tracing::warn;

use super::{Body, Reader};

/// An answer: status, headers and body.
///
/// Where a constructor takes a text, that is what the sender of the request gets to read, as
/// `text/plain; charset=utf-8`; an empty text is no body. The server adds `Date` and the headers
/// that tell the length of the body.
#[derive(Debug, Default)]
#[must_use = "a response that is not returned answers nobody"]
pub struct Response {
    /// The status code.
    pub status: StatusCode,
    /// The headers, those about the length of the body left out.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

impl Response {
    /// An answer with that status, no headers and no body.
    pub fn new(status: StatusCode) -> Self {
        Self { status, ..Self::default() }
    }

    /// 200 without a body.
    pub fn ok() -> Self {
        Self::default()
    }

    /// 200 with a text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::ok().with_text(text)
    }

    /// 200 with a JSON document, already written out.
    pub fn json(json: impl Into<Bytes>) -> Self {
        Self::ok().with_body("application/json", json)
    }

    /// 200 with a JSON document as the argument of a call of the JavaScript function that the query
    /// parameter `jsonp` names; as plain JSON when there is none. 400 when that is no name.
    pub fn jsonp(json: impl Into<Bytes>, callback: Option<&str>) -> Self {
        let Some(callback) = callback else { return Self::json(json) };
        let nameable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.' | '[' | ']');
        if callback.is_empty() || !callback.chars().all(nameable) {
            return Self::bad_request("expecting the name of a function as 'jsonp'");
        }
        let json = json.into();
        let script = [callback.as_bytes(), b"(", &json, b");"].concat();
        Self::ok().with_body("text/javascript", script)
    }

    /// 200 with what is written into a pipe, for as long as it is.
    pub fn stream(content_type: &str, reader: Reader) -> Self {
        let mut response = Self::ok().with_header(CONTENT_TYPE, content_type);
        response.body = Body::Stream(reader);
        response
    }

    /// 202 without a body.
    pub fn accepted() -> Self {
        Self::new(StatusCode::ACCEPTED)
    }

    /// 307 to another place.
    pub fn temporary_redirect(location: &str) -> Self {
        Self::new(StatusCode::TEMPORARY_REDIRECT).with_header(LOCATION, location)
    }

    /// 400 with what is wrong.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST).with_text(text)
    }

    /// 401 with what each authenticator asks for, such as `Basic realm="x"`.
    pub fn unauthorized<S: AsRef<str>>(challenges: impl IntoIterator<Item = S>) -> Self {
        let challenges: Vec<S> = challenges.into_iter().collect();
        let challenges: Vec<&str> = challenges.iter().map(AsRef::as_ref).collect();
        Self::new(StatusCode::UNAUTHORIZED).with_header(WWW_AUTHENTICATE, challenges.join(","))
    }

    /// 403 with the reason.
    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN).with_text(text)
    }

    /// 404 without a body.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND)
    }

    /// 405 with the methods that are allowed and the one that came.
    pub fn method_not_allowed(allowed: &[&str], received: &Method) -> Self {
        let quoted: Vec<String> = allowed.iter().map(|method| format!("'{method}'")).collect();
        let text = format!("Expecting one of {{ {} }}, but received '{received}'", quoted.join(", "));
        let response = Self::new(StatusCode::METHOD_NOT_ALLOWED).with_text(text);
        response.with_header(ALLOW, allowed.join(", "))
    }

    /// 406 with the media types there are.
    pub fn not_acceptable(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE).with_text(text)
    }

    /// 409 with what stands in the way.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT).with_text(text)
    }

    /// 415 with the media types there are.
    pub fn unsupported_media_type(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).with_text(text)
    }

    /// 500 with what failed.
    pub fn internal_server_error(text: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR).with_text(text)
    }

    /// 501 with what is not there.
    pub fn not_implemented(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED).with_text(text)
    }

    /// 503 with what is not ready yet.
    pub fn service_unavailable(text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE).with_text(text)
    }

    /// 504 with what did not come in time.
    pub fn gateway_timeout(text: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT).with_text(text)
    }

    /// The same answer with this text as its body; without body if the text is empty.
    pub fn with_text(self, text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() {
            return self;
        }
        let mut response = self;
        response.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response.body = Body::Full(text.into());
        response
    }

    /// The same answer with this body.
    pub fn with_body(self, content_type: &str, body: impl Into<Bytes>) -> Self {
        let mut response = self.with_header(CONTENT_TYPE, content_type);
        response.body = Body::Full(body.into());
        response
    }

    /// The same answer with one more header, or another value for one that it has. What cannot be
    /// a header (line ends in the value, say) is left out, with a warning in the log.
    pub fn with_header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName> + fmt::Debug + Clone,
        V: TryInto<HeaderValue>,
    {
        match (name.clone().try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            _ => warn!(?name, "leaving out a response header that cannot be written"),
        }
        self
    }
}

/// A response, or the promise of one.
#[must_use = "a reply that is not returned answers nobody"]
pub enum Reply {
    /// The response.
    Now(Response),
    /// The response when the future gives it. Requests that came after this one on the same
    /// connection wait.
    Later(BoxFuture<'static, Response>),
}

impl Reply {
    /// The reply that a future will give.
    pub fn later(response: impl Future<Output = Response> + Send + 'static) -> Self {
        Self::Later(response.boxed())
    }

    /// Waits for the response.
    pub async fn response(self) -> Response {
        match self {
            Self::Now(response) => response,
            Self::Later(response) => response.await,
        }
    }
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self::Now(response)
    }
}

impl From<BoxFuture<'static, Response>> for Reply {
    fn from(response: BoxFuture<'static, Response>) -> Self {
        Self::Later(response)
    }
}

/// A future that fails is answered with 500 and the reason.
impl From<crate::Future<Response>> for Reply {
    fn from(future: crate::Future<Response>) -> Self {
        Self::later(async move {
            future.await.unwrap_or_else(|error| Response::internal_server_error(error.to_string()))
        })
    }
}

/// An error is answered by the response that tells it.
impl<T: Into<Reply>, E: Into<Reply>> From<Result<T, E>> for Reply {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(reply) => reply.into(),
            Err(error) => error.into(),
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(response) => formatter.debug_tuple("Now").field(response).finish(),
            Self::Later(_) => formatter.write_str("Later(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(response: &Response, name: HeaderName) -> &str {
        response.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    #[test]
    fn method_not_allowed_names_both_sides() {
        let response = Response::method_not_allowed(&["GET", "POST"], &Method::PUT);
        assert_eq!(header(&response, ALLOW), "GET, POST");
        assert_eq!(
            response.body.full(),
            Some(&b"Expecting one of { 'GET', 'POST' }, but received 'PUT'"[..])
        );
    }

    #[test]
    fn challenges_share_one_header() {
        let response = Response::unauthorized(["Basic realm=\"a\"", "Bearer realm=\"a\""]);
        assert_eq!(header(&response, WWW_AUTHENTICATE), "Basic realm=\"a\",Bearer realm=\"a\"");
        assert!(response.body.full().is_none());
    }

    #[test]
    fn empty_text_is_no_body_and_no_content_type() {
        let response = Response::forbidden("");
        assert!(matches!(response.body, Body::Empty));
        assert!(response.headers.is_empty());
    }

    #[test]
    fn header_value_cannot_end_the_line() {
        let response = Response::temporary_redirect("//host:1/\r\nSet-Cookie: x");
        assert!(response.headers.is_empty());
    }

    #[test]
    fn jsonp_takes_only_names() {
        assert_eq!(Response::jsonp("{}", Some("cb")).body.full(), Some(&b"cb({});"[..]));
        assert_eq!(Response::jsonp("{}", None).body.full(), Some(&b"{}"[..]));
        assert_eq!(Response::jsonp("{}", Some("alert(1);x")).status, 400);
    }
}
