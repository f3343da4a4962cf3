//! Resources as one object.

use std::collections::{BTreeMap, BTreeSet};

use mesos_api::v1;
use mesos_api::v1::value::Type;
use mesos_resources::{Scalar, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};
use stout::interval::IntervalSet;

use super::value::{Proto, interval_set, set_text};

/// Scalars that are written even where there is nothing of them.
const ALWAYS: [&str; 4] = ["cpus", "gpus", "mem", "disk"];

/// Resources summed up by name: numbers for scalars, text for ranges and sets. What is revocable
/// is counted apart, as `cpus_revocable` and the like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    /// In the order of [`ALWAYS`].
    always: [Scalar; 4],
    others: BTreeMap<String, Amount>,
}

#[derive(Clone, Debug, PartialEq)]
enum Amount {
    Scalar(Scalar),
    Ranges(IntervalSet<u64>),
    Set(BTreeSet<String>),
}

impl Resources {
    fn add(&mut self, name: &str, revocable: bool, amount: Amount) {
        if let (false, Amount::Scalar(scalar), Some(at)) =
            (revocable, &amount, ALWAYS.iter().position(|always| *always == name))
        {
            self.always[at] += *scalar;
            return;
        }
        let name = if revocable { format!("{name}_revocable") } else { name.to_owned() };
        match (self.others.get_mut(&name), amount) {
            (Some(Amount::Scalar(sum)), Amount::Scalar(scalar)) => *sum += scalar,
            (Some(Amount::Ranges(sum)), Amount::Ranges(ranges)) => *sum = sum.union(&ranges),
            (Some(Amount::Set(sum)), Amount::Set(items)) => sum.extend(items),
            // The same name with another kind of value is not valid: the first one stays.
            (Some(_), _) => {}
            (None, amount) => {
                self.others.insert(name, amount);
            }
        }
    }
}

impl FromIterator<Resources> for Resources {
    fn from_iter<I: IntoIterator<Item = Resources>>(parts: I) -> Resources {
        let mut sum = Resources::default();
        for part in parts {
            sum.always.iter_mut().zip(part.always).for_each(|(sum, part)| *sum += part);
            part.others.into_iter().for_each(|(name, amount)| sum.add(&name, false, amount));
        }
        sum
    }
}

impl From<&[v1::Resource]> for Resources {
    fn from(protos: &[v1::Resource]) -> Resources {
        let mut sum = Resources::default();
        for proto in protos {
            let amount = match proto.r#type() {
                Type::Scalar => proto.scalar.map(|scalar| Amount::Scalar(Scalar::from_f64(scalar.value))),
                Type::Ranges => proto.ranges.as_ref().map(|ranges| Amount::Ranges(interval_set(ranges))),
                Type::Set => proto.set.as_ref().map(|set| Amount::Set(set.item.iter().cloned().collect())),
                Type::Text => None,
            };
            if let Some(amount) = amount {
                sum.add(&proto.name, proto.revocable.is_some(), amount);
            }
        }
        sum
    }
}

impl From<&mesos_resources::Resources> for Resources {
    fn from(resources: &mesos_resources::Resources) -> Resources {
        let mut sum = Resources::default();
        for resource in resources.iter() {
            let amount = match resource.value() {
                Value::Scalar(scalar) => Amount::Scalar(*scalar),
                Value::Ranges(ranges) => Amount::Ranges((**ranges).clone()),
                Value::Set(items) => Amount::Set((**items).clone()),
            };
            sum.add(resource.name().as_str(), resource.is_revocable(), amount);
        }
        sum
    }
}

impl Serialize for Resources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(ALWAYS.len() + self.others.len()))?;
        for (name, scalar) in ALWAYS.iter().zip(self.always) {
            map.serialize_entry(name, &scalar.as_f64())?;
        }
        for (name, amount) in &self.others {
            match amount {
                Amount::Scalar(scalar) => map.serialize_entry(name, &scalar.as_f64())?,
                Amount::Ranges(ranges) => map.serialize_entry(name, &ranges.to_string())?,
                Amount::Set(items) => map.serialize_entry(name, &set_text(items))?,
            }
        }
        map.end()
    }
}

/// Resources one by one, as `unreserved_resources_full` and the like have them: with the older
/// form of a reservation beside the list of reservations, where it can say the same.
#[derive(Clone, Debug)]
pub struct ResourcesFull(Vec<v1::Resource>);

impl From<&mesos_resources::Resources> for ResourcesFull {
    fn from(resources: &mesos_resources::Resources) -> ResourcesFull {
        ResourcesFull::from(resources.to_protos())
    }
}

impl From<Vec<v1::Resource>> for ResourcesFull {
    fn from(mut protos: Vec<v1::Resource>) -> ResourcesFull {
        protos.iter_mut().for_each(mesos_resources::format::endpoint);
        ResourcesFull(protos)
    }
}

impl Serialize for ResourcesFull {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Proto))
    }
}
