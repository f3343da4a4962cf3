//! The v1 API of schedulers.

use libprocess::http::{Request, Response};
use libprocess::{Context, Pid};
use mesos_api::media::ContentType;
use mesos_api::v1::scheduler::{Call, call};
use mesos_cluster::{FrameworkState, Input, SchedulerPeer, Subscribe, validation};
use mesos_daemon::stream::EventStream;
use tracing::warn;
use uuid::Uuid;

use crate::gate::{self, Refused};
use crate::peers::Subscription;
use crate::process::MasterProcess;

/// The header that ties the calls of a scheduler to its event stream.
const STREAM_ID: &str = "Mesos-Stream-Id";

/// Answers a call of a scheduler: the first check that fails gives the answer.
pub(crate) async fn call(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    gate::enter(&master, &request).await?;
    let call: Call = mesos_daemon::media::decode_call(&request)?;
    let principal = request.principal.as_ref().and_then(|principal| principal.value.clone());
    validation::call::call(&call, principal.as_deref())
        .map_err(|error| Response::bad_request(format!("Failed to validate scheduler::Call: {error}")))?;
    let stream_id = request.header(STREAM_ID).map(str::to_owned);
    match (call.r#type(), call.subscribe) {
        (call::Type::Subscribe, Some(subscribe)) => {
            let content_type = mesos_daemon::media::acceptable(&request)?;
            if request.headers.contains_key(STREAM_ID) {
                return Err(Response::bad_request(
                    "Subscribe calls should not include the 'Mesos-Stream-Id' header",
                ));
            }
            gate::ask(&master, move |master, cx| master.subscribe(cx, content_type, subscribe, principal))
                .await
        }
        (_, subscribe) => {
            let call = Call { subscribe, ..call };
            gate::ask(&master, move |master, cx| master.scheduler_call(cx, call, principal, stream_id))
                .await?
        }
    }
}

impl MasterProcess {
    /// Opens an event stream and subscribes its scheduler. Whether the subscription stands is
    /// told by the stream.
    fn subscribe(
        &mut self,
        cx: &mut Context<Self>,
        content_type: ContentType,
        mut subscribe: call::Subscribe,
        principal: Option<String>,
    ) -> Response {
        let info = &mut subscribe.framework_info;
        if let (Some(principal), None) = (&principal, &info.principal) {
            warn!(%principal, framework = %info.name, "the framework does not name the principal it authenticated as");
            info.principal = Some(principal.clone());
        }
        let (stream, response) = EventStream::open(content_type, self.stream_bytes_max);
        let stream_id = Uuid::new_v4().to_string();
        let response = response.with_header(STREAM_ID, stream_id.as_str());
        let closed = stream.closed();
        let connection = self.peers.add_stream(Subscription { stream, stream_id });
        cx.run(closed, move |master, cx, ()| {
            // Not if the model closed it.
            if master.peers.subscription(connection).is_some() {
                master.step(cx, Input::SchedulerDisconnected(connection));
                master.peers.release(connection);
                master.peers.forget_released();
            }
        });
        let peer = SchedulerPeer::Http(connection);
        self.step(
            cx,
            Input::Subscribe(Subscribe { peer, principal, subscribe: Box::new(subscribe), force: true }),
        );
        response
    }

    /// Takes any other call in, if it comes from the framework's present scheduler.
    fn scheduler_call(
        &mut self,
        cx: &mut Context<Self>,
        call: Call,
        principal: Option<String>,
        stream_id: Option<String>,
    ) -> Result<Response, Refused> {
        let framework = call.framework_id.as_ref().and_then(|id| self.cluster.state().framework(id));
        let Some(framework) = framework else {
            return Err(Response::bad_request("Framework cannot be found"));
        };
        if let Some(principal) = principal
            && framework.info.principal.as_ref() != Some(&principal)
        {
            return Err(Response::bad_request(format!(
                "Authenticated principal '{principal}' does not match principal '{}' set in `FrameworkInfo`",
                framework.info.principal(),
            )));
        }
        let connection = match &framework.state {
            FrameworkState::Active(SchedulerPeer::Http(connection))
            | FrameworkState::Inactive(SchedulerPeer::Http(connection)) => *connection,
            FrameworkState::Active(_) | FrameworkState::Inactive(_) => {
                return Err(Response::forbidden("Framework is not connected via HTTP"));
            }
            FrameworkState::Disconnected { .. } | FrameworkState::Recovered => {
                return Err(Response::forbidden("Framework is not subscribed"));
            }
        };
        let Some(stream_id) = stream_id else {
            return Err(Response::bad_request(
                "All non-subscribe calls should include the 'Mesos-Stream-Id' header",
            ));
        };
        if self.peers.subscription(connection).is_none_or(|subscription| subscription.stream_id != stream_id)
        {
            return Err(Response::bad_request(format!(
                "The stream ID '{stream_id}' included in this request didn't match the stream ID currently \
                 associated with framework ID {}",
                framework.id,
            )));
        }
        match call.r#type() {
            call::Type::Unknown => Err(Response::not_implemented("The call type UNKNOWN means nothing")),
            call::Type::AcknowledgeOperationStatus | call::Type::ReconcileOperations => {
                let name = call.r#type().as_str_name();
                Err(Response::forbidden(format!("{name} is not supported by this version of the master")))
            }
            _ => {
                self.step(cx, Input::Call { from: connection, call: Box::new(call) });
                Ok(Response::accepted())
            }
        }
    }
}
