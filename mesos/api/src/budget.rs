//! How much memory a message may take that is short on the wire.

/// The bytes that elements of lists may take in memory when a message of that length is read.
///
/// An element that is nearly empty takes two bytes on the wire and, if it is an `Offer.Operation`, five
/// thousand in memory. Without a bound one request could take all memory there is. What is meant to be
/// read stays far below this one: even the resources of a large cluster take about forty times their
/// length.
pub(crate) const fn elements_bytes_max(length: usize) -> usize {
    (16 << 20) + length.saturating_mul(64)
}
