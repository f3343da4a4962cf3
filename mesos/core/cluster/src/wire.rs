//! Small habits of the v0 wire.

/// How libprocess writes a PID that is nobody's.
pub(crate) const NO_PID: &str = "@0.0.0.0:0";

/// A PID field as agents expect it: always set, also for a scheduler without PID.
pub(crate) fn pid_or_none(pid: Option<&str>) -> String {
    pid.unwrap_or(NO_PID).to_owned()
}

/// Whether these bytes can be a UUID.
pub(crate) fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 16
}
