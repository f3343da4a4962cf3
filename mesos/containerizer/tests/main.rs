//! Placeholder until the first test is here.

fn main() {}
