//! Nested containers, through the agent's operator API.

use std::time::Duration;

use libprocess::http::{Client, HeaderMap, Method};
use mesos_api::ContentType;
use mesos_api::v1::agent::{Call, Response, call, response};
use mesos_api::v1::{CommandInfo, ContainerId, ContainerInfo};
use tokio::time::sleep;
use tracing::warn;

use crate::agent::{chain, headers};
use crate::{CallError, Options};

/// How long after a call that got no answer, or came too early, it is made again.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// No answer about a container is anywhere near that long.
const ANSWER_SIZE_MAX: usize = 4 << 20;

/// How a nested container ended.
pub(crate) type Ended = response::WaitNestedContainer;

/// The containers of an agent, as an executor inside one of them sees them.
#[derive(Clone)]
pub(crate) struct Containers {
    client: Client,
    url: String,
    headers: HeaderMap,
    content_type: ContentType,
}

impl Containers {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            client: Client::new(),
            url: format!("{}/api/v1", options.agent_url),
            headers: headers(options),
            content_type: options.content_type,
        }
    }

    /// Launches a container; done already is as good. Tries for as long as the agent is away.
    pub(crate) async fn launch(
        &self,
        container_id: ContainerId,
        command: Option<CommandInfo>,
        container: Option<ContainerInfo>,
    ) -> Result<(), String> {
        let launch = call::LaunchNestedContainer { container_id, command, container };
        let call =
            Call { launch_nested_container: Some(launch), ..Call::of(call::Type::LaunchNestedContainer) };
        match self.persistently(&call).await {
            Ok(_) => Ok(()),
            Err((_, text)) => Err(text),
        }
    }

    /// Waits for the end of a container; `None` if the agent does not know it. Tries for as long as
    /// the agent is away.
    pub(crate) async fn wait(&self, container_id: ContainerId) -> Result<Option<Ended>, String> {
        let wait = call::WaitNestedContainer { container_id };
        let call = Call { wait_nested_container: Some(wait), ..Call::of(call::Type::WaitNestedContainer) };
        match self.persistently(&call).await {
            Ok(body) => {
                let response: Response = self
                    .content_type
                    .decode(&body)
                    .map_err(|error| format!("the agent's answer cannot be read: {error}"))?;
                Ok(Some(response.wait_nested_container.unwrap_or_default()))
            }
            Err((404, _)) => Ok(None),
            Err((code, text)) => Err(format!("the agent answered {code}: {text}")),
        }
    }

    /// Sends a signal to a container, once; that it is gone is no error.
    pub(crate) async fn kill(&self, container_id: ContainerId, signal: i32) -> Result<(), CallError> {
        let kill = call::KillNestedContainer { container_id, signal: Some(signal) };
        let call = Call { kill_nested_container: Some(kill), ..Call::of(call::Type::KillNestedContainer) };
        gone_is_fine(self.call(&call).await)
    }

    /// Removes a container that has ended, once.
    pub(crate) async fn remove(&self, container_id: ContainerId) -> Result<(), CallError> {
        let remove = call::RemoveNestedContainer { container_id };
        let call =
            Call { remove_nested_container: Some(remove), ..Call::of(call::Type::RemoveNestedContainer) };
        gone_is_fine(self.call(&call).await)
    }

    /// The body of the answer, or the code and the text of a refusal.
    async fn persistently(&self, call: &Call) -> Result<Vec<u8>, (u16, String)> {
        loop {
            match self.call(call).await {
                Ok(body) => return Ok(body),
                Err(error @ (CallError::Unreachable { .. } | CallError::Refused { code: 503, .. })) => {
                    warn!(%error, "trying again");
                    sleep(RETRY_WAIT).await;
                }
                Err(CallError::Refused { code, text }) => return Err((code, text)),
            }
        }
    }

    async fn call(&self, call: &Call) -> Result<Vec<u8>, CallError> {
        let body = self.content_type.encode(call);
        let answer = self.client.request(Method::POST, &self.url, self.headers.clone(), body).await;
        let unreachable = |error| CallError::Unreachable { cause: chain(&error) };
        let response = answer.map_err(unreachable)?;
        let code = response.status.as_u16();
        let body = response.bytes(ANSWER_SIZE_MAX).await.map_err(unreachable)?;
        match code {
            200 | 202 => Ok(body.into()),
            code => Err(CallError::Refused { code, text: String::from_utf8_lossy(&body).trim().to_owned() }),
        }
    }
}

fn gone_is_fine(answer: Result<Vec<u8>, CallError>) -> Result<(), CallError> {
    match answer {
        Ok(_) | Err(CallError::Refused { code: 404, .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A call that is nothing but its type yet.
trait OfType {
    fn of(kind: call::Type) -> Self;
}

impl OfType for Call {
    fn of(kind: call::Type) -> Self {
        Self { r#type: Some(kind as i32), ..Self::default() }
    }
}
