//! TLS between nodes and for their HTTP: not in this build, which lacks the feature `tls`.

/// There is no value of this type without the feature `tls`: what may be given one is given `None`.
#[derive(Debug, Clone)]
pub enum Tls {}
