//! The v1 API for executors: `POST /api/v1/executor`.

use libprocess::Pid;
use libprocess::http::{Principal, Request, Response};
use mesos_api::media::ContentType;
use mesos_api::v1::{TaskState, check_info, executor::Call, executor::call::Type, task_status::Source};
use mesos_daemon::media::{acceptable, decode_call};
use mesos_daemon::stream::EventStream;
use mesos_workload::{ExecutorState, File, Input, Link, Phase, Subscription};

use super::{Refused, gate};
use crate::disk;
use crate::process::AgentProcess;

/// How much may wait for a slow executor before it is cut off.
const STREAM_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Answers a call.
pub(super) async fn call(pid: Pid<AgentProcess>, request: Request) -> Result<Response, Refused> {
    gate::is_post(&request)?;
    let call: Call = decode_call(&request)?;
    validate(&call)
        .map_err(|error| Response::bad_request(format!("Failed to validate Executor::Call: {error}")))?;
    let principal = request.principal.clone();
    if call.r#type() == Type::Subscribe {
        let media = acceptable(&request)?;
        return subscribe(pid, call, principal, media).await;
    }
    let answer = gate::ask(&pid, move |agent, cx| {
        if agent.workload.phase() == Phase::Recovering {
            return Response::service_unavailable("Agent has not finished recovery");
        }
        match agent.known_executor(&call, principal.as_ref()) {
            Err(refused) => refused,
            Ok(ExecutorState::Registering) => Response::forbidden("Executor is not subscribed"),
            Ok(_) => agent.take_call(cx, call),
        }
    });
    answer.await
}

/// How an executor gets its event stream.
async fn subscribe(
    pid: Pid<AgentProcess>,
    call: Call,
    principal: Option<Principal>,
    media: ContentType,
) -> Result<Response, Response> {
    let who = (call.framework_id.clone(), call.executor_id.clone());
    let first = gate::ask(&pid, {
        let call = call.clone();
        move |agent, _cx| agent.prepare_stream(&call, principal.as_ref())
    });
    let (number, file) = first.await??;
    if let Some(file) = file {
        // That it speaks HTTP must be known after a restart, or it would be taken for lost.
        let written = pid.node().run_blocking(move || disk::write_files(&[file])).await;
        if let Err(reason) = written.map_err(|error| error.to_string()).flatten() {
            return Err(Response::service_unavailable(format!(
                "failed to checkpoint the executor: {reason}"
            )));
        }
    }
    let (stream, response) = EventStream::open(media, STREAM_BYTES_MAX);
    let subscribe = call.subscribe.unwrap_or_default();
    let closed = stream.closed();
    let done = gate::ask(&pid, move |agent, cx| {
        let (framework, executor) = who;
        let link = Link::Http(number);
        agent.connections.insert(number, stream);
        cx.run(closed, {
            let (framework, executor, link) = (framework.clone(), executor.clone(), link.clone());
            move |agent, cx, ()| {
                agent.connections.remove(&number);
                agent.step(cx, Input::Unsubscribed { framework, executor, link });
            }
        });
        let updates = subscribe.unacknowledged_updates.into_iter().map(|update| update.status).collect();
        let kind = Subscription::Subscribe { tasks: subscribe.unacknowledged_tasks, updates };
        agent.subscribe(cx, framework, executor, link, kind);
    });
    done.await?;
    Ok(response)
}

impl AgentProcess {
    fn prepare_stream(
        &mut self,
        call: &Call,
        principal: Option<&Principal>,
    ) -> Result<(u64, Option<File>), Response> {
        self.known_executor(call, principal)?;
        self.next_connection += 1;
        let link = Link::Http(self.next_connection);
        let file = self.workload.subscription_file(&call.framework_id, &call.executor_id, &link);
        Ok((self.next_connection, file))
    }

    /// The state of the executor that calls, if it is one and the one that it says.
    fn known_executor(&self, call: &Call, principal: Option<&Principal>) -> Result<ExecutorState, Response> {
        if self.workload.framework(&call.framework_id).is_none() {
            return Err(Response::bad_request("Framework cannot be found"));
        }
        let Some(executor) = self.workload.executor(&call.framework_id, &call.executor_id) else {
            return Err(Response::bad_request("Executor cannot be found"));
        };
        let claims = [
            ("fid", &call.framework_id.value),
            ("eid", &call.executor_id.value),
            ("cid", &executor.container_id.value),
        ];
        if let Some(principal) = principal {
            for (claim, expected) in claims {
                if principal.claims.get(claim) != Some(expected) {
                    let text =
                        format!("Principal '{principal}' does not have the claim '{claim}' of the executor");
                    return Err(Response::forbidden(text));
                }
            }
        }
        Ok(executor.state)
    }

    fn take_call(&mut self, cx: &mut libprocess::Context<Self>, call: Call) -> Response {
        let kind = call.r#type();
        let (framework, executor) = (call.framework_id, call.executor_id);
        match (kind, call.update, call.message) {
            (Type::Update, Some(update), _) => {
                let update = Box::new(self.workload.wrap_status(&framework, update.status, cx.now()));
                self.step(cx, Input::Update { update, executor });
            }
            (Type::Message, _, Some(message)) => {
                self.step(cx, Input::ExecutorMessage { framework, executor, data: message.data });
            }
            _ => return Response::not_implemented("the call is not known"),
        }
        Response::accepted()
    }
}

/// Checks what a call says.
fn validate(call: &Call) -> Result<(), String> {
    let expect = |present: bool, part: &str| {
        if present { Ok(()) } else { Err(format!("Expecting '{part}' to be present")) }
    };
    expect(call.r#type.is_some(), "type")?;
    match call.r#type() {
        Type::Unknown => Ok(()),
        Type::Subscribe => expect(call.subscribe.is_some(), "subscribe"),
        Type::Message => expect(call.message.is_some(), "message"),
        Type::Update => {
            let Some(update) = &call.update else { return expect(false, "update") };
            let status = &update.status;
            let uuid = status.uuid.as_deref().ok_or("Expecting 'uuid' to be present")?;
            mesos_updates::Uuid::from_slice(uuid)
                .map_err(|error| format!("'update.status.uuid' is no UUID: {error}"))?;
            if status.executor_id.as_ref().is_some_and(|id| *id != call.executor_id) {
                return Err("ExecutorID in Call does not match the one in TaskStatus".to_owned());
            }
            if status.source() != Source::Executor || status.source.is_none() {
                return Err(
                    "Received Call from an executor with a source that is not SOURCE_EXECUTOR".to_owned()
                );
            }
            if status.state() == TaskState::TaskStaging {
                return Err("Received TASK_STAGING from an executor, which is not allowed".to_owned());
            }
            check_status(status)
        }
    }
}

/// The result of a check has exactly the part that its type says.
fn check_status(status: &mesos_api::v1::TaskStatus) -> Result<(), String> {
    let Some(check) = &status.check_status else { return Ok(()) };
    let parts = (check.command.is_some(), check.http.is_some(), check.tcp.is_some());
    match (check.r#type(), parts) {
        (check_info::Type::Command, (true, false, false))
        | (check_info::Type::Http, (false, true, false))
        | (check_info::Type::Tcp, (false, false, true)) => Ok(()),
        (check_info::Type::Unknown, _) => Err("'CheckStatusInfo' must specify 'type'".to_owned()),
        (kind, _) => {
            Err(format!("'CheckStatusInfo' of type {} must have that part alone", kind.as_str_name()))
        }
    }
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::{TaskStatus, executor::call};

    use super::*;

    #[test]
    fn field_that_is_wrong_is_named() {
        let status = TaskStatus { uuid: Some(vec![1, 2, 3]), ..TaskStatus::default() };
        let update = Some(call::Update { status });
        let call = Call { r#type: Some(Type::Update as i32), update, ..Call::default() };
        let expected = "'update.status.uuid' is no UUID: a uuid has 16 bytes, not 3";
        assert_eq!(validate(&call), Err(expected.to_owned()));
    }
}
