//! Sorting only as far as somebody looks.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What decides the order of siblings: the lower share first, then who was allocated to less often, then
/// the place in the list of siblings, which is by name.
pub(crate) type Rank = (u64, u64, u32);

/// Makes a rank; shares are never negative, so their bits compare as they do.
pub(crate) fn rank(share: f64, allocations: u64, place: usize) -> Rank {
    (share.max(0.0).to_bits(), allocations, u32::try_from(place).unwrap_or(u32::MAX))
}

/// Siblings in order. Most runs look at the first one or two and then the order is stale, so the rest
/// stays a heap.
#[derive(Debug, Default)]
pub(crate) struct Order {
    sorted: Vec<u32>,
    rest: BinaryHeap<Reverse<Rank>>,
}

impl Order {
    /// Orders siblings by rank.
    pub(crate) fn new(ranks: impl Iterator<Item = Rank>) -> Self {
        Self { sorted: Vec::new(), rest: ranks.map(Reverse).collect::<Vec<_>>().into() }
    }

    /// The place of the sibling that comes at `position`.
    pub(crate) fn get(&mut self, position: usize) -> Option<usize> {
        while self.sorted.len() <= position {
            let Reverse((_, _, place)) = self.rest.pop()?;
            self.sorted.push(place);
        }
        self.sorted.get(position).map(|place| *place as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_decide_then_allocations_then_names() {
        let ranks = [rank(0.5, 0, 0), rank(0.1, 2, 1), rank(0.1, 1, 2), rank(0.0, 9, 3), rank(0.1, 1, 4)];
        let mut order = Order::new(ranks.into_iter());
        let places: Vec<_> = (0..6).map_while(|position| order.get(position)).collect();
        assert_eq!(places, [3, 2, 4, 1, 0]);
        assert_eq!(order.get(1), Some(2));
        assert_eq!(order.get(5), None);
    }
}
