//! `mesos agents`, `mesos frameworks`, `mesos tasks`.

use mesos_api::ContentType;
use mesos_api::v1::{Resource, Task, master};
use mesos_resources::Resources;

use crate::api::Api;
use crate::args::{List, ListAll};
use crate::output::{self, plain, table};

/// Prints the answer of the master as it came; says whether that was asked for.
async fn json(args: &List, kind: master::call::Type) -> anyhow::Result<bool> {
    if args.json {
        let call = master::Call { r#type: Some(kind as i32), ..Default::default() };
        let api = Api::master(&args.master);
        api.require_master().await?;
        let mut answer = api.raw(&call, ContentType::Json).await?;
        answer.push(b'\n');
        output::print(&answer)?;
    }
    Ok(args.json)
}

fn print<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> anyhow::Result<()> {
    output::print(table(header, rows).as_bytes())
}

fn text(resources: Vec<Resource>) -> String {
    match Resources::from_protos(resources) {
        Ok(resources) => plain(&resources.to_string()),
        Err(error) => format!("({error})"),
    }
}

pub(super) async fn agents(args: List) -> anyhow::Result<()> {
    if json(&args, master::call::Type::GetAgents).await? {
        return Ok(());
    }
    let answer = Api::master(&args.master).call_master(master::call::Type::GetAgents).await?;
    let rows: Vec<_> = answer
        .get_agents
        .unwrap_or_default()
        .agents
        .into_iter()
        .map(|agent| {
            [
                plain(&agent.agent_info.id.unwrap_or_default().value),
                plain(&agent.agent_info.hostname),
                if agent.active { "yes" } else { "no" }.to_owned(),
                text(agent.total_resources),
            ]
        })
        .collect();
    print(["ID", "HOSTNAME", "ACTIVE", "RESOURCES"], &rows)
}

pub(super) async fn frameworks(args: ListAll) -> anyhow::Result<()> {
    if json(&args.list, master::call::Type::GetFrameworks).await? {
        return Ok(());
    }
    let answer = Api::master(&args.list.master).call_master(master::call::Type::GetFrameworks).await?;
    let answer = answer.get_frameworks.unwrap_or_default();
    let over = if args.all { answer.completed_frameworks } else { Vec::new() };
    let state = |framework: &master::response::get_frameworks::Framework| match framework {
        framework if framework.active => "active",
        framework if framework.connected => "inactive",
        _ => "disconnected",
    };
    let live = answer.frameworks.into_iter().map(|framework| (state(&framework), framework));
    let over = over.into_iter().map(|framework| ("completed", framework));
    let rows: Vec<_> = live
        .chain(over)
        .map(|(state, framework)| {
            let info = framework.framework_info;
            [
                plain(&info.id.unwrap_or_default().value),
                plain(&info.name),
                plain(&info.user),
                state.to_owned(),
                text(framework.allocated_resources),
            ]
        })
        .collect();
    print(["ID", "NAME", "USER", "STATE", "RESOURCES"], &rows)
}

pub(super) async fn tasks(args: ListAll) -> anyhow::Result<()> {
    if json(&args.list, master::call::Type::GetTasks).await? {
        return Ok(());
    }
    let answer = Api::master(&args.list.master).call_master(master::call::Type::GetTasks).await?;
    let answer = answer.get_tasks.unwrap_or_default();
    let mut tasks: Vec<Task> = [answer.pending_tasks, answer.tasks, answer.unreachable_tasks].concat();
    if args.all {
        tasks.extend(answer.completed_tasks);
    }
    let rows: Vec<_> = tasks
        .into_iter()
        .map(|task| {
            [
                plain(&task.task_id.value),
                plain(&task.name),
                task.state().as_str_name().to_owned(),
                plain(&task.framework_id.value),
                plain(&task.agent_id.value),
            ]
        })
        .collect();
    print(["ID", "NAME", "STATE", "FRAMEWORK", "AGENT"], &rows)
}
