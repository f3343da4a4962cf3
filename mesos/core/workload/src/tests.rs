//! The rules about launching, killing, ending and recovering, as lists of inputs and effects.

mod ending;
mod killing;
mod launching;
mod properties;
mod recovering;
mod reservations;
mod world;
