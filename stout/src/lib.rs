//! What std lacks: sizes and durations as text, flags, intervals, versions, durable files.
//!
//! - [`Bytes`] and [`duration`] read and write `32MB` and `1.5hrs`;
//! - [`Time`] is a point in time that a test can choose;
//! - [`interval`] holds sets of integers as ranges, [`Version`] compares semantic versions;
//! - [`fs`] writes files that survive a crash;
//! - [`proc`] shows the processes of this machine;
//! - [`mod@flags`] reads a program's flags, each declared once;
//! - [`WireMessage`] is what a message must be to travel between processes.
//!
//! ```
//! use stout::{Bytes, duration, interval::IntervalSet};
//!
//! let memory: Bytes = "1GB".parse()?;
//! let timeout = duration::parse("1.5mins")?;
//! let ports: IntervalSet = "[31000-32000]".parse()?;
//! assert_eq!((memory / 2).to_string(), "512MB");
//! assert_eq!(duration::format(timeout), "90secs");
//! assert_eq!(ports.count(), 1001);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod bytes;
pub mod duration;
pub mod flags;
pub mod fs;
pub mod interval;
mod os;
#[cfg(target_os = "linux")]
pub mod proc;
mod time;
mod version;
mod wire;

pub use bytes::{Bytes, ParseBytesError};
pub use time::Time;
pub use version::{ParseVersionError, Version};
pub use wire::WireMessage;
