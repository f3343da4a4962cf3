//! What tests can switch: fixes off, to show that they notice, and chance, to foretell a run.

/// A fix to how Mesos before 1.5 served quotas.
#[cfg_attr(not(feature = "mutations"), allow(unreachable_pub))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// MESOS-4527: reservations count for a quota, used or not.
    ReservationsAreCharged,
    /// MESOS-7099: a role with quota gets no more of an agent than it lacks.
    AgentsAreDivided,
    /// MESOS-8293: what is reserved for a role without quota is not held back for quotas.
    ReservationsAreNotHeld,
    /// MESOS-8339: reservations beyond one role's quota do not serve another's.
    SurplusServesNobodyElse,
    /// MESOS-8352: a role with quota gets what it has no quota for only as far as others do not need it.
    HeadroomIsForAll,
}

/// Which fix is off, and whether chance is: none and no, but in tests.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mutations {
    #[cfg(feature = "mutations")]
    off: Option<Fix>,
    #[cfg(feature = "mutations")]
    orderly: bool,
}

impl Mutations {
    #[cfg(feature = "mutations")]
    pub(crate) fn turn_off(&mut self, fix: Fix) {
        self.off = Some(fix);
    }

    #[cfg(feature = "mutations")]
    pub(crate) fn be_orderly(&mut self) {
        self.orderly = true;
    }

    /// Whether agents come in the order of their keys.
    pub(crate) fn keep_order(self) -> bool {
        #[cfg(feature = "mutations")]
        return self.orderly;
        #[cfg(not(feature = "mutations"))]
        false
    }

    /// Whether a fix is off.
    pub(crate) fn lacks(self, fix: Fix) -> bool {
        #[cfg(feature = "mutations")]
        let off = self.off == Some(fix);
        #[cfg(not(feature = "mutations"))]
        let off = {
            let _ = fix;
            false
        };
        off
    }
}
