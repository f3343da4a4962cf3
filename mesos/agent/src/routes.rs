//! What the agent answers over HTTP.

use libprocess::Context;
use libprocess::http::{Reply, Request, Response};

use crate::process::AgentProcess;

/// Installs all routes.
pub(crate) fn install(_agent: &AgentProcess, cx: &mut Context<AgentProcess>) {
    let pid = cx.pid();
    cx.serve("/api/v1/executor", "The API for executors.", move |request: Request| {
        Reply::later(crate::executor_api::answer(pid.clone(), request))
    });
    cx.serve("/health", "Whether the agent is up.", |_request: Request| Response::ok());
}
