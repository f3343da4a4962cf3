//! Machines that are planned to go away, go, and come back.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesos_allocation::Input as Allocate;
use mesos_api::internal::ShutdownMessage;
use mesos_api::v1::machine_info::Mode;
use mesos_api::v1::maintenance::Schedule;
use mesos_api::v1::{AgentId, MachineId, MachineInfo, Unavailability};
use mesos_registry::Operation;

use crate::agent::Machine;
use crate::cluster::Cluster;
use crate::connection::RequestId;
use crate::effect::{OperatorError, ToAgent};
use crate::pending::Write;
use crate::removal::RemovalReason;
use crate::snapshot::MachineState;
use crate::step::Step;
use crate::validation;

/// A change of maintenance that is being stored.
#[derive(Debug)]
pub(crate) enum MaintenanceWrite {
    Schedule(Schedule),
    Start(Vec<MachineId>),
    Stop(Vec<MachineId>),
}

impl MachineState {
    /// How the machine is: up unless something else is said.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.info.mode.map_or(Mode::Up, |_| self.info.mode())
    }
}

impl Cluster {
    pub(crate) fn check_start(&self, machines: &[MachineId]) -> Result<(), OperatorError> {
        self.check_modes(machines, Mode::Draining, "DRAINING mode and cannot be brought down")
    }

    pub(crate) fn check_stop(&self, machines: &[MachineId]) -> Result<(), OperatorError> {
        self.check_modes(machines, Mode::Down, "DOWN mode and cannot be brought up")
    }

    fn check_modes(&self, machines: &[MachineId], mode: Mode, what: &str) -> Result<(), OperatorError> {
        validation::maintenance::machines(machines).map_err(OperatorError::Invalid)?;
        for id in machines {
            let machine = Machine::from(id);
            match self.state.machines.get(&machine) {
                None => {
                    return Err(OperatorError::Invalid(format!(
                        "Machine '{machine}' is not part of a maintenance schedule"
                    )));
                }
                Some(state) if state.mode() != mode => {
                    return Err(OperatorError::Invalid(format!("Machine '{machine}' is not in {what}")));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    pub(crate) fn update_schedule(&mut self, request: RequestId, schedule: Schedule, cx: &mut Step<'_>) {
        // A machine may have gone down while the authorizer thought.
        if let Err(error) = validation::maintenance::schedule(&schedule, &self.state) {
            self.reply(request, Err(OperatorError::Invalid(error)), cx);
            return;
        }
        let operation = Operation::UpdateSchedule(schedule.clone());
        self.store(request, operation, MaintenanceWrite::Schedule(schedule), cx);
    }

    pub(crate) fn start_maintenance(
        &mut self,
        request: RequestId,
        machines: Vec<MachineId>,
        cx: &mut Step<'_>,
    ) {
        match self.check_start(&machines) {
            Ok(()) => {
                let operation = Operation::StartMaintenance(machines.clone());
                self.store(request, operation, MaintenanceWrite::Start(machines), cx);
            }
            Err(error) => self.reply(request, Err(error), cx),
        }
    }

    pub(crate) fn stop_maintenance(
        &mut self,
        request: RequestId,
        machines: Vec<MachineId>,
        cx: &mut Step<'_>,
    ) {
        match self.check_stop(&machines) {
            Ok(()) => {
                let operation = Operation::StopMaintenance(machines.clone());
                self.store(request, operation, MaintenanceWrite::Stop(machines), cx);
            }
            Err(error) => self.reply(request, Err(error), cx),
        }
    }

    fn store(
        &mut self,
        request: RequestId,
        operation: Operation,
        change: MaintenanceWrite,
        cx: &mut Step<'_>,
    ) {
        self.write(operation, Write::Maintenance { request, change }, cx);
    }

    pub(crate) fn maintenance_stored(
        &mut self,
        request: RequestId,
        change: MaintenanceWrite,
        result: Result<(), String>,
        cx: &mut Step<'_>,
    ) {
        if let Err(error) = result {
            self.reply(request, Err(OperatorError::Conflict(error)), cx);
            return;
        }
        match change {
            MaintenanceWrite::Schedule(schedule) => self.schedule_stored(schedule, cx),
            MaintenanceWrite::Start(machines) => self.machines_down(&machines, cx),
            MaintenanceWrite::Stop(machines) => self.machines_up(&machines),
        }
        self.reply(request, Ok(()), cx);
    }

    fn schedule_stored(&mut self, schedule: Schedule, cx: &mut Step<'_>) {
        let planned: BTreeMap<Machine, (MachineId, Unavailability)> = schedule
            .windows
            .iter()
            .flat_map(|window| {
                window.machine_ids.iter().map(|id| (Machine::from(id), (id.clone(), window.unavailability)))
            })
            .collect();
        let known: Vec<Machine> = self
            .state
            .machines
            .iter()
            .filter(|(_, state)| state.info.unavailability.is_some() || state.mode() != Mode::Up)
            .map(|(machine, _)| machine.clone())
            .collect();
        for machine in known.iter().filter(|machine| !planned.contains_key(*machine)) {
            self.set_unavailability(machine, Mode::Up, None, cx);
        }
        for (machine, (id, unavailability)) in planned {
            let entry = Arc::make_mut(self.state.machines.entry(machine.clone()).or_default());
            entry.info.id = id;
            let mode = match entry.mode() {
                Mode::Up => Mode::Draining,
                other => other,
            };
            self.set_unavailability(&machine, mode, Some(unavailability), cx);
        }
        self.state.schedules = vec![schedule];
    }

    /// Agents of the machine are offered anew, with the new plan; frameworks there are asked to leave.
    fn set_unavailability(
        &mut self,
        machine: &Machine,
        mode: Mode,
        unavailability: Option<Unavailability>,
        cx: &mut Step<'_>,
    ) {
        let Some(entry) = self.state.machines.get_mut(machine).map(Arc::make_mut) else { return };
        entry.info.mode = Some(mode as i32);
        entry.info.unavailability = unavailability;
        let agents: Vec<AgentId> = entry.agents.iter().cloned().collect();
        for agent in agents {
            self.rescind_agent_offers(&agent, cx);
            self.rescind_agent_inverse_offers(&agent, cx);
            cx.allocate(Allocate::UpdateUnavailability { agent, unavailability });
        }
    }

    /// The agents there shut down and are removed at once, should they not hear of it.
    fn machines_down(&mut self, machines: &[MachineId], cx: &mut Step<'_>) {
        const CAUSE: &str = "Operator initiated 'Machine DOWN'";
        for id in machines {
            let Some(entry) = self.state.machines.get_mut(&Machine::from(id)).map(Arc::make_mut) else {
                continue;
            };
            entry.info.mode = Some(Mode::Down as i32);
            let agents: Vec<AgentId> = entry.agents.iter().cloned().collect();
            for agent in agents {
                if let Some(to) = self.connected_agent(&agent) {
                    let message = ShutdownMessage { message: Some(CAUSE.to_owned()) };
                    cx.send(to, ToAgent::Shutdown(message));
                }
                self.remove_agent(&agent, CAUSE, RemovalReason::MachineDown, cx);
            }
        }
    }

    fn machines_up(&mut self, machines: &[MachineId]) {
        let up: Vec<Machine> = machines.iter().map(Machine::from).collect();
        for machine in &up {
            let Some(entry) = self.state.machines.get_mut(machine).map(Arc::make_mut) else { continue };
            entry.info =
                MachineInfo { id: entry.info.id.clone(), mode: Some(Mode::Up as i32), unavailability: None };
            if entry.agents.is_empty() {
                self.state.machines.remove(machine);
            }
        }
        for schedule in &mut self.state.schedules {
            for window in &mut schedule.windows {
                window.machine_ids.retain(|id| !up.contains(&Machine::from(id)));
            }
            schedule.windows.retain(|window| !window.machine_ids.is_empty());
        }
        self.state.schedules.retain(|schedule| !schedule.windows.is_empty());
    }
}
