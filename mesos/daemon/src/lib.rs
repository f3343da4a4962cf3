//! What master and agent share.
