//! The table of actions.

use std::fmt;
use std::str::FromStr;

/// What in the access control lists rules an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The list, e.g. `register_frameworks`.
    pub field: &'static str,
    /// What its entries name beside principals, e.g. `roles`.
    pub objects: &'static str,
}

/// A name that is no action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an action")]
pub struct UnknownAction(String);

/// Declares the actions: number and name on the wire, and for each list of rules its name and
/// what its entries name. An action is allowed when all its lists allow it.
macro_rules! actions {
    ($(
        $(#[doc = $doc:literal])+
        $action:ident = $number:literal $name:literal { $( $field:ident: $objects:ident ),+ }
    )*) => {
        /// Something that a subject may or may not do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $( $(#[doc = $doc])+ $action = $number, )*
        }

        impl Action {
            /// Every action, in order of declaration.
            pub const ALL: &'static [Action] = &[$( Action::$action ),*];

            /// The name on the wire.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $( Action::$action => $name, )*
                }
            }

            /// What the subject wants to do, as a sentence.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self {
                    $( Action::$action => concat!($($doc),+).trim_ascii(), )*
                }
            }

            /// The access control lists that rule the action.
            #[must_use]
            pub fn rules(self) -> &'static [Rule] {
                match self {
                    $( Action::$action => {
                        &[$( Rule { field: stringify!($field), objects: stringify!($objects) } ),+]
                    } )*
                }
            }
        }
    };
}

actions! {
    /// Subscribe a framework with its roles.
    RegisterFramework = 1 "REGISTER_FRAMEWORK" { register_frameworks: roles }
    /// Launch a task as its user.
    RunTask = 2 "RUN_TASK" { run_tasks: users }
    /// Tear a framework down.
    TeardownFramework = 3 "TEARDOWN_FRAMEWORK" { teardown_frameworks: framework_principals }
    /// Reserve resources for a role.
    ReserveResources = 4 "RESERVE_RESOURCES" { reserve_resources: roles }
    /// Remove a reservation.
    UnreserveResources = 5 "UNRESERVE_RESOURCES" { unreserve_resources: reserver_principals }
    /// Create a persistent volume for a role.
    CreateVolume = 6 "CREATE_VOLUME" { create_volumes: roles }
    /// Destroy a persistent volume.
    DestroyVolume = 7 "DESTROY_VOLUME" { destroy_volumes: creator_principals }
    /// Read an endpoint of a daemon.
    GetEndpointWithPath = 8 "GET_ENDPOINT_WITH_PATH" { get_endpoints: paths }
    /// See a role.
    ViewRole = 9 "VIEW_ROLE" { view_roles: roles }
    /// Change the weight of a role.
    UpdateWeight = 10 "UPDATE_WEIGHT" { update_weights: roles }
    /// See the quota of a role.
    GetQuota = 11 "GET_QUOTA" { get_quotas: roles }
    /// Set or remove the quota of a role.
    UpdateQuota = 12 "UPDATE_QUOTA" { update_quotas: roles }
    /// See a framework.
    ViewFramework = 13 "VIEW_FRAMEWORK" { view_frameworks: users }
    /// See a task.
    ViewTask = 14 "VIEW_TASK" { view_tasks: users }
    /// See an executor.
    ViewExecutor = 15 "VIEW_EXECUTOR" { view_executors: users }
    /// Read files in a sandbox.
    AccessSandbox = 16 "ACCESS_SANDBOX" { access_sandboxes: users }
    /// Read the log of a daemon.
    AccessMesosLog = 17 "ACCESS_MESOS_LOG" { access_mesos_logs: logs }
    /// See the flags of a daemon.
    ViewFlags = 18 "VIEW_FLAGS" { view_flags: flags }
    /// Launch a container inside another one.
    LaunchNestedContainer = 19 "LAUNCH_NESTED_CONTAINER" {
        launch_nested_containers_as_user: users,
        launch_nested_containers_under_parent_with_user: users
    }
    /// Kill a container inside another one.
    KillNestedContainer = 20 "KILL_NESTED_CONTAINER" { kill_nested_containers: users }
    /// Wait for the end of a container inside another one.
    WaitNestedContainer = 21 "WAIT_NESTED_CONTAINER" { wait_nested_containers: users }
    /// Launch a container inside another one that lives as long as the connection.
    LaunchNestedContainerSession = 22 "LAUNCH_NESTED_CONTAINER_SESSION" {
        launch_nested_container_sessions_as_user: users,
        launch_nested_container_sessions_under_parent_with_user: users
    }
    /// Write to the input of a container.
    AttachContainerInput = 23 "ATTACH_CONTAINER_INPUT" { attach_containers_input: users }
    /// Read the output of a container.
    AttachContainerOutput = 24 "ATTACH_CONTAINER_OUTPUT" { attach_containers_output: users }
    /// See a container.
    ViewContainer = 25 "VIEW_CONTAINER" { view_containers: users }
    /// Change how much a daemon logs.
    SetLogLevel = 26 "SET_LOG_LEVEL" { set_log_level: level }
    /// Remove what is left of a container inside another one.
    RemoveNestedContainer = 27 "REMOVE_NESTED_CONTAINER" { remove_nested_containers: users }
    /// Register an agent.
    RegisterAgent = 28 "REGISTER_AGENT" { register_agents: agents }
    /// Change the maintenance schedule.
    UpdateMaintenanceSchedule = 29 "UPDATE_MAINTENANCE_SCHEDULE" { update_maintenance_schedules: machines }
    /// See the maintenance schedule.
    GetMaintenanceSchedule = 30 "GET_MAINTENANCE_SCHEDULE" { get_maintenance_schedules: machines }
    /// Take a machine down.
    StartMaintenance = 31 "START_MAINTENANCE" { start_maintenances: machines }
    /// Bring a machine up.
    StopMaintenance = 32 "STOP_MAINTENANCE" { stop_maintenances: machines }
    /// See which machines are draining or down.
    GetMaintenanceStatus = 33 "GET_MAINTENANCE_STATUS" { get_maintenance_statuses: machines }
    /// Say that an agent will never come back.
    MarkAgentGone = 34 "MARK_AGENT_GONE" { mark_agents_gone: agents }
    /// Launch a container of no framework.
    LaunchStandaloneContainer = 35 "LAUNCH_STANDALONE_CONTAINER" { launch_standalone_containers: users }
    /// Kill a container of no framework.
    KillStandaloneContainer = 36 "KILL_STANDALONE_CONTAINER" { kill_standalone_containers: users }
    /// Wait for the end of a container of no framework.
    WaitStandaloneContainer = 37 "WAIT_STANDALONE_CONTAINER" { wait_standalone_containers: users }
    /// Remove what is left of a container of no framework.
    RemoveStandaloneContainer = 38 "REMOVE_STANDALONE_CONTAINER" { remove_standalone_containers: users }
    /// Add, change or remove the configuration of a resource provider.
    ModifyResourceProviderConfig = 39 "MODIFY_RESOURCE_PROVIDER_CONFIG" {
        modify_resource_provider_configs: resource_providers
    }
    /// See a container of no framework.
    ViewStandaloneContainer = 40 "VIEW_STANDALONE_CONTAINER" { view_standalone_containers: users }
    /// Remove container images that are not in use.
    PruneImages = 41 "PRUNE_IMAGES" { prune_images: images }
}

impl Action {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> i32 {
        self as i32
    }

    /// The action with that number on the wire.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Action> {
        Action::ALL.iter().copied().find(|action| action.number() == number)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(name: &str) -> Result<Action, UnknownAction> {
        let action = Action::ALL.iter().copied().find(|action| action.name() == name);
        action.ok_or_else(|| UnknownAction(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_numbers_round_trip_and_no_number_is_left_out() {
        for action in Action::ALL {
            assert_eq!(action.name().parse(), Ok(*action));
            assert_eq!(Action::from_number(action.number()), Some(*action));
        }
        let numbers: BTreeSet<i32> = Action::ALL.iter().map(|action| action.number()).collect();
        assert_eq!(numbers, (1..=41).collect());
        assert_eq!(Action::from_number(0), None);
    }

    #[test]
    fn no_two_actions_share_a_list() {
        let fields: Vec<&str> =
            Action::ALL.iter().flat_map(|action| action.rules()).map(|rule| rule.field).collect();
        assert_eq!(fields.iter().collect::<BTreeSet<_>>().len(), fields.len());
    }
}
