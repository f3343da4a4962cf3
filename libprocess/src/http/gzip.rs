//! Packing and unpacking of bodies.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use tokio::task::spawn_blocking;

/// Bodies as long as this are packed when the client takes it.
pub(super) const PACKED_BYTES_MIN: usize = 1024;

/// Longer bodies are packed and unpacked away from the task of the connection.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// Why a body cannot be unpacked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UnpackError {
    /// It is not gzip, or ends too soon.
    Malformed,
    /// There is more in it than the bound allows.
    TooLong,
}

/// Packs a body, or says that it cannot be done.
pub(super) async fn pack(body: Bytes) -> Option<Bytes> {
    if body.len() <= INLINE_BYTES_MAX {
        return pack_now(&body);
    }
    spawn_blocking(move || pack_now(&body)).await.ok()?
}

/// Unpacks a body that has at most `bytes_max` bytes in it.
pub(super) async fn unpack(body: Bytes, bytes_max: usize) -> Result<Bytes, UnpackError> {
    if body.is_empty() {
        return Ok(body);
    }
    // What it unpacks to cannot be known, only that short input cannot take long.
    if body.len() <= INLINE_BYTES_MAX / 64 {
        return unpack_now(&body, bytes_max);
    }
    spawn_blocking(move || unpack_now(&body, bytes_max)).await.unwrap_or(Err(UnpackError::Malformed))
}

pub(super) fn pack_now(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

pub(super) fn unpack_now(body: &[u8], bytes_max: usize) -> Result<Bytes, UnpackError> {
    let mut unpacked = Vec::new();
    let bound = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(body).take(bound).read_to_end(&mut unpacked);
    if unpacked.len() > bytes_max {
        return Err(UnpackError::TooLong);
    }
    read.map(|_| unpacked.into()).map_err(|_| UnpackError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_packed_unpacks_to_the_same() {
        for length in [1, 1024, 100_000] {
            let body = Bytes::from("ab".repeat(length));
            let packed = pack(body.clone()).await.unwrap();
            assert_eq!(unpack(packed, body.len()).await, Ok(body));
        }
    }

    #[tokio::test]
    async fn bomb_stops_at_the_bound() {
        let packed = pack(Bytes::from(vec![0; 10 << 20])).await.unwrap();
        assert!(packed.len() < 1 << 20);
        assert_eq!(unpack(packed, 1 << 20).await, Err(UnpackError::TooLong));
    }

    #[tokio::test]
    async fn truncated_body_is_malformed() {
        let packed = pack(Bytes::from(vec![7; 5000])).await.unwrap();
        let truncated = packed.slice(..packed.len() - 4);
        assert_eq!(unpack(truncated, 1 << 20).await, Err(UnpackError::Malformed));
        assert_eq!(unpack(Bytes::from("hello"), 1 << 20).await, Err(UnpackError::Malformed));
    }
}
