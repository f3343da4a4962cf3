//! Machines under maintenance.

use std::collections::{HashMap, HashSet};

use mesos_api::internal::registry::Machine;
use mesos_api::v1::machine_info::Mode;
use mesos_api::v1::maintenance::Schedule;
use mesos_api::v1::{MachineId, MachineInfo};

use crate::Registry;

/// What makes two machine ids the same machine: host names are the same in any case.
type Key = (String, String);

fn key(id: &MachineId) -> Key {
    (id.hostname().to_lowercase(), id.ip().to_owned())
}

impl Registry {
    pub(crate) fn update_schedule(&mut self, schedule: Schedule) -> bool {
        let windows = || schedule.windows.iter();
        let machines: HashMap<Key, _> = windows()
            .flat_map(|window| window.machine_ids.iter().map(move |id| (key(id), window.unavailability)))
            .collect();
        let known = &mut self.contents.machines.get_or_insert_default().machines;
        known.retain_mut(|machine| {
            let unavailability = machines.get(&key(&machine.info.id));
            machine.info.unavailability = unavailability.copied();
            unavailability.is_some()
        });
        let mut present: HashSet<Key> = known.iter().map(|machine| key(&machine.info.id)).collect();
        for window in windows() {
            for id in window.machine_ids.iter().filter(|id| present.insert(key(id))) {
                let info = MachineInfo {
                    id: id.clone(),
                    mode: Some(Mode::Draining as i32),
                    unavailability: Some(window.unavailability),
                };
                known.push(Machine { info });
            }
        }
        self.contents.schedules = vec![schedule];
        true
    }

    pub(crate) fn start_maintenance(&mut self, machines: &[MachineId]) -> bool {
        let down: HashSet<_> = machines.iter().map(key).collect();
        let mut changed = false;
        for Machine { info } in self.contents.machines.iter_mut().flat_map(|list| &mut list.machines) {
            if down.contains(&key(&info.id)) {
                changed |= info.mode() != Mode::Down;
                info.mode = Some(Mode::Down as i32);
            }
        }
        changed
    }

    pub(crate) fn stop_maintenance(&mut self, machines: &[MachineId]) -> bool {
        let up: HashSet<_> = machines.iter().map(key).collect();
        let Some(known) = &mut self.contents.machines else { return false };
        let count = known.machines.len();
        known.machines.retain(|machine| !up.contains(&key(&machine.info.id)));
        let changed = known.machines.len() != count;
        self.contents.schedules.retain_mut(|schedule| {
            schedule.windows.retain_mut(|window| {
                window.machine_ids.retain(|id| !up.contains(&key(id)));
                !window.machine_ids.is_empty()
            });
            !schedule.windows.is_empty()
        });
        changed
    }
}
