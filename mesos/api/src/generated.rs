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
    pub mod v0 {
        package!("mesos");
    }

    pub mod v1 {
        package!("mesos.v1");

        pub mod agent {
            package!("mesos.v1.agent");
        }
        pub mod allocator {
            package!("mesos.v1.allocator");
        }
        pub mod executor {
            package!("mesos.v1.executor");
        }
        pub mod maintenance {
            package!("mesos.v1.maintenance");
        }
        pub mod master {
            package!("mesos.v1.master");
        }
        pub mod quota {
            package!("mesos.v1.quota");
        }
        pub mod resource_provider {
            package!("mesos.v1.resource_provider");
        }
        pub mod scheduler {
            package!("mesos.v1.scheduler");
        }
    }

    pub mod internal {
        package!("mesos.internal");

        pub mod log {
            package!("mesos.internal.log");
        }
        pub mod slave {
            package!("mesos.internal.slave");

            pub mod cni {
                pub mod spec {
                    package!("mesos.internal.slave.cni.spec");
                }
            }
            pub mod docker {
                package!("mesos.internal.slave.docker");
            }
        }
        pub mod state {
            package!("mesos.internal.state");
        }
    }

    pub mod csi {
        pub mod state {
            package!("mesos.csi.state");
        }
    }

    pub mod resource_provider {
        package!("mesos.resource_provider");

        pub mod registry {
            package!("mesos.resource_provider.registry");
        }
    }
}

pub mod csi {
    pub mod v1 {
        package!("csi.v1");
    }
}

pub mod docker {
    pub mod spec {
        package!("docker.spec");
    }
}

include!(concat!(env!("OUT_DIR"), "/hash.rs"));
