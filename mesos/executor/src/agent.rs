//! The executor API of an agent, call by call.

use std::collections::VecDeque;
use std::time::Duration;

use libprocess::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use libprocess::http::{Client, ClientResponse, HeaderMap, Method};
use mesos_api::recordio::Decoder;
use mesos_api::v1::executor::{Call, Event, call};
use mesos_api::{ContentType, Message};

use crate::Options;

/// How much of an answer that is an error is read.
const ERROR_SIZE_MAX: usize = 64 * 1024;

/// How long a call may take that is answered at once.
const CALL_WAIT_MAX: Duration = Duration::from_secs(60);

/// Why a call did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// There was no answer.
    #[error("the agent cannot be reached: {cause}")]
    Unreachable {
        /// What was found.
        cause: String,
    },
    /// The agent said no.
    #[error("the agent answered {code}: {text}")]
    Refused {
        /// The status code.
        code: u16,
        /// Its reason.
        text: String,
    },
}

impl CallError {
    /// Whether the same call may succeed later: nobody was there, or the agent is not ready yet. A
    /// 404 is what an agent answers that has not set up its routes.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { code, .. } => matches!(code, 404 | 408 | 429 | 500 | 502..=504),
        }
    }
}

/// An agent, as its executor speaks to it.
#[derive(Clone)]
pub(crate) struct Agent {
    client: Client,
    url: String,
    headers: HeaderMap,
    content_type: ContentType,
    call: Call,
}

impl Agent {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            client: Client::new(),
            url: format!("{}/api/v1/executor", options.agent_url),
            headers: headers(options),
            content_type: options.content_type,
            call: Call {
                framework_id: options.framework_id.clone(),
                executor_id: options.executor_id.clone(),
                ..Call::default()
            },
        }
    }

    /// A call of this executor, to be filled in.
    pub(crate) fn call(&self, kind: call::Type) -> Call {
        Call { r#type: Some(kind as i32), ..self.call.clone() }
    }

    /// Makes a call that is answered by 202.
    pub(crate) async fn send(&self, call: &Call) -> Result<(), CallError> {
        let answer = tokio::time::timeout(CALL_WAIT_MAX, self.post(call));
        let response = answer
            .await
            .map_err(|_| CallError::Unreachable { cause: format!("no answer within {CALL_WAIT_MAX:?}") })??;
        match response.status.as_u16() {
            202 => Ok(()),
            code => Err(refused(code, response).await),
        }
    }

    /// Subscribes; the events come from what is returned.
    pub(crate) async fn subscribe(&self, call: &Call) -> Result<Events, CallError> {
        let response = self.post(call).await?;
        match response.status.as_u16() {
            200 => Ok(Events::new(response, self.content_type)),
            code => Err(refused(code, response).await),
        }
    }

    async fn post(&self, call: &Call) -> Result<ClientResponse, CallError> {
        let body = self.content_type.encode(call);
        let answer = self.client.request(Method::POST, &self.url, self.headers.clone(), body).await;
        answer.map_err(|error| CallError::Unreachable { cause: chain(&error) })
    }
}

/// What each request of an executor says about itself.
pub(crate) fn headers(options: &Options) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let media = HeaderValue::from_static(options.content_type.name());
    headers.insert(CONTENT_TYPE, media.clone());
    headers.insert(ACCEPT, media);
    let token = options.authentication_token.as_ref();
    // A token that is no header value is refused by the agent, like any other bad one.
    if let Some(value) = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok()) {
        headers.insert(AUTHORIZATION, value);
    }
    headers
}

async fn refused(code: u16, response: ClientResponse) -> CallError {
    let body = tokio::time::timeout(CALL_WAIT_MAX, response.bytes(ERROR_SIZE_MAX)).await;
    let text = match &body {
        Ok(Ok(body)) => String::from_utf8_lossy(body).trim().to_owned(),
        Ok(Err(_)) | Err(_) => String::new(),
    };
    CallError::Refused { code, text }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// The events of a subscription.
pub(crate) struct Events {
    response: ClientResponse,
    content_type: ContentType,
    decoder: Decoder,
    ready: VecDeque<Vec<u8>>,
}

impl Events {
    fn new(response: ClientResponse, asked: ContentType) -> Self {
        let named = response.header("content-type").and_then(ContentType::from_name);
        let decoder = Decoder::new(Decoder::DEFAULT_LIMIT);
        Self { response, content_type: named.unwrap_or(asked), decoder, ready: VecDeque::new() }
    }

    /// The next event; or why there is none, after which there will be no other.
    ///
    /// Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Event, String> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return decode(self.content_type, &record);
            }
            match self.response.chunk().await {
                None => return Err("the agent closed the stream".to_owned()),
                Some(Err(error)) => return Err(chain(&error)),
                Some(Ok(chunk)) => {
                    let records = self.decoder.push(&chunk).map_err(|error| error.to_string())?;
                    self.ready.extend(records);
                }
            }
        }
    }
}

fn decode<M: Message>(content_type: ContentType, record: &[u8]) -> Result<M, String> {
    content_type.decode(record).map_err(|error| format!("an event cannot be read: {error}"))
}
