//! A master begins: what the registry says, and who is waited for.

use std::sync::Arc;

use mesos_allocation::Input as Allocate;
use mesos_api::internal::Registry;
use mesos_api::v1::WeightInfo;
use mesos_registry::Operation;
use mesos_resources::format;
use stout::Time;

use crate::agent::Machine;
use crate::cluster::Cluster;
use crate::effect::Effect;
use crate::input::Timer;
use crate::pending::Write;
use crate::snapshot::MachineState;
use crate::step::Step;
use crate::unreachable::UnreachableCause;
use crate::validation::quota;

impl Cluster {
    pub(crate) fn recover(&mut self, registry: Registry, cx: &mut Step<'_>) {
        if self.recovered {
            return;
        }
        self.recovered = true;
        for agent in registry.slaves.unwrap_or_default().slaves {
            let mut info = agent.info;
            format::upgrade_all(&mut info);
            if let Some(id) = info.id.clone() {
                self.state.recovered_agents.insert(id, Arc::new(info));
            }
        }
        self.agents_in_registry = self.state.recovered_agents.len();
        for agent in registry.unreachable.unwrap_or_default().slaves {
            self.state.unreachable_agents.insert(agent.id, Time::from_nanos(agent.timestamp.nanoseconds));
        }
        for agent in registry.gone.unwrap_or_default().slaves {
            self.state.gone_agents.insert(agent.id, Time::from_nanos(agent.timestamp.nanoseconds));
        }
        for machine in registry.machines.unwrap_or_default().machines {
            let id = Machine::from(&machine.info.id);
            let machine = MachineState { info: machine.info, ..MachineState::default() };
            self.state.machines.insert(id, Arc::new(machine));
        }
        self.state.schedules = registry.schedules;
        cx.after(self.options.registry_gc_interval, Timer::RegistryGc);
        cx.after(self.options.agent_reregister_timeout, Timer::RecoveredAgents);
        for quota in registry.quotas {
            self.state.quotas.insert(quota.info.role().to_owned(), Arc::new(quota.info));
        }
        let quotas = self.state.quotas.iter();
        let quotas = quotas.map(|(role, info)| (role.clone(), quota::guarantee(info).into())).collect();
        cx.allocate(Allocate::Recover { expected_agents: self.agents_in_registry, quotas });
        let stored: Vec<WeightInfo> = registry.weights.into_iter().map(|weight| weight.info).collect();
        self.recover_weights(stored, cx);
        cx.info(format!(
            "recovered {} agents from the registry; they have {} to come back",
            self.agents_in_registry,
            stout::duration::format(self.options.agent_reregister_timeout)
        ));
    }

    /// The registry's weights count; those of the flag only when it has none.
    fn recover_weights(&mut self, stored: Vec<WeightInfo>, cx: &mut Step<'_>) {
        let from_flag = self.options.weights.clone();
        let weights = match (stored.is_empty(), from_flag.is_empty()) {
            (false, false) => {
                cx.warn("ignoring --weights: the registry has weights");
                stored
            }
            (true, false) => {
                self.write(Operation::UpdateWeights(from_flag.clone()), Write::Weights, cx);
                from_flag
            }
            (_, true) => stored,
        };
        for info in &weights {
            self.state.weights.insert(info.role().to_owned(), info.weight);
        }
        cx.allocate(Allocate::UpdateWeights(weights));
    }

    /// Agents had their time to come back after the failover.
    pub(crate) fn recovered_agents_expired(&mut self, cx: &mut Step<'_>) {
        let missing: Vec<_> = self.state.recovered_agents.keys().cloned().collect();
        if missing.is_empty() {
            return;
        }
        let share = missing.len() as f64 / self.agents_in_registry.max(1) as f64;
        let limit = self.options.recovery_agent_removal_limit;
        if share > limit {
            let names: Vec<_> = missing.iter().map(ToString::to_string).collect();
            cx.push(Effect::Exit(format!(
                "Post-recovery agent removal limit exceeded! After {} there were {} ({}%) agents recovered \
                 from the registry that did not re-register: [ {} ]. The configured removal limit is {}%. \
                 Please investigate or increase this limit to proceed further",
                stout::duration::format(self.options.agent_reregister_timeout),
                missing.len(),
                share * 100.0,
                names.join(", "),
                limit * 100.0
            )));
            return;
        }
        for id in missing {
            // One that is on its way back is left alone.
            if !self.transitions.contains_key(&id) {
                self.schedule_unreachable(id, UnreachableCause::Failover, cx);
            }
        }
    }
}
