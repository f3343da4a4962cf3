//! The master's HTTP routes.

use std::future::Future;

use libprocess::http::{Reply, Request, Response};
use libprocess::{Context, Pid};

use crate::endpoints::changes;
use crate::gate::Refused;
use crate::process::MasterProcess;
use crate::{endpoints, extension, operator_api, scheduler_api};

/// Sets all routes up. None of them needs a turn of the master for longer than it takes to hand
/// over a call or a view.
pub(crate) fn install(cx: &mut Context<MasterProcess>) {
    add(cx, &["api/v1"], "Calls of operators (POST).", operator_api::call);
    add(cx, &["api/ext/v1"], "Calls beyond those of Mesos (POST).", extension::call);
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
    install_changes(cx);
}

fn install_changes(cx: &mut Context<MasterProcess>) {
    add(cx, &["teardown"], "Tears the framework frameworkId down (POST).", changes::teardown);
    add(cx, &["reserve"], "Reserves resources of the agent slaveId (POST).", changes::reserve);
    add(cx, &["unreserve"], "Takes reservations on the agent slaveId back (POST).", changes::unreserve);
    add(cx, &["create-volumes"], "Creates volumes on the agent slaveId (POST).", changes::create_volumes);
    add(cx, &["destroy-volumes"], "Destroys volumes on the agent slaveId (POST).", changes::destroy_volumes);
    add(cx, &["machine/down"], "Takes machines down for maintenance (POST).", changes::machine_down);
    add(cx, &["machine/up"], "Brings machines up after maintenance (POST).", changes::machine_up);
    add(
        cx,
        &["maintenance/schedule"],
        "The maintenance schedule, as JSON; POST replaces it.",
        changes::maintenance_schedule,
    );
    add(
        cx,
        &["maintenance/status"],
        "The machines that are draining or down, as JSON.",
        changes::maintenance_status,
    );
    add(
        cx,
        &["quota"],
        "Quotas, as JSON; POST sets one, DELETE of quota/ROLE removes it.",
        endpoints::roles::quota,
    );
    add(cx, &["weights"], "Weights of roles, as JSON; PUT sets some.", endpoints::roles::weights);
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
