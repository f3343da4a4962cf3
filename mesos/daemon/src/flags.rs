//! Flags that master and agent share.

use std::net::IpAddr;
use std::path::PathBuf;

use stout::flags::one_of;

stout::flags! {
    /// What and where a daemon logs.
    pub struct LoggingFlags {
        "Logging" {
            /// The least severe messages to log: INFO, WARNING or ERROR.
            #[flag(check(one_of(&["INFO", "WARNING", "ERROR"])))]
            logging_level: String = String::from("INFO"),

            /// Directory to put log files in. Without it nothing is written to disk, only to the standard
            /// error.
            log_dir: Option<PathBuf>,

            /// Accepted for the sake of existing configurations: messages are always written at once.
            logbufsecs: u32 = 0,

            /// Log nothing to the standard error.
            quiet: bool,

            /// Accepted for the sake of existing configurations: it concerns frameworks' drivers, and not
            /// daemons.
            initialize_driver_logging: bool = true,

            /// A file that something else writes the log to. It is shown by the web UI and the HTTP API
            /// in the place of the daemon's own log file.
            external_log_file: Option<PathBuf>,
        }
    }
}

stout::flags! {
    /// Where a daemon listens, and what it tells others about that. The port is the daemon's own flag,
    /// since the default is.
    pub struct NetworkFlags {
        "Network" {
            /// IP address to listen on. Without it, the daemon listens on all.
            ip: Option<IpAddr>,

            /// A program that prints the IP address to listen on. It excludes '--ip'.
            ip_discovery_command: Option<String>,

            /// IP address to tell others, where they reach the daemon at another one than it listens on.
            advertise_ip: Option<IpAddr>,

            /// Port to tell others, where they reach the daemon at another one than it listens on.
            advertise_port: Option<u16>,

            /// Name of the machine to tell others. Without it, it is looked up from the IP address.
            hostname: Option<String>,

            /// Whether to look up the name of the machine if it is not given. Otherwise the IP address
            /// stands in for it.
            hostname_lookup: bool = true,
        }
    }
}
