//! One subscription: the stream of its events, and its calls in their order.

use libprocess::http::{Client, HeaderMap, Method, StatusCode, header};
use mesos_api::media::ContentType;
use mesos_api::recordio::Decoder;
use mesos_api::v1::scheduler::{Call, Event};
use tokio::sync::mpsc;

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
    response: libprocess::http::ClientResponse,
    decoder: Decoder,
    ready: std::collections::VecDeque<Vec<u8>>,
    content_type: ContentType,
    pub(crate) stream_id: String,
}

/// Where calls go.
pub(crate) fn url(master: &str) -> String {
    let address = master.strip_prefix("http://").unwrap_or(master).trim_end_matches('/');
    format!("http://{address}/master/api/v1/scheduler")
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

pub(crate) async fn subscribe(
    client: &Client,
    master: &str,
    content_type: ContentType,
    call: &Call,
) -> Result<Events, Unsubscribed> {
    let body = content_type.encode(call);
    let sent = client.request(Method::POST, &url(master), headers(content_type, None), body).await;
    let response = sent.map_err(|error| Unsubscribed::Unavailable(describe(&error)))?;
    let status = response.status;
    if status == StatusCode::OK {
        let stream_id = response.header(STREAM_ID).unwrap_or_default().to_owned();
        let decoder = Decoder::new(EVENT_BYTES_MAX);
        return Ok(Events { response, decoder, ready: Default::default(), content_type, stream_id });
    }
    if status == StatusCode::TEMPORARY_REDIRECT
        && let Some(leader) = response.header("location").and_then(authority)
    {
        return Err(Unsubscribed::Redirected(leader));
    }
    let text = refusal(response).await;
    match status {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::NOT_FOUND | StatusCode::SERVICE_UNAVAILABLE => {
            Err(Unsubscribed::Unavailable(text))
        }
        _ => Err(Unsubscribed::Refused(text)),
    }
}

/// The `host:port` of a location such as `//host:port/master/api/v1/scheduler`.
fn authority(location: &str) -> Option<String> {
    let (_, rest) = location.split_once("//")?;
    let authority = rest.split('/').next().unwrap_or(rest);
    (!authority.is_empty()).then(|| authority.to_owned())
}

async fn refusal(response: libprocess::http::ClientResponse) -> String {
    let status = response.status;
    match response.bytes(REFUSAL_BYTES_MAX).await {
        Ok(text) if !text.is_empty() => format!("{status}: {}", String::from_utf8_lossy(&text)),
        _ => status.to_string(),
    }
}

fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
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

/// Makes calls one after the other, each once the one before was answered; gives what was refused to
/// `refused`. Ends when the sender is dropped and all that waited is sent.
pub(crate) async fn call_in_order(
    client: Client,
    master: String,
    content_type: ContentType,
    stream_id: String,
    mut calls: mpsc::UnboundedReceiver<Call>,
    refused: impl Fn(String),
) {
    let url = url(&master);
    while let Some(call) = calls.recv().await {
        let kind = call.r#type().as_str_name();
        let body = content_type.encode(&call);
        let headers = headers(content_type, Some(&stream_id));
        match client.request(Method::POST, &url, headers, body).await {
            Ok(response) if response.status == StatusCode::ACCEPTED => {
                // Read to its end, the connection serves the next call.
                let _ = response.bytes(REFUSAL_BYTES_MAX).await;
            }
            Ok(response) => refused(format!("{kind}: {}", refusal(response).await)),
            Err(error) => refused(format!("{kind}: {}", describe(&error))),
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
    }

    #[test]
    fn leader_is_read_from_a_location_without_scheme() {
        assert_eq!(authority("//leader:5050/master/api/v1/scheduler").as_deref(), Some("leader:5050"));
        assert_eq!(authority("http://leader:5050").as_deref(), Some("leader:5050"));
        assert_eq!(authority("/somewhere"), None);
    }
}
