//! Maintenance schedules and lists of machines.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use mesos_api::v1::MachineId;
use mesos_api::v1::machine_info::Mode;
use mesos_api::v1::maintenance::Schedule;

use super::Verdict;
use crate::agent::Machine;
use crate::snapshot::Snapshot;

/// Checks a schedule that is to replace the present one.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn schedule(schedule: &Schedule, state: &Snapshot) -> Verdict {
    let mut seen = BTreeSet::new();
    for window in &schedule.windows {
        if window.machine_ids.is_empty() {
            return Err("List of machines in the maintenance window is empty".to_owned());
        }
        let duration = window.unavailability.duration.as_ref();
        if duration.is_some_and(|duration| duration.nanoseconds < 0) {
            return Err("Unavailability 'duration' is negative".to_owned());
        }
        for id in &window.machine_ids {
            once(id, &mut seen)?;
        }
    }
    let down = state.machines.iter().find(|(id, machine)| {
        machine.info.mode() == Mode::Down && machine.info.mode.is_some() && !seen.contains(*id)
    });
    match down {
        Some((id, _)) => {
            Err(format!("Machine '{id}' is deactivated and cannot be removed from the schedule"))
        }
        None => Ok(()),
    }
}

/// Checks a list of machines.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn machines(machines: &[MachineId]) -> Verdict {
    if machines.is_empty() {
        return Err("List of machines is empty".to_owned());
    }
    let mut seen = BTreeSet::new();
    machines.iter().try_for_each(|id| once(id, &mut seen))
}

fn once(id: &MachineId, seen: &mut BTreeSet<Machine>) -> Verdict {
    if id.hostname().is_empty() && id.ip().is_empty() {
        return Err("Both 'hostname' and 'ip' for a machine are empty".to_owned());
    }
    if !id.ip().is_empty() && id.ip().parse::<Ipv4Addr>().is_err() {
        return Err(format!("Failed to parse the IP '{}'", id.ip()));
    }
    let machine = Machine::from(id);
    if seen.contains(&machine) {
        return Err(format!("Machine '{machine}' appears more than once in the schedule"));
    }
    seen.insert(machine);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mesos_api::v1::maintenance::Window;
    use mesos_api::v1::{DurationInfo, MachineInfo, MasterInfo, Unavailability};

    use super::*;
    use crate::options::Options;
    use crate::snapshot::MachineState;

    fn id(hostname: &str, ip: &str) -> MachineId {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        MachineId { hostname: text(hostname), ip: text(ip) }
    }

    fn window(machine_ids: Vec<MachineId>) -> Window {
        Window { machine_ids, unavailability: Unavailability::default() }
    }

    fn empty() -> Snapshot {
        Snapshot::new(&Options::new(MasterInfo::default()))
    }

    #[test]
    fn rules_for_machines() {
        assert_eq!(machines(&[id("a", ""), id("", "1.2.3.4"), id("a", "1.2.3.4")]), Ok(()));
        for wrong in
            [vec![], vec![id("", "")], vec![id("a", "1.2.3")], vec![id("a", "1.2.3.4"), id("A", "1.2.3.4")]]
        {
            assert!(machines(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn rules_for_schedules() {
        let of = |windows| Schedule { windows };
        assert_eq!(schedule(&of(vec![]), &empty()), Ok(()));
        assert_eq!(schedule(&of(vec![window(vec![id("a", "")])]), &empty()), Ok(()));
        assert!(schedule(&of(vec![window(vec![])]), &empty()).is_err());
        let twice = of(vec![window(vec![id("a", "")]), window(vec![id("a", "")])]);
        assert!(schedule(&twice, &empty()).is_err());
        let mut negative = window(vec![id("a", "")]);
        negative.unavailability.duration = Some(DurationInfo { nanoseconds: -1 });
        assert!(schedule(&of(vec![negative]), &empty()).is_err());
    }

    #[test]
    fn machine_that_is_down_stays_scheduled() {
        let mut state = empty();
        let info = MachineInfo { id: id("a", ""), mode: Some(Mode::Down as i32), ..MachineInfo::default() };
        let machine = MachineState { info, ..MachineState::default() };
        state.machines.insert(Machine::from(&id("a", "")), Arc::new(machine));
        assert!(schedule(&Schedule::default(), &state).is_err());
        let kept = Schedule { windows: vec![window(vec![id("a", "")])] };
        assert_eq!(schedule(&kept, &state), Ok(()));
    }
}
