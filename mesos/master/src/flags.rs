//! The flags of a master.

mod parse;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use mesos_api::v1::{DomainInfo, MasterInfo, WeightInfo};
use mesos_cluster::Options;
use mesos_daemon::flags::{LoggingFlags, NetworkFlags};
use stout::flags::{at_least, one_of, within};

stout::flags! {
    /// What a master can be told.
    pub struct Flags {
        use logging: LoggingFlags;
        use network: NetworkFlags;

        "Master" {
            /// Port to listen on.
            port: u16 = 5050,

            /// A name for the cluster, shown in the web UI.
            cluster: Option<String>,

            /// Directory for what the master keeps.
            work_dir: Option<PathBuf>,

            /// Where the registry is kept: `in_memory`, where it is lost when the master ends.
            #[flag(check(one_of(&["in_memory"])))]
            registry: String = String::from("in_memory"),

            /// How long reading the registry may take.
            registry_fetch_timeout: Duration = Duration::from_mins(1),

            /// How long writing the registry may take.
            registry_store_timeout: Duration = Duration::from_secs(20),

            /// How often agents that were unreachable or gone for too long are removed from the registry.
            #[flag(check(parse::positive))]
            registry_gc_interval: Duration = Duration::from_mins(15),

            /// How long the registry remembers agents that are unreachable or gone.
            registry_max_agent_age: Duration = Duration::from_hours(14 * 24),

            /// How many agents that are unreachable or gone the registry remembers.
            registry_max_agent_count: usize = 102_400,
        }
        "Agents" {
            /// How long an agent may take to register again, after its connection broke and after a
            /// failover of the master, before it counts as unreachable.
            #[flag(deprecated("slave_reregister_timeout"), check(at_least(Duration::from_mins(10))))]
            agent_reregister_timeout: Duration = Duration::from_mins(10),

            /// What share of the agents may fail to come back after a failover. If more are missing, the
            /// master ends rather than give all of them up.
            #[flag(deprecated("recovery_slave_removal_limit"), check(|text| parse::percentage(text).map(drop)))]
            recovery_agent_removal_limit: String = String::from("100%"),

            /// At what rate agents may become unreachable, e.g. `1/10mins`: so many in such a time.
            #[flag(deprecated("slave_removal_rate_limit"), check(|text| parse::given(text.as_deref(), parse::rate)))]
            agent_removal_rate_limit: Option<String>,

            /// How long an agent may take to answer a ping, and the time between two pings.
            #[flag(
                deprecated("slave_ping_timeout"),
                check(within(Duration::from_secs(1)..=Duration::from_mins(15)))
            )]
            agent_ping_timeout: Duration = Duration::from_secs(15),

            /// After so many pings in a row without an answer an agent counts as unreachable.
            #[flag(deprecated("max_slave_ping_timeouts"), check(at_least(1)))]
            max_agent_ping_timeouts: u32 = 5,

            /// The fault domain that the master is in, as JSON.
            #[flag(check(|json| parse::given(json.as_ref(), parse::domain)))]
            domain: Option<serde_json::Value>,

            /// Whether only agents that have a fault domain may register.
            require_agent_domain: bool,
        }
        "Allocation" {
            /// The time between two allocations of the whole cluster.
            #[flag(check(parse::positive))]
            allocation_interval: Duration = Duration::from_secs(1),

            /// Resources that do not count when shares are compared.
            fair_sharing_excluded_resource_names: Vec<String>,

            /// Whether agents with GPUs are offered only to frameworks that can use GPUs.
            filter_gpu_resources: bool = true,

            /// What is worth offering, e.g. `cpus:0.01|mem:32`: any of the alternatives.
            #[flag(check(|text| parse::min_allocatable(text).map(drop)))]
            min_allocatable_resources: String = String::from("cpus:0.01|mem:32"),

            /// After how long an offer that was not answered is taken back.
            #[flag(check(|time| parse::given(time.as_ref(), parse::positive)))]
            offer_timeout: Option<Duration>,

            /// File with the names of the hosts whose agents are offered, one a line. It is read again every
            /// five seconds. Without it all are offered.
            whitelist: Option<PathBuf>,

            /// The only roles that frameworks may have. Without it they may have any.
            #[flag(check(|names| parse::role_names(names)))]
            roles: Vec<String>,

            /// The weights of roles, e.g. `dev=2,ops=1.5`, for a registry that has none.
            #[flag(check(|text| parse::given(text.as_deref(), parse::weights)))]
            weights: Option<String>,
        }
        "Frameworks" {
            /// Whether frameworks may run as root.
            root_submissions: bool = true,

            /// How many completed frameworks are remembered.
            max_completed_frameworks: usize = 50,

            /// How many completed tasks of each framework are remembered.
            max_completed_tasks_per_framework: usize = 1000,

            /// How many unreachable tasks of each framework are remembered.
            max_unreachable_tasks_per_framework: usize = 1000,
        }
    }
}

impl Flags {
    /// What of this concerns the model. Values that were not checked and make no sense count as unset.
    pub(crate) fn options(&self, master_info: MasterInfo) -> Options {
        Options {
            seed: uuid::Uuid::new_v4().as_u64_pair().0,
            offer_timeout: self.offer_timeout,
            max_completed_frameworks: self.max_completed_frameworks,
            max_completed_tasks_per_framework: self.max_completed_tasks_per_framework,
            max_unreachable_tasks_per_framework: self.max_unreachable_tasks_per_framework,
            roles: self.role_whitelist(),
            root_submissions: self.root_submissions,
            agent_reregister_timeout: self.agent_reregister_timeout,
            recovery_agent_removal_limit: parse::percentage(&self.recovery_agent_removal_limit)
                .unwrap_or(1.0),
            agent_removal_rate: self
                .agent_removal_rate_limit
                .as_deref()
                .and_then(|rate| parse::rate(rate).ok()),
            agent_ping_timeout: self.agent_ping_timeout,
            max_agent_ping_timeouts: self.max_agent_ping_timeouts,
            require_agent_domain: self.require_agent_domain,
            weights: self
                .weights()
                .into_iter()
                .map(|(role, weight)| WeightInfo { role: Some(role), weight })
                .collect(),
            registry_gc_interval: self.registry_gc_interval,
            registry_max_agent_age: self.registry_max_agent_age,
            registry_max_agent_count: self.registry_max_agent_count,
            ..Options::new(master_info)
        }
    }

    /// What of this concerns the allocation.
    pub(crate) fn allocation(&self) -> mesos_allocation::Options {
        mesos_allocation::Options {
            allocation_interval: self.allocation_interval,
            fair_sharing_excluded_resource_names: self
                .fair_sharing_excluded_resource_names
                .iter()
                .cloned()
                .collect(),
            filter_gpu_resources: self.filter_gpu_resources,
            min_allocatable_resources: parse::min_allocatable(&self.min_allocatable_resources)
                .unwrap_or_default(),
            domain: self.domain(),
            seed: uuid::Uuid::new_v4().as_u64_pair().0,
        }
    }

    /// The roles that frameworks may have; `None` for any.
    pub(crate) fn role_whitelist(&self) -> Option<BTreeSet<String>> {
        if self.roles.is_empty() {
            return None;
        }
        // The default role is always allowed.
        Some(self.roles.iter().cloned().chain(["*".to_owned()]).collect())
    }

    /// The weights of roles.
    pub(crate) fn weights(&self) -> BTreeMap<String, f64> {
        self.weights.as_deref().and_then(|weights| parse::weights(weights).ok()).unwrap_or_default()
    }

    /// The fault domain.
    pub(crate) fn domain(&self) -> Option<DomainInfo> {
        self.domain.as_ref().and_then(|domain| parse::domain(domain).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos_cluster::RemovalRate;
    use stout::flags::{Parsed, Parser};

    fn parse(arguments: &[&str]) -> Result<Flags, String> {
        match Parser::new("mesos-master", "").parse(arguments.iter().copied()) {
            Ok(Parsed::Flags { flags, .. }) => Ok(flags),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.problems().join("; ")),
        }
    }

    #[test]
    fn defaults_are_those_of_mesos() {
        let flags = Flags::default();
        let expected = Options::new(MasterInfo::default());
        assert_eq!(Options { seed: 0, ..flags.options(MasterInfo::default()) }, expected);
        assert_eq!(flags.port, 5050);
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        for (argument, part) in [
            ("--offer_timeout=0secs", "greater than zero"),
            ("--agent_reregister_timeout=5mins", "less than 10mins"),
            ("--slave_reregister_timeout=5mins", "less than 10mins"),
            ("--agent_ping_timeout=999ms", "not within"),
            ("--agent_ping_timeout=16mins", "not within"),
            ("--max_agent_ping_timeouts=0", "less than 1"),
            ("--recovery_agent_removal_limit=101%", "percentage"),
            ("--agent_removal_rate_limit=1", "rate"),
            ("--agent_removal_rate_limit=0/1mins", "rate"),
            ("--weights=dev", "role=weight"),
            ("--weights=dev=0", "above 0"),
            ("--roles=a//b", "a//b"),
            ("--registry=replicated_log", "in_memory"),
            ("--domain={}", "fault_domain"),
            ("--min_allocatable_resources=cpus", "cpus"),
            ("--allocation_interval=0ns", "greater than zero"),
        ] {
            let error = parse(&[argument]).expect_err(argument);
            assert!(error.contains(part), "{argument}: {error}");
        }
    }

    #[test]
    fn model_gets_what_was_given() {
        let flags = parse(&[
            "--offer_timeout=2secs",
            "--roles=dev,ops",
            "--weights=dev=2.5",
            "--agent_removal_rate_limit=2/3hrs",
            "--recovery_agent_removal_limit=50%",
        ]);
        let options = flags.unwrap().options(MasterInfo::default());
        assert_eq!(options.offer_timeout, Some(Duration::from_secs(2)));
        assert_eq!(options.roles.unwrap().into_iter().collect::<Vec<_>>(), ["*", "dev", "ops"]);
        assert_eq!(options.weights[0].weight, 2.5);
        assert_eq!(
            options.agent_removal_rate,
            Some(RemovalRate { permits: 2, per: Duration::from_hours(3) })
        );
        assert_eq!(options.recovery_agent_removal_limit, 0.5);
    }
}
