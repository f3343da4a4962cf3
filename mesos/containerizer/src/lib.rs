//! Containers: launch, isolate, measure, destroy.
