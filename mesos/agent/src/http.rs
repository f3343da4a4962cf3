//! What the agent answers over HTTP.
//!
//! Nothing here runs in the agent's process but short looks at the model: requests are read, and answers
//! put together, on the connections' tasks.

mod api;
mod containers;
mod endpoints;
mod executor_api;
mod gate;
mod state_json;
mod view;

use libprocess::Context;
use libprocess::http::{Reply, Request, Response};

use crate::process::AgentProcess;

/// What a handler gives up with.
pub(crate) type Refused = Response;

/// Installs all routes.
pub(crate) fn install(cx: &mut Context<AgentProcess>) {
    route(cx, "/api/v1/executor", "The API for executors.", executor_api::call);
    route(cx, "/api/v1", "The API for operators.", api::call);
    for path in ["/state", "/state.json"] {
        route(cx, path, "Everything about the agent: its resources, executors and tasks.", endpoints::state);
    }
    for path in ["/flags", "/flags.json"] {
        route(cx, path, "The flags of the agent.", endpoints::flags);
    }
    for path in ["/containers", "/containers.json"] {
        route(cx, path, "Status and usage of the containers; ?container_id= for one.", endpoints::containers);
    }
    for path in ["/monitor/statistics", "/monitor/statistics.json"] {
        route(cx, path, "What executors use.", endpoints::statistics);
    }
    cx.serve("/health", "Whether the agent is up.", |_request: Request| Response::ok());
}

fn route<F>(
    cx: &mut Context<AgentProcess>,
    path: &str,
    help: &'static str,
    handler: impl Fn(libprocess::Pid<AgentProcess>, Request) -> F + Send + Sync + 'static,
) where
    F: Future<Output = Result<Response, Refused>> + Send + 'static,
{
    let agent = cx.pid();
    cx.serve(path, help, move |request: Request| {
        let answer = handler(agent.clone(), request);
        Reply::later(async move { answer.await.unwrap_or_else(|refused| refused) })
    });
}
