//! Sums over all agents, kept up to date so that no run has to make them.

use std::collections::BTreeMap;

use mesos_resources::Quantities;

use crate::agent::Agent;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    total: Quantities,
    firm: Quantities,
    reserved: Quantities,
    reservations: BTreeMap<String, Quantities>,
    free_revocable: Quantities,
}

impl Ledger {
    /// All there is.
    pub(crate) fn total(&self) -> &Quantities {
        &self.total
    }

    /// All that cannot be taken back.
    pub(crate) fn firm(&self) -> &Quantities {
        &self.firm
    }

    /// All that is reserved, allocated or not.
    pub(crate) fn reserved(&self) -> &Quantities {
        &self.reserved
    }

    /// What is reserved for exactly this role, allocated or not.
    pub(crate) fn reserved_to(&self, role: &str) -> Option<&Quantities> {
        self.reservations.get(role)
    }

    /// What can be taken back and is not allocated.
    pub(crate) fn free_revocable(&self) -> &Quantities {
        &self.free_revocable
    }

    pub(crate) fn add(&mut self, agent: &Agent) {
        self.total += &agent.total().quantities();
        self.firm += &agent.firm();
        for (role, amounts) in agent.reservations() {
            self.reserved += &amounts;
            match self.reservations.get_mut(role) {
                Some(all) => *all += &amounts,
                None => {
                    self.reservations.insert(role.to_owned(), amounts);
                }
            }
        }
        self.add_free(agent);
    }

    pub(crate) fn remove(&mut self, agent: &Agent) {
        self.total -= &agent.total().quantities();
        self.firm -= &agent.firm();
        for (role, amounts) in agent.reservations() {
            self.reserved -= &amounts;
            if let Some(all) = self.reservations.get_mut(role) {
                *all -= &amounts;
                if all.is_empty() {
                    self.reservations.remove(role);
                }
            }
        }
        self.remove_free(agent);
    }

    /// Counts what changes with every allocation.
    pub(crate) fn add_free(&mut self, agent: &Agent) {
        self.free_revocable += agent.free_revocable();
    }

    pub(crate) fn remove_free(&mut self, agent: &Agent) {
        self.free_revocable -= agent.free_revocable();
    }
}
