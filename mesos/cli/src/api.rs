//! The v1 operator API of a master or an agent, as the commands call it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use libprocess::http::{Client, ClientError, ClientResponse, HeaderMap, Method, StatusCode, header};
use mesos_api::v1::{agent, master};
use mesos_api::{ContentType, Message};
use tokio::time::timeout;

use crate::address::Address;
use crate::args::Master;

/// An answer longer than this is not read.
const ANSWER_BYTES_MAX: usize = 1 << 30;

/// So many redirects are followed, from master to master.
const REDIRECTS_MAX: usize = 3;

const MASTER: &str = "master";

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
    address: Address,
    /// What it is, and which flag names it: for errors.
    role: &'static str,
    flag: &'static str,
    wait_max: Duration,
}

impl Api {
    /// The master that a command line names.
    pub(crate) fn master(master: &Master) -> Self {
        Self::new(MASTER, " (--master)", master.master.clone(), master.timeout)
    }

    /// A daemon, and how long it may be silent. `flag` is added to its address in errors.
    pub(crate) fn new(role: &'static str, flag: &'static str, address: Address, wait_max: Duration) -> Self {
        Self { client: Client::new(), address, role, flag, wait_max }
    }

    /// An agent that a master knows.
    pub(crate) fn agent_at(&self, address: Address) -> Self {
        Self { address, role: "agent", flag: "", ..self.clone() }
    }

    /// How long it may be silent.
    pub(crate) fn wait_max(&self) -> Duration {
        self.wait_max
    }

    /// Calls a master.
    pub(crate) async fn call_master(&self, kind: master::call::Type) -> anyhow::Result<master::Response> {
        self.require_master().await?;
        let call = master::Call { r#type: Some(kind as i32), ..Default::default() };
        self.call(&call).await
    }

    /// Refuses an agent that was named as the master: it takes calls of the same form, and would answer
    /// something else.
    pub(crate) async fn require_master(&self) -> anyhow::Result<()> {
        if self.role != MASTER {
            return Ok(());
        }
        let response = self.request(Method::GET, "/master/health", HeaderMap::new(), Vec::new()).await?;
        if response.status == StatusCode::NOT_FOUND {
            bail!("{} is none: it answers 404 to /master/health", self.name());
        }
        Ok(())
    }

    /// Calls an agent.
    pub(crate) async fn call_agent(&self, call: &agent::Call) -> anyhow::Result<agent::Response> {
        self.call(call).await
    }

    async fn call<C: Message, R: Message>(&self, call: &C) -> anyhow::Result<R> {
        let answer = self.raw(call, ContentType::Protobuf).await?;
        let decoded = ContentType::Protobuf.decode(&answer);
        decoded.with_context(|| format!("{} does not answer as a Mesos {} does", self.name(), self.role))
    }

    /// The body of the answer, in the form asked for.
    pub(crate) async fn raw(&self, call: &impl Message, accept: ContentType) -> anyhow::Result<Vec<u8>> {
        self.raw_at("/api/v1", call, accept).await
    }

    /// The same from another path than that of Mesos' own calls.
    pub(crate) async fn raw_at(
        &self,
        path: &str,
        call: &impl Message,
        accept: ContentType,
    ) -> anyhow::Result<Vec<u8>> {
        let mut headers = HeaderMap::new();
        let protobuf = header::HeaderValue::from_static(ContentType::Protobuf.name());
        headers.insert(header::CONTENT_TYPE, protobuf);
        headers.insert(header::ACCEPT, header::HeaderValue::from_static(accept.name()));
        let body = ContentType::Protobuf.encode(call);
        let mut daemon = self.clone();
        for _ in 0..=REDIRECTS_MAX {
            let response = daemon.request(Method::POST, path, headers.clone(), body.clone()).await?;
            if response.status == StatusCode::TEMPORARY_REDIRECT {
                let leader = response.header("location").and_then(|to| daemon.address.redirected(to));
                let Some(leader) = leader else {
                    bail!("{} does not lead, and knows no leader", daemon.name())
                };
                daemon.address = leader;
                continue;
            }
            return daemon.read(daemon.accepted(response).await?).await;
        }
        bail!("{} is one of masters that redirect to each other without end", self.name())
    }

    /// The answer to a GET, to be read as it comes.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<ClientResponse> {
        let response = self.request(Method::GET, path, HeaderMap::new(), Vec::new()).await?;
        self.accepted(response).await
    }

    /// The next piece of an answer, unless it has ended.
    pub(crate) async fn chunk(&self, response: &mut ClientResponse) -> anyhow::Result<Option<Vec<u8>>> {
        let Ok(chunk) = timeout(self.wait_max, response.chunk()).await else {
            bail!("{} stopped in the middle of its answer for {}", self.name(), self.wait());
        };
        let cut = || format!("{} cut its answer short", self.name());
        Ok(chunk.transpose().map_err(cause).with_context(cut)?.map(Vec::from))
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> anyhow::Result<ClientResponse> {
        let url = self.address.url(path);
        match timeout(self.wait_max, self.client.request(method, &url, headers, body)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error @ ClientError::Connect { .. })) => {
                Err(cause(error).context(format!("cannot reach {}", self.name())))
            }
            Ok(Err(error)) => Err(cause(error).context(format!("{} does not answer", self.name()))),
            Err(_) => bail!("{} does not answer within {} (--timeout)", self.name(), self.wait()),
        }
    }

    /// Makes an error of an answer that does not give what was asked for.
    async fn accepted(&self, response: ClientResponse) -> anyhow::Result<ClientResponse> {
        let status = response.status;
        if status.is_success() {
            return Ok(response);
        }
        // A daemon that was named is more likely to be another server.
        if status == StatusCode::NOT_FOUND && self.flag.is_empty() {
            bail!(NotFound(self.name()));
        }
        let text = self.read(response).await?;
        let text = crate::output::plain(String::from_utf8_lossy(&text).trim());
        bail!("{} answers {status}{}{text}", self.name(), if text.is_empty() { "" } else { ": " })
    }

    async fn read(&self, mut response: ClientResponse) -> anyhow::Result<Vec<u8>> {
        let mut answer = Vec::new();
        while let Some(chunk) = self.chunk(&mut response).await? {
            if answer.len() + chunk.len() > ANSWER_BYTES_MAX {
                bail!("the answer of {} is longer than {ANSWER_BYTES_MAX} bytes", self.name());
            }
            answer.extend(chunk);
        }
        Ok(answer)
    }

    fn name(&self) -> String {
        format!("the {} at {}{}", self.role, self.address, self.flag)
    }

    fn wait(&self) -> String {
        stout::duration::format(self.wait_max)
    }
}

/// What is at the bottom of an error: the layers between repeat what we say better.
fn cause(error: ClientError) -> anyhow::Error {
    let error = anyhow::Error::new(error);
    anyhow::anyhow!("{}", error.root_cause())
}
