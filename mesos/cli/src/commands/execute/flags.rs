//! What `mesos execute` can be told.

use std::time::Duration;

use stout::flags;

use crate::address::Address;

stout::flags! {
    /// The flags of `mesos execute`.
    pub(crate) struct ExecuteFlags {
        "Cluster" {
            /// Where a master listens, as host:port.
            #[flag(required, check(|text: &String| text.parse::<Address>().map(drop)))]
            master: String,

            /// How long the master may take to answer; then it is asked again.
            timeout: Duration = Duration::from_secs(30),

            /// Form in which calls and events travel: protobuf or json.
            #[flag(check(flags::one_of(&["protobuf", "json"])))]
            content_type: String = "protobuf".to_owned(),

            /// Role to register in.
            role: String = "*".to_owned(),

            /// Principal to register with.
            principal: Option<String>,

            /// Capabilities of the framework, comma separated, beside those that it always has.
            framework_capabilities: Option<String>,

            /// Whether tasks survive a restart of their agent.
            checkpoint: bool,
        }
        "What to launch" {
            /// Task as JSON: a TaskInfo without agent. Instead of --name and --command.
            #[flag(file)]
            task: Option<String>,

            /// Task group as JSON: a TaskGroupInfo, run by the default executor. Instead of --name
            /// and --command.
            #[flag(file)]
            task_group: Option<String>,

            /// Name of the task, and its id.
            name: Option<String>,

            /// Command to run.
            command: Option<String>,

            /// Whether the command is one for the shell; else a program, with arguments divided by
            /// spaces.
            shell: bool = true,

            /// Environment of the command, as a JSON object of strings.
            #[flag(file)]
            env: Option<String>,

            /// Resources of the task.
            resources: String = "cpus:1;mem:128".to_owned(),

            /// Kill the tasks so long after they run.
            kill_after: Option<Duration>,
        }
    }
}
