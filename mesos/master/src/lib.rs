//! The master daemon as a library.
