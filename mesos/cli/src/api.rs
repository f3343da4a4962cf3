//! The v1 operator API of a master or an agent, as the commands call it.

use anyhow::{Context as _, bail};
use libprocess::http::{Client, HeaderMap, Method, StatusCode, header};
use mesos_api::v1::{agent, master};
use mesos_api::{ContentType, Message};

/// An answer longer than this is not read.
const ANSWER_BYTES_MAX: usize = 1 << 30;

/// So many redirects are followed, from master to master.
const REDIRECTS_MAX: usize = 3;

/// The daemon does not have what was asked for.
#[derive(Debug)]
pub(crate) struct NotFound(String);

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} has no such thing", self.0)
    }
}

impl std::error::Error for NotFound {}

/// A daemon that answers v1 calls.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    address: String,
}

impl Api {
    pub(crate) fn new(address: &str) -> Self {
        let address = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
        Self { client: Client::new(), address: address.to_owned() }
    }

    /// Calls a master.
    pub(crate) async fn master(&self, kind: master::call::Type) -> anyhow::Result<master::Response> {
        let call = master::Call { r#type: Some(kind as i32), ..Default::default() };
        self.call(&call).await.with_context(|| format!("{} failed", kind.as_str_name()))
    }

    /// Calls an agent.
    pub(crate) async fn agent(&self, call: &agent::Call) -> anyhow::Result<agent::Response> {
        self.call(call).await.with_context(|| format!("{} failed", call.r#type().as_str_name()))
    }

    /// The body of the answer, in the form asked for.
    pub(crate) async fn raw(&self, call: &impl Message, accept: ContentType) -> anyhow::Result<Vec<u8>> {
        let mut headers = HeaderMap::new();
        let protobuf = header::HeaderValue::from_static(ContentType::Protobuf.name());
        headers.insert(header::CONTENT_TYPE, protobuf);
        headers.insert(header::ACCEPT, header::HeaderValue::from_static(accept.name()));
        let body = ContentType::Protobuf.encode(call);
        let mut address = self.address.clone();
        for _ in 0..=REDIRECTS_MAX {
            let url = format!("http://{address}/api/v1");
            let response = self.client.request(Method::POST, &url, headers.clone(), body.clone()).await?;
            let status = response.status;
            if status == StatusCode::TEMPORARY_REDIRECT {
                let leader = response.header("location").and_then(|location| location.split("//").nth(1));
                let Some(leader) = leader else { bail!("{address} does not lead, and knows no leader") };
                address = leader.split('/').next().unwrap_or(leader).to_owned();
                continue;
            }
            let answer = response.bytes(ANSWER_BYTES_MAX).await?;
            if status == StatusCode::NOT_FOUND {
                bail!(NotFound(address));
            }
            if !status.is_success() {
                let text = String::from_utf8_lossy(&answer);
                bail!("{address} answers {status}{}{text}", if text.is_empty() { "" } else { ": " });
            }
            return Ok(answer.to_vec());
        }
        bail!("masters redirect to each other, {address} last")
    }

    async fn call<C: Message, R: Message>(&self, call: &C) -> anyhow::Result<R> {
        let answer = self.raw(call, ContentType::Protobuf).await?;
        ContentType::Protobuf
            .decode(&answer)
            .with_context(|| format!("{} does not answer as Mesos does", self.address))
    }
}
