//! What every message of this crate can do.

use std::fmt::Debug;

use crate::json::{ReadJson, WriteJson};
use crate::protobuf::Table;

/// A message of one of our `.proto` files.
///
/// [`json`](crate::json) and [`protobuf`](crate::protobuf) read and write any of them.
pub trait Message:
    prost::Message + ReadJson + WriteJson + Clone + Debug + Default + PartialEq + Send + Sync + 'static
{
    /// The full protobuf name, such as `mesos.v1.scheduler.Call`.
    const FULL_NAME: &'static str;

    #[doc(hidden)]
    fn table() -> &'static Table;
}
