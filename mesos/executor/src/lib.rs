//! The executor library and the bundled executors.
