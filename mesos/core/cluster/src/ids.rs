//! Names and numbers that the model makes.

use mesos_api::v1::{AgentId, FrameworkId, OfferId};

use crate::connection::Token;

/// Makes ids: counted ones with the master's id in front, and UUIDs from a seed.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    master: String,
    framework: u64,
    agent: u64,
    offer: u64,
    token: u64,
    random: u64,
}

impl Ids {
    pub(crate) fn new(master: String, seed: u64) -> Self {
        Self { master, framework: 0, agent: 0, offer: 0, token: 0, random: seed }
    }

    pub(crate) fn framework(&mut self) -> FrameworkId {
        FrameworkId { value: format!("{}-{:04}", self.master, next(&mut self.framework)) }
    }

    pub(crate) fn agent(&mut self) -> AgentId {
        AgentId { value: format!("{}-S{}", self.master, next(&mut self.agent)) }
    }

    /// Offers and inverse offers are counted together: their ids never collide.
    pub(crate) fn offer(&mut self) -> OfferId {
        OfferId { value: format!("{}-O{}", self.master, next(&mut self.offer)) }
    }

    pub(crate) fn token(&mut self) -> Token {
        Token(next(&mut self.token))
    }

    /// A random (version 4) UUID.
    pub(crate) fn uuid(&mut self) -> Vec<u8> {
        let mut bits = u128::from(self.random()) << 64 | u128::from(self.random());
        bits = bits & !(0xf << 76) | 4 << 76;
        bits = bits & !(0x3 << 62) | 2 << 62;
        bits.to_be_bytes().to_vec()
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn next(counter: &mut u64) -> u64 {
    let value = *counter;
    *counter += 1;
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_mesos() {
        let mut ids = Ids::new("m".into(), 0);
        assert_eq!(ids.framework().value, "m-0000");
        assert_eq!(ids.framework().value, "m-0001");
        assert_eq!(ids.agent().value, "m-S0");
        assert_eq!(ids.offer().value, "m-O0");
    }

    #[test]
    fn uuids_are_of_version_4_and_follow_from_the_seed() {
        let uuid = Ids::new("m".into(), 7).uuid();
        assert_eq!(uuid.len(), 16);
        assert_eq!((uuid[6] >> 4, uuid[8] >> 6), (4, 2));
        assert_eq!(uuid, Ids::new("m".into(), 7).uuid());
        assert_ne!(uuid, Ids::new("m".into(), 8).uuid());
    }
}
