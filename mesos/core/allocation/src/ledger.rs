//! Sums over all agents, kept up to date so that no run has to make them.

use std::collections::BTreeMap;
use std::ops::Bound;

use mesos_resources::{Quantities, Scalar, roles};

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

    /// What is reserved for this role and the roles below it, allocated or not.
    pub(crate) fn reserved_below(&self, path: &str) -> Quantities {
        let mut all = self.reserved_to(path).cloned().unwrap_or_default();
        // What starts with `path/` stands together.
        let below = (Bound::Excluded(format!("{path}/")), Bound::Unbounded);
        for (_, amounts) in
            self.reservations.range(below).take_while(|(role, _)| roles::is_strict_subrole(role, path))
        {
            all += amounts;
        }
        all
    }

    /// Whether a sum reached the largest amount, so that taking away from it would be wrong.
    pub(crate) fn is_saturated(&self) -> bool {
        [&self.total, &self.firm, &self.reserved, &self.free_revocable]
            .iter()
            .any(|sum| sum.iter().any(|(_, amount)| amount == Scalar::MAX))
    }

    /// What can be taken back and is not allocated.
    pub(crate) fn free_revocable(&self) -> &Quantities {
        &self.free_revocable
    }

    pub(crate) fn add(&mut self, agent: &Agent) {
        self.total += &agent.total().quantities();
        self.firm += &agent.firm();
        for (role, amounts) in agent.reservations() {
            self.reserved += amounts;
            match self.reservations.get_mut(&**role) {
                Some(all) => *all += amounts,
                None => {
                    self.reservations.insert(role.to_string(), amounts.clone());
                }
            }
        }
        self.add_free(agent);
    }

    pub(crate) fn remove(&mut self, agent: &Agent) {
        self.total -= &agent.total().quantities();
        self.firm -= &agent.firm();
        for (role, amounts) in agent.reservations() {
            self.reserved -= amounts;
            if let Some(all) = self.reservations.get_mut(&**role) {
                *all -= amounts;
                if all.is_empty() {
                    self.reservations.remove(&**role);
                }
            }
        }
        self.remove_free(agent);
    }

    /// Counts what changes with every allocation.
    pub(crate) fn add_free(&mut self, agent: &Agent) {
        // Mostly there is none.
        if !agent.free_revocable().is_empty() {
            self.free_revocable += agent.free_revocable();
        }
    }

    pub(crate) fn remove_free(&mut self, agent: &Agent) {
        if !agent.free_revocable().is_empty() {
            self.free_revocable -= agent.free_revocable();
        }
    }
}
