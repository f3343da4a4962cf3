use mesos_updates::Uuid;

/// Makes identities from a seed, so that the same inputs give the same outputs.
///
/// A xoshiro256++ generator: identities must differ, they need not be secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ids([u64; 4]);

impl Ids {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let mut state = [0; 4];
        for (word, bytes) in state.iter_mut().zip(seed.chunks_exact(8)) {
            *word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        // The generator stands still at zero.
        state[0] |= 1;
        Ids(state)
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A random UUID (version 4).
    pub(crate) fn uuid(&mut self) -> Uuid {
        let [high, low] = [self.next(), self.next()];
        let bits = u128::from(high) << 64 | u128::from(low);
        let marked = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
        Uuid(marked.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_same_seed_makes_the_same_identities() {
        let (mut a, mut b) = (Ids::new([7; 32]), Ids::new([7; 32]));
        assert_eq!(a.uuid(), b.uuid());
        assert_ne!(Ids::new([8; 32]).uuid(), Ids::new([7; 32]).uuid());
    }

    #[test]
    fn identities_are_random_uuids_and_differ() {
        let mut ids = Ids::new([0; 32]);
        let all: HashSet<String> = (0..1000).map(|_| ids.uuid().to_string()).collect();
        assert_eq!(all.len(), 1000);
        assert!(all.iter().all(|id| id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19])));
    }
}
