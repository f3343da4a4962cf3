//! One subscription: the stream of its events, and its calls in their order.

use std::time::Duration;

use libprocess::http::{self, ClientResponse, HeaderMap, Method, StatusCode, header};
use mesos_api::media::ContentType;
use mesos_api::recordio::Decoder;
use mesos_api::v1::scheduler::{Call, Event, call};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The header that ties calls to the subscription they belong to.
const STREAM_ID: &str = "mesos-stream-id";

/// An event longer than this ends the subscription.
const EVENT_BYTES_MAX: usize = 64 << 20;

/// The longest text of a refusal that is read.
const REFUSAL_BYTES_MAX: usize = 64 << 10;

/// Why there is no subscription.
pub(crate) enum Unsubscribed {
    /// Another master leads, or will: try there, or again.
    Redirected(String),
    /// Nothing has been decided; it may work later.
    Unavailable(String),
    /// The master will never take this framework in.
    Refused(String),
}

/// The events of a subscription that the master has accepted.
pub(crate) struct Events {
    response: ClientResponse,
    decoder: Decoder,
    ready: std::collections::VecDeque<Vec<u8>>,
    content_type: ContentType,
    pub(crate) stream_id: String,
}

/// How calls are made.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: http::Client,
    pub(crate) content_type: ContentType,
    pub(crate) answer_wait_max: Duration,
}

/// The scheme and authority of a master, however it was given.
fn origin(master: &str) -> String {
    let master = master.trim_end_matches('/');
    if master.contains("://") { master.to_owned() } else { format!("http://{master}") }
}

/// Where calls go.
fn url(master: &str) -> String {
    format!("{}/master/api/v1/scheduler", origin(master))
}

fn headers(content_type: ContentType, stream_id: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let name = header::HeaderValue::from_static(content_type.name());
    headers.insert(header::ACCEPT, name.clone());
    headers.insert(header::CONTENT_TYPE, name);
    if let Some(Ok(id)) = stream_id.map(header::HeaderValue::from_str) {
        headers.insert(STREAM_ID, id);
    }
    headers
}

impl Client {
    async fn post(&self, url: &str, stream_id: Option<&str>, call: &Call) -> Result<ClientResponse, String> {
        let headers = headers(self.content_type, stream_id);
        let sent = self.http.request(Method::POST, url, headers, self.content_type.encode(call));
        match timeout(self.answer_wait_max, sent).await {
            Ok(answer) => answer.map_err(|error| describe(&error)),
            Err(_) => Err(format!("no answer from {url} within {:?}", self.answer_wait_max)),
        }
    }

    pub(crate) async fn subscribe(&self, master: &str, call: &Call) -> Result<Events, Unsubscribed> {
        let response = self.post(&url(master), None, call).await.map_err(Unsubscribed::Unavailable)?;
        let (status, content_type) = (response.status, self.content_type);
        if status == StatusCode::OK {
            let stream_id = response.header(STREAM_ID).unwrap_or_default().to_owned();
            let decoder = Decoder::new(EVENT_BYTES_MAX);
            return Ok(Events { response, decoder, ready: Default::default(), content_type, stream_id });
        }
        if status == StatusCode::TEMPORARY_REDIRECT
            && let Some(leader) =
                response.header("location").and_then(|location| leader(&origin(master), location))
        {
            return Err(Unsubscribed::Redirected(leader));
        }
        let text = format!("{} answers {}", origin(master), self.refusal(response).await);
        match status {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::NOT_FOUND | StatusCode::SERVICE_UNAVAILABLE => {
                Err(Unsubscribed::Unavailable(text))
            }
            _ => Err(Unsubscribed::Refused(text)),
        }
    }

    /// Makes calls one after the other, each once the one before was answered; gives what was refused
    /// to `refused`. Ends when the sender is dropped and all that waited is sent.
    pub(crate) async fn call_in_order(
        self,
        master: String,
        stream_id: String,
        mut calls: mpsc::UnboundedReceiver<Call>,
        refused: impl Fn((call::Type, String)),
    ) {
        let url = url(&master);
        while let Some(call) = calls.recv().await {
            match self.post(&url, Some(&stream_id), &call).await {
                Ok(response) if response.status == StatusCode::ACCEPTED => {
                    // Read to its end, the connection serves the next call.
                    let _ = timeout(self.answer_wait_max, response.bytes(REFUSAL_BYTES_MAX)).await;
                }
                Ok(response) => refused((call.r#type(), self.refusal(response).await)),
                Err(problem) => refused((call.r#type(), problem)),
            }
        }
    }

    async fn refusal(&self, response: ClientResponse) -> String {
        let status = response.status;
        match timeout(self.answer_wait_max, response.bytes(REFUSAL_BYTES_MAX)).await {
            Ok(Ok(text)) if !text.is_empty() => format!("{status}: {}", String::from_utf8_lossy(&text)),
            _ => status.to_string(),
        }
    }
}

/// The origin that a location such as `//host:port/master/api/v1/scheduler` leads to from a master.
fn leader(master: &str, location: &str) -> Option<String> {
    let (scheme, rest) = location.split_once("//")?;
    let authority = rest.split('/').next().unwrap_or(rest);
    let scheme = if scheme.is_empty() { master.split("//").next()? } else { scheme };
    (!authority.is_empty()).then(|| format!("{scheme}//{authority}"))
}

/// What was tried, and what is at the bottom of its failure.
fn describe(error: &dyn std::error::Error) -> String {
    let mut cause = error.source();
    while let Some(source) = cause.and_then(std::error::Error::source) {
        cause = Some(source);
    }
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

impl Events {
    /// The next event.
    ///
    /// # Errors
    ///
    /// Says why the stream ended.
    pub(crate) async fn next(&mut self) -> Result<Event, String> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                let event = self.content_type.decode(&record);
                return event.map_err(|error| format!("the master sent no scheduler event: {error}"));
            }
            match self.response.chunk().await {
                Some(Ok(chunk)) => {
                    self.ready.extend(self.decoder.push(&chunk).map_err(|error| error.to_string())?);
                }
                Some(Err(error)) => return Err(describe(&error)),
                None => return Err("the master closed the event stream".into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_are_named_with_and_without_scheme() {
        for master in ["127.0.0.1:5050", "http://127.0.0.1:5050", "http://127.0.0.1:5050/"] {
            assert_eq!(url(master), "http://127.0.0.1:5050/master/api/v1/scheduler");
        }
        assert_eq!(url("https://m:5050"), "https://m:5050/master/api/v1/scheduler");
    }

    #[test]
    fn location_without_scheme_keeps_that_of_the_master() {
        let check = |master, location, expected: Option<&str>| {
            assert_eq!(leader(master, location).as_deref(), expected, "{location}");
        };
        let path = "//leader:5050/master/api/v1/scheduler";
        check("http://m:1", path, Some("http://leader:5050"));
        check("https://m:1", path, Some("https://leader:5050"));
        check("https://m:1", "http://leader:5050", Some("http://leader:5050"));
        check("http://m:1", "/somewhere", None);
    }
}
