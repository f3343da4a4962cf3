//! Authorizers and authenticators.
