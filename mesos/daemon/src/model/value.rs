//! Attributes, labels, and messages as they are.

use mesos_api::v1::value::Type;
use mesos_api::v1::{self, value};
use serde::ser::{Serialize, SerializeMap, Serializer};
use stout::interval::IntervalSet;

/// A message by its fields, under the names they had before the v1 API.
#[derive(Clone, Copy, Debug)]
pub struct Proto<'a, M>(pub &'a M);

impl<M: mesos_api::Message> Serialize for Proto<'_, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        mesos_api::json::v0::to_value(self.0).serialize(serializer)
    }
}

/// Labels as an array.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a>(pub &'a v1::Labels);

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.labels.iter().map(Proto))
    }
}

/// The attributes of an agent by their names. Of two with one name the last counts.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(pub &'a [v1::Attribute]);

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (at, attribute) in self.0.iter().enumerate() {
            if self.0.iter().skip(at + 1).any(|later| later.name == attribute.name) {
                continue;
            }
            let (name, v1::Attribute { scalar, ranges, set, text, .. }) = (&attribute.name, attribute);
            match attribute.r#type() {
                Type::Scalar => map.serialize_entry(name, &scalar.map_or(0.0, |scalar| scalar.value))?,
                Type::Ranges => {
                    let ranges = ranges.as_ref().map(interval_set).unwrap_or_default();
                    map.serialize_entry(name, &ranges.to_string())?;
                }
                Type::Set => {
                    let items = set.as_ref().map_or(&[][..], |set| &set.item);
                    map.serialize_entry(name, &set_text(items))?;
                }
                Type::Text => map.serialize_entry(name, text.as_ref().map_or("", |text| &text.value))?,
            }
        }
        map.end()
    }
}

pub(super) fn interval_set(ranges: &value::Ranges) -> IntervalSet<u64> {
    ranges.range.iter().map(|range| range.begin..=range.end).collect()
}

/// `{a, b}`
pub(super) fn set_text(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut text = String::from("{");
    for (at, item) in items.into_iter().enumerate() {
        text.push_str(if at == 0 { "" } else { ", " });
        text.push_str(item.as_ref());
    }
    text.push('}');
    text
}
