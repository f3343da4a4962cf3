//! Batched writes to the registry.
