//! One pair of functions for each message, one pair of name tables for each enum.

#![allow(clippy::match_single_binding)] // of messages without fields

use super::error::Failure;
use super::{Dialect, EnumNames, ReadJson, Reader, WriteJson, Writer};

include!(concat!(env!("OUT_DIR"), "/json.rs"));
