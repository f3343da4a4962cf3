//! `bytes` fields: standard base64.

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

/// Writes padding; reads with or without it, and does not mind bits set behind the last byte.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Appends the quoted base64 form.
pub(super) fn write(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = ENGINE.encode_slice(bytes, &mut out[start..]).expect("base64 takes four bytes for three");
    out.truncate(start + written);
    out.push(b'"');
}

/// The bytes that a text stands for, or `None` if it is not base64.
pub(super) fn read(text: &str) -> Option<Vec<u8>> {
    ENGINE.decode(text).ok()
}
