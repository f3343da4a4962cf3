//! Small programs on libprocess and on the scheduler and executor libraries.
