//! The master's HTTP routes.

use std::future::Future;

use libprocess::http::{Reply, Request, Response};
use libprocess::{Context, Pid};

use crate::gate::Refused;
use crate::process::MasterProcess;
use crate::{endpoints, operator_api, scheduler_api};

/// Sets all routes up. None of them needs a turn of the master for longer than it takes to hand
/// over a call or a view.
pub(crate) fn install(cx: &mut Context<MasterProcess>) {
    add(cx, &["api/v1"], "Calls of operators (POST).", operator_api::call);
    add(cx, &["api/v1/scheduler"], "Calls of schedulers (POST).", scheduler_api::call);
    add(cx, &["state", "state.json"], "All there is, as JSON.", endpoints::state);
    add(cx, &["state-summary"], "Agents and frameworks with numbers of tasks, as JSON.", endpoints::summary);
    add(cx, &["slaves"], "The agents, as JSON; slave_id selects one.", endpoints::agents);
    add(cx, &["frameworks"], "The frameworks, as JSON; framework_id selects one.", endpoints::frameworks);
    add(
        cx,
        &["tasks", "tasks.json"],
        "Tasks by time, as JSON; limit, offset, order=asc, framework_id and task_id select.",
        endpoints::tasks,
    );
    add(cx, &["roles", "roles.json"], "The roles, as JSON.", endpoints::roles);
    add(cx, &["flags"], "The flags of this master, as JSON.", endpoints::flags);
    add(cx, &["health"], "200 if the master is healthy.", endpoints::health);
    add(cx, &["redirect"], "Redirects to the leading master.", endpoints::redirect);
    add(cx, &["teardown"], "Tears the framework frameworkId down (POST).", endpoints::teardown);
}

/// Answers requests to the paths with what a future gives.
fn add<H, F>(cx: &mut Context<MasterProcess>, paths: &[&str], help: &'static str, handler: H)
where
    H: Fn(Pid<MasterProcess>, Request) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Response, Refused>> + Send + 'static,
{
    for path in paths {
        let master = cx.pid();
        cx.serve(path, help, move |request| {
            let answer = handler(master.clone(), request);
            Reply::later(async move { answer.await.unwrap_or_else(|refused| refused) })
        });
    }
}
