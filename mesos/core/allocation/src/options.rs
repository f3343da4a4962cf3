//! What the allocation is configured with.

use std::collections::BTreeSet;
use std::time::Duration;

use mesos_api::v1::DomainInfo;
use mesos_resources::{Quantities, Scalar};

/// How to allocate.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often [`Input::Tick`](crate::Input::Tick) comes: the least time for which a refusal counts.
    pub allocation_interval: Duration,
    /// Resource names that do not count for fair shares.
    pub fair_sharing_excluded_resource_names: BTreeSet<String>,
    /// Whether agents with GPUs are kept for frameworks that can use them.
    pub filter_gpu_resources: bool,
    /// The least that is worth offering: any one of these. With none, everything is.
    pub min_allocatable_resources: Vec<Quantities>,
    /// Where the master is; agents of another region go to frameworks that know regions only.
    pub domain: Option<DomainInfo>,
    /// Decides the order in which agents are allocated; equal seeds and inputs give equal outputs.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        let one = |name: &'static str, amount| std::iter::once((name, Scalar::from_f64(amount))).collect();
        Self {
            allocation_interval: Duration::from_secs(1),
            fair_sharing_excluded_resource_names: BTreeSet::new(),
            filter_gpu_resources: true,
            min_allocatable_resources: vec![one("cpus", 0.01), one("mem", 32.0)],
            domain: None,
            seed: 0,
        }
    }
}
