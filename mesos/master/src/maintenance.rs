//! What the endpoints show of maintenance.

use std::collections::BTreeMap;
use std::time::Duration;

use libprocess::http::Request;
use libprocess::{Context, Future, Pid, Promise};
use mesos_access::{Action, Object};
use mesos_allocation::{Input, Output};
use mesos_api::v1::allocator::InverseOfferStatus;
use mesos_api::v1::machine_info::Mode;
use mesos_api::v1::maintenance::{ClusterStatus, Schedule, cluster_status::DrainingMachine};
use mesos_api::v1::{AgentId, FrameworkId, MachineId};
use mesos_auth::Approvers;

use crate::gate::{self, Refused};
use crate::process::{AllocatorSlot, MasterProcess};
use crate::view::View;

/// What frameworks answered to inverse offers, by agent.
pub(crate) type Statuses = BTreeMap<AgentId, BTreeMap<FrameworkId, InverseOfferStatus>>;

/// How long the allocator may take to tell them.
const STATUSES_WAIT_MAX: Duration = Duration::from_secs(5);

/// The schedule, without the machines that one may not see.
pub(crate) async fn schedule(
    master: &Pid<MasterProcess>,
    request: &Request,
    view: &View,
) -> Result<Schedule, Refused> {
    let action = Action::GetMaintenanceSchedule;
    let approvers = gate::approvers(master, request, &[Action::GetMaintenanceSchedule]).await?;
    let mut windows = Vec::new();
    for window in view.snapshot.schedules.iter().flat_map(|schedule| &schedule.windows) {
        let mut window = window.clone();
        window.machine_ids.retain(|machine| is_visible(&approvers, action, machine));
        if !window.machine_ids.is_empty() {
            windows.push(window);
        }
    }
    Ok(Schedule { windows })
}

/// Which machines are draining or down, without those that one may not see.
pub(crate) async fn status(
    master: &Pid<MasterProcess>,
    request: &Request,
    view: &View,
) -> Result<ClusterStatus, Refused> {
    let action = Action::GetMaintenanceStatus;
    let approvers = gate::approvers(master, request, &[Action::GetMaintenanceStatus]).await?;
    let statuses = statuses(master).await?;
    let mut status = ClusterStatus::default();
    for machine in view.snapshot.machines.values() {
        let id = &machine.info.id;
        if !is_visible(&approvers, action, id) {
            continue;
        }
        match machine.info.mode() {
            Mode::Up => {}
            Mode::Draining => {
                let answers = machine.agents.iter().filter_map(|agent| statuses.get(agent));
                let statuses = answers.flat_map(|answers| answers.values().cloned()).collect();
                status.draining_machines.push(DrainingMachine { id: id.clone(), statuses });
            }
            Mode::Down => status.down_machines.push(id.clone()),
        }
    }
    Ok(status)
}

fn is_visible(approvers: &Approvers, action: Action, machine: &MachineId) -> bool {
    approvers.allow(action, || Object::any().with_machine(machine.clone()))
}

/// Asks the allocator. One that does not know, or is slow, leaves the answers out.
async fn statuses(master: &Pid<MasterProcess>) -> Result<Statuses, Refused> {
    let statuses = gate::ask(master, MasterProcess::inverse_offer_statuses).await?;
    let in_time = master.node().clock().timeout(STATUSES_WAIT_MAX, statuses).await;
    Ok(in_time.and_then(Result::ok).unwrap_or_default())
}

impl MasterProcess {
    fn inverse_offer_statuses(&mut self, _cx: &mut Context<Self>) -> Future<Statuses> {
        let token = self.next_request;
        self.next_request += 1;
        let promise = Promise::new();
        let future = promise.future();
        if let AllocatorSlot::Started(allocator) = &self.allocator {
            // Nobody waits for those any more.
            self.status_requests.retain(|_, waiting: &mut Promise<Statuses>| !waiting.discard_requested());
            self.status_requests.insert(token, promise);
            allocator.apply(Input::GetInverseOfferStatuses { token });
        }
        future
    }

    /// Takes in what the allocator says: answers to our own questions here, decisions in the model.
    pub(crate) fn allocator_says(&mut self, cx: &mut Context<Self>, output: Output) {
        match output {
            Output::InverseOfferStatuses { token, statuses } => {
                if let Some(promise) = self.status_requests.remove(&token) {
                    promise.set(statuses);
                }
            }
            decision => self.step(cx, mesos_cluster::Input::Allocation(decision)),
        }
    }
}
