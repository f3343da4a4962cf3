//! What frameworks and agents say they can do.

use mesos_api::v1::{agent_info, framework_info};

/// The capabilities of a framework.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[allow(missing_docs)] // the names of the wire enum
pub struct FrameworkCapabilities {
    pub revocable_resources: bool,
    pub task_killing_state: bool,
    pub gpu_resources: bool,
    pub shared_resources: bool,
    pub partition_aware: bool,
    pub multi_role: bool,
    pub reservation_refinement: bool,
    pub region_aware: bool,
}

impl FrameworkCapabilities {
    /// Reads the wire form; what is unknown is ignored.
    #[must_use]
    pub fn new(capabilities: &[framework_info::Capability]) -> Self {
        use framework_info::capability::Type;
        let mut result = Self::default();
        for capability in capabilities {
            match capability.r#type() {
                Type::Unknown => {}
                Type::RevocableResources => result.revocable_resources = true,
                Type::TaskKillingState => result.task_killing_state = true,
                Type::GpuResources => result.gpu_resources = true,
                Type::SharedResources => result.shared_resources = true,
                Type::PartitionAware => result.partition_aware = true,
                Type::MultiRole => result.multi_role = true,
                Type::ReservationRefinement => result.reservation_refinement = true,
                Type::RegionAware => result.region_aware = true,
            }
        }
        result
    }
}

/// The capabilities of an agent.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[allow(missing_docs)] // the names of the wire enum
pub struct AgentCapabilities {
    pub multi_role: bool,
    pub hierarchical_role: bool,
    pub reservation_refinement: bool,
    pub resource_provider: bool,
}

impl AgentCapabilities {
    /// Reads the wire form; what is unknown is ignored.
    #[must_use]
    pub fn new(capabilities: &[agent_info::Capability]) -> Self {
        use agent_info::capability::Type;
        let mut result = Self::default();
        for capability in capabilities {
            match capability.r#type() {
                Type::Unknown => {}
                Type::MultiRole => result.multi_role = true,
                Type::HierarchicalRole => result.hierarchical_role = true,
                Type::ReservationRefinement => result.reservation_refinement = true,
                Type::ResourceProvider => result.resource_provider = true,
            }
        }
        result
    }

    /// The wire form.
    #[must_use]
    pub fn to_proto(self) -> Vec<agent_info::Capability> {
        use agent_info::capability::Type;
        [
            (self.multi_role, Type::MultiRole),
            (self.hierarchical_role, Type::HierarchicalRole),
            (self.reservation_refinement, Type::ReservationRefinement),
            (self.resource_provider, Type::ResourceProvider),
        ]
        .into_iter()
        .filter(|(has, _)| *has)
        .map(|(_, r#type)| agent_info::Capability { r#type: Some(r#type as i32) })
        .collect()
    }
}
