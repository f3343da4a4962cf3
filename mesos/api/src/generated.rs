//! What `prost-build` writes, in the module tree its relative paths expect.
//!
//! The public modules of the crate re-export these under shorter names.

#![allow(missing_docs, unreachable_pub, rustdoc::all, clippy::all)]

macro_rules! package {
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
    };
}

pub mod mesos {
    /// What only the unversioned package `mesos` has: ACLs, module lists, URIs.
    ///
    /// Everything else of it has its twin in [`v1`](crate::v1), and only there a Rust type.
    pub mod v0 {
        package!("mesos");

        /// What [`AcLs`] should be called.
        pub type Acls = AcLs;
    }

    /// Package `mesos.v1`, the vocabulary of Mesos; stands for the unversioned package `mesos` too.
    pub mod v1 {
        package!("mesos.v1");

        /// The agent's operator API.
        pub mod agent {
            package!("mesos.v1.agent");
        }
        /// What the allocator tells about inverse offers.
        pub mod allocator {
            package!("mesos.v1.allocator");
        }
        /// What an executor and its agent say to each other.
        pub mod executor {
            package!("mesos.v1.executor");
        }
        /// When which machines will be down for maintenance.
        pub mod maintenance {
            package!("mesos.v1.maintenance");
        }
        /// The master's operator API.
        pub mod master {
            package!("mesos.v1.master");
        }
        /// Resources that are guaranteed to a role.
        pub mod quota {
            package!("mesos.v1.quota");
        }
        /// What a resource provider and the manager in its agent say to each other.
        pub mod resource_provider {
            package!("mesos.v1.resource_provider");
        }
        /// What a scheduler and the master say to each other.
        pub mod scheduler {
            package!("mesos.v1.scheduler");
        }
    }

    /// What this implementation answers beyond Mesos.
    pub mod ext {
        /// Calls to the master.
        pub mod v1 {
            package!("mesos.ext.v1");
        }
    }

    /// Package `mesos.internal`: messages between master, agents and drivers, and the registry.
    pub mod internal {
        package!("mesos.internal");

        /// What replicas of the log send to each other and keep on disk.
        pub mod log {
            package!("mesos.internal.log");
        }
        /// What parts of the agent keep on disk.
        pub mod slave {
            package!("mesos.internal.slave");

            /// CNI plugins.
            pub mod cni {
                /// JSON that goes into and comes out of CNI plugins.
                pub mod spec {
                    package!("mesos.internal.slave.cni.spec");
                }
            }
            /// Which Docker images an agent has pulled.
            pub mod docker {
                package!("mesos.internal.slave.docker");
            }
        }
        /// Versioned variables, and the entries that hold them in the replicated log.
        pub mod state {
            package!("mesos.internal.state");
        }
    }

    pub mod csi {
        /// What a storage resource provider keeps on disk about a volume.
        pub mod state {
            package!("mesos.csi.state");
        }
    }

    /// What a storage resource provider keeps on disk.
    pub mod resource_provider {
        package!("mesos.resource_provider");

        /// Which resource providers an agent knows.
        pub mod registry {
            package!("mesos.resource_provider.registry");
        }
    }
}

pub mod csi {
    /// The container storage interface 1.1.
    pub mod v1 {
        package!("csi.v1");
    }
}

/// Docker images.
pub mod docker {
    /// References to images, and the credentials to pull them.
    pub mod spec {
        package!("docker.spec");
    }
}

include!(concat!(env!("OUT_DIR"), "/hash.rs"));
