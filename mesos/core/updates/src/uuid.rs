use std::fmt;

/// The identity of one status update: 16 bytes, chosen by whoever made the update.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

/// The bytes that were to be a UUID are not 16.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a uuid has 16 bytes, not {found}")]
pub struct BadUuid {
    /// How many bytes there were.
    pub found: usize,
}

impl Uuid {
    /// The UUID that a message's `bytes` field carries.
    ///
    /// # Errors
    ///
    /// When there are not exactly 16 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, BadUuid> {
        bytes.try_into().map(Uuid).map_err(|_| BadUuid { found: bytes.len() })
    }

    /// The bytes as a message's field holds them.
    pub fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_usual_36_characters() {
        let uuid = Uuid([0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(uuid.to_string(), "01234567-89ab-cdef-0001-020304050607");
    }

    #[test]
    fn other_lengths_are_refused() {
        assert_eq!(Uuid::from_slice(&[0; 15]), Err(BadUuid { found: 15 }));
        assert_eq!(Uuid::from_slice(&[3; 16]), Ok(Uuid([3; 16])));
    }
}
