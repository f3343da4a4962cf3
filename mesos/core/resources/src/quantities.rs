//! Bare amounts by resource name.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};

use crate::{Name, Scalar};

/// Scalar amounts by name, without regard to who owns them: the currency of quota and fair shares.
///
/// An amount of zero is the same as no amount. The four well-known names have a fixed place, so
/// arithmetic on usual clusters allocates nothing. The order between collections means nothing; it is there
/// for sorting.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantities {
    /// In the order of `KNOWN`.
    known: [Scalar; 4],
    /// Sorted by name, no zero among them.
    others: Vec<(Name, Scalar)>,
}

const KNOWN: [Name; 4] = [Name::CPUS, Name::DISK, Name::GPUS, Name::MEM];

fn place(name: &str) -> Option<usize> {
    match name {
        "cpus" => Some(0),
        "disk" => Some(1),
        "gpus" => Some(2),
        "mem" => Some(3),
        _ => None,
    }
}

impl Quantities {
    /// Nothing of anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much of `name` there is.
    pub fn get(&self, name: &str) -> Scalar {
        match place(name) {
            Some(at) => self.known[at],
            None => match self.find(name) {
                Ok(at) => self.others[at].1,
                Err(_) => Scalar::ZERO,
            },
        }
    }

    /// Makes the amount of `name` this one.
    pub fn set(&mut self, name: &Name, amount: Scalar) {
        if let Some(at) = place(name) {
            self.known[at] = amount;
            return;
        }
        match (self.find(name), amount.is_zero()) {
            (Ok(at), true) => {
                self.others.remove(at);
            }
            (Ok(at), false) => self.others[at].1 = amount,
            (Err(_), true) => {}
            (Err(at), false) => self.others.insert(at, (name.clone(), amount)),
        }
    }

    /// Adds to the amount of `name`.
    pub fn increase(&mut self, name: &Name, amount: Scalar) {
        match place(name) {
            Some(at) => self.known[at] += amount,
            None => self.set(name, self.get(name) + amount),
        }
    }

    /// Takes away from the amount of `name`, down to nothing.
    pub fn decrease(&mut self, name: &Name, amount: Scalar) {
        match place(name) {
            Some(at) => self.known[at] -= amount,
            None => self.set(name, self.get(name) - amount),
        }
    }

    /// Whether every amount is zero.
    pub fn is_empty(&self) -> bool {
        self.others.is_empty() && self.known.iter().all(|amount| amount.is_zero())
    }

    /// Whether there is at least as much of everything as in `other`.
    pub fn contains(&self, other: &Quantities) -> bool {
        self.known.iter().zip(&other.known).all(|(ours, theirs)| ours >= theirs)
            && other.others.iter().all(|(name, amount)| self.get(name) >= *amount)
    }

    /// The largest part of a total that these amounts are, over all names of the total.
    pub fn dominant_share(&self, total: &Quantities) -> f64 {
        let part = |ours: Scalar, all: Scalar| match all.is_zero() {
            true => 0.0,
            false => ours.thousandths() as f64 / all.thousandths() as f64,
        };
        let known = self.known.iter().zip(total.known).map(|(ours, all)| part(*ours, all));
        let others = total.others.iter().map(|(name, all)| part(self.get(name), *all));
        known.chain(others).fold(0.0, f64::max)
    }

    /// The amounts that are not zero, the well-known names first.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, Scalar)> + '_ {
        KNOWN_NAMES
            .iter()
            .zip(self.known)
            .filter(|(_, amount)| !amount.is_zero())
            .chain(self.others.iter().map(|(name, amount)| (name, *amount)))
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.others.binary_search_by(|(ours, _)| ours.as_str().cmp(name))
    }
}

static KNOWN_NAMES: [Name; 4] = KNOWN;

impl AddAssign<&Quantities> for Quantities {
    fn add_assign(&mut self, other: &Quantities) {
        for (ours, theirs) in self.known.iter_mut().zip(other.known) {
            *ours += theirs;
        }
        for (name, amount) in &other.others {
            self.increase(name, *amount);
        }
    }
}

impl SubAssign<&Quantities> for Quantities {
    fn sub_assign(&mut self, other: &Quantities) {
        for (ours, theirs) in self.known.iter_mut().zip(other.known) {
            *ours -= theirs;
        }
        for (name, amount) in &other.others {
            self.decrease(name, *amount);
        }
    }
}

impl Add<&Quantities> for Quantities {
    type Output = Quantities;
    fn add(mut self, other: &Quantities) -> Quantities {
        self += other;
        self
    }
}

impl Sub<&Quantities> for Quantities {
    type Output = Quantities;
    fn sub(mut self, other: &Quantities) -> Quantities {
        self -= other;
        self
    }
}

impl<N: Into<Name>> FromIterator<(N, Scalar)> for Quantities {
    fn from_iter<I: IntoIterator<Item = (N, Scalar)>>(amounts: I) -> Self {
        let mut all = Self::new();
        for (name, amount) in amounts {
            all.increase(&name.into(), amount);
        }
        all
    }
}

impl fmt::Display for Quantities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("{}");
        }
        for (at, (name, amount)) in self.iter().enumerate() {
            write!(f, "{}{name}:{amount}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Quantities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn q(amounts: &[(&str, f64)]) -> Quantities {
        amounts.iter().map(|&(name, amount)| (name, Scalar::from_f64(amount))).collect()
    }

    #[test]
    fn zero_is_the_same_as_nothing() {
        assert_eq!(q(&[("cpus", 0.0), ("licence", 0.0)]), Quantities::new());
        assert!((q(&[("licence", 2.0)]) - &q(&[("licence", 2.0)])).is_empty());
    }

    #[test]
    fn amounts_add_and_subtract_by_name() {
        let sum = q(&[("cpus", 1.0), ("b", 1.0)]) + &q(&[("mem", 2.0), ("a", 3.0), ("b", 1.0)]);
        assert_eq!(sum.to_string(), "cpus:1; mem:2; a:3; b:2");
        assert_eq!((sum - &q(&[("mem", 5.0), ("b", 1.5)])).to_string(), "cpus:1; a:3; b:0.5");
    }

    #[test]
    fn the_dominant_share_is_of_what_the_total_has() {
        let total = q(&[("cpus", 10.0), ("mem", 100.0), ("a", 2.0)]);
        assert_eq!(q(&[("cpus", 1.0), ("mem", 20.0), ("gpus", 5.0)]).dominant_share(&total), 0.2);
        assert_eq!(q(&[("a", 1.0)]).dominant_share(&total), 0.5);
        assert_eq!(q(&[("cpus", 1.0)]).dominant_share(&q(&[])), 0.0);
    }

    #[test]
    fn containment_is_for_every_name() {
        assert!(q(&[("cpus", 2.0), ("a", 1.0)]).contains(&q(&[("cpus", 1.0)])));
        assert!(!q(&[("cpus", 2.0)]).contains(&q(&[("cpus", 1.0), ("a", 0.5)])));
        assert!(q(&[]).contains(&q(&[])));
    }
}
