//! One resource.

use std::collections::BTreeSet;
use std::sync::Arc;

use mesos_api::v1;
use mesos_api::v1::resource::disk_info::source::Type as SourceType;
use mesos_api::v1::resource::reservation_info::Type as ReservationType;
use mesos_api::v1::resource::{AllocationInfo, DiskInfo, ReservationInfo, RevocableInfo, SharedInfo};

use crate::kind::{Kind, Parts};
use crate::{Name, Ranges, ResourceError, Scalar, Value, format, roles, validate};

/// A hash of the kind, the allocation, and the amount of what is shared.
pub(crate) type MergeKey = (u64, Option<Arc<str>>, Option<Scalar>);

/// An amount of something with all that tells it apart from other resources of the same name: its
/// reservations, disk, provider, and whether it is revocable, shared, or allocated.
///
/// Cloning shares everything but the amount of a scalar.
#[derive(Clone)]
pub struct Resource {
    pub(crate) kind: Arc<Kind>,
    pub(crate) allocation: Option<Arc<str>>,
    pub(crate) value: Value,
    /// How many copies of a shared resource there are; 1 for any other.
    pub(crate) copies: u32,
}

impl Resource {
    /// An unreserved, unallocated resource.
    pub fn new(name: impl Into<Name>, value: Value) -> Self {
        let value_type = match &value {
            Value::Scalar(_) => v1::value::Type::Scalar,
            Value::Ranges(_) => v1::value::Type::Ranges,
            Value::Set(_) => v1::value::Type::Set,
        };
        let parts = Parts::plain(name.into(), value_type);
        Self { kind: Kind::of(parts), allocation: None, value, copies: 1 }
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.kind.name
    }

    /// How much of it there is.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The amount if it is a scalar.
    pub fn scalar(&self) -> Option<Scalar> {
        match self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The numbers if it has ranges.
    pub fn ranges(&self) -> Option<&Ranges> {
        match &self.value {
            Value::Ranges(ranges) => Some(ranges),
            _ => None,
        }
    }

    /// The items if it is a set.
    pub fn set(&self) -> Option<&BTreeSet<String>> {
        match &self.value {
            Value::Set(items) => Some(items),
            _ => None,
        }
    }

    /// Its reservations, each a refinement of the one before.
    pub fn reservations(&self) -> &[ReservationInfo] {
        &self.kind.reservations
    }

    /// The role of the last reservation.
    pub fn reservation_role(&self) -> Option<&str> {
        self.kind.reservations.last().map(ReservationInfo::role)
    }

    /// The disk it comes from or the volume it is.
    pub fn disk(&self) -> Option<&DiskInfo> {
        self.kind.disk.as_ref()
    }

    /// The kind of disk it comes from, if it is not the agent's work directory.
    pub fn disk_source(&self) -> Option<SourceType> {
        Some(self.disk()?.source.as_ref()?.r#type())
    }

    /// The identity of the persistent volume it is.
    pub fn persistence_id(&self) -> Option<&str> {
        Some(&self.disk()?.persistence.as_ref()?.id)
    }

    /// The resource provider that has it, if it is not the agent itself.
    pub fn provider_id(&self) -> Option<&str> {
        self.kind.provider_id.as_deref()
    }

    /// The role it is allocated to.
    pub fn allocation_role(&self) -> Option<&str> {
        self.allocation.as_deref()
    }

    /// How many copies of a shared resource this stands for; 1 for any other.
    pub fn copies(&self) -> u32 {
        self.copies
    }

    /// The resource itself, or a single copy of it if it is shared.
    pub fn single(&self) -> Self {
        Self { copies: 1, ..self.clone() }
    }

    /// The resource, allocated to nobody.
    pub fn unallocated(&self) -> Self {
        Self { allocation: None, ..self.clone() }
    }

    /// Whether there is nothing of it.
    pub fn is_empty(&self) -> bool {
        self.value.is_empty() || self.copies == 0
    }

    /// Whether it is reserved for any role.
    pub fn is_reserved(&self) -> bool {
        !self.kind.reservations.is_empty()
    }

    /// Whether it is reserved for no role.
    pub fn is_unreserved(&self) -> bool {
        self.kind.reservations.is_empty()
    }

    /// Whether it is reserved for exactly this role.
    pub fn is_reserved_to(&self, role: &str) -> bool {
        self.reservation_role() == Some(role)
    }

    /// Whether it may be given to the role: unreserved, or reserved for it or for a role above it.
    pub fn is_reservable_to(&self, role: &str) -> bool {
        match self.reservation_role() {
            None => true,
            Some(reserved) => reserved == role || roles::is_strict_subrole(role, reserved),
        }
    }

    /// Whether the last reservation was made at run time.
    pub fn is_dynamically_reserved(&self) -> bool {
        self.kind.reservations.last().is_some_and(|last| last.r#type() == ReservationType::Dynamic)
    }

    /// Whether it has more than one reservation.
    pub fn has_refined_reservations(&self) -> bool {
        self.kind.reservations.len() > 1
    }

    /// Whether it is a persistent volume.
    pub fn is_persistent_volume(&self) -> bool {
        self.persistence_id().is_some()
    }

    /// Whether it may be taken back at any time.
    pub fn is_revocable(&self) -> bool {
        self.kind.revocable
    }

    /// Whether several tasks may use it at once.
    pub fn is_shared(&self) -> bool {
        self.kind.shared
    }

    /// Whether it can only be used whole: a volume, or a disk that is a thing of its own.
    pub fn is_indivisible(&self) -> bool {
        self.kind.exclusive
    }

    /// Whether the agent must remember it on disk: what was reserved or created at run time and is
    /// not remembered by a resource provider.
    pub fn needs_checkpointing(&self) -> bool {
        self.provider_id().is_none() && (self.is_dynamically_reserved() || self.is_persistent_volume())
    }

    /// Whether `other` is the same thing and not more of it.
    pub fn contains(&self, other: &Resource) -> bool {
        if !self.same_kind(other) {
            return false;
        }
        if self.is_shared() {
            self.value == other.value && self.copies >= other.copies
        } else if self.kind.exclusive {
            self.value == other.value
        } else {
            self.value.contains(&other.value)
        }
    }

    /// Cuts a scalar down to a limit; false, and nothing changed, if it is over it and indivisible.
    pub fn shrink(&mut self, limit: Scalar) -> bool {
        match &mut self.value {
            Value::Scalar(scalar) if *scalar > limit => {
                if self.kind.exclusive || self.kind.shared {
                    return false;
                }
                *scalar = limit;
                true
            }
            _ => true,
        }
    }

    /// The same thing and allocation, whatever the amount.
    pub(crate) fn same_kind(&self, other: &Resource) -> bool {
        (Arc::ptr_eq(&self.kind, &other.kind) || self.kind == other.kind)
            && same_allocation(&self.allocation, &other.allocation)
    }

    /// Whether both can become one entry.
    pub(crate) fn can_add(&self, other: &Resource) -> bool {
        self.same_kind(other)
            && if self.is_shared() { self.value == other.value } else { !self.kind.exclusive }
    }

    /// Resources that can become one entry have the same key; one without can be added to no other.
    pub(crate) fn merge_key(&self) -> Option<MergeKey> {
        if self.kind.exclusive && !self.is_shared() {
            return None;
        }
        let amount = if self.is_shared() { self.scalar() } else { None };
        Some((self.kind.hash(), self.allocation.clone(), amount))
    }

    /// Whether the other can be taken away from this entry.
    pub(crate) fn can_subtract(&self, other: &Resource) -> bool {
        self.same_kind(other) && (!(self.is_shared() || self.kind.exclusive) || self.value == other.value)
    }

    pub(crate) fn add(&mut self, other: &Resource) {
        if self.is_shared() {
            self.copies = self.copies.saturating_add(other.copies);
        } else {
            self.value.add(&other.value);
        }
    }

    pub(crate) fn subtract(&mut self, other: &Resource) {
        if self.is_shared() {
            self.copies = self.copies.saturating_sub(other.copies);
        } else {
            self.value.subtract(&other.value);
        }
    }

    /// The resource with its kind changed.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = self.kind.parts().clone();
        change(&mut parts);
        Self { kind: Kind::of(parts), ..self.clone() }
    }

    /// The disk space a volume is made from.
    pub(crate) fn without_volume(&self) -> Self {
        let mut stripped = self.with(|parts| {
            parts.shared = false;
            parts.disk = parts.disk.take().filter(|disk| disk.source.is_some()).map(|disk| DiskInfo {
                persistence: None,
                volume: None,
                ..disk
            });
        });
        stripped.copies = 1;
        stripped
    }

    /// Checks a resource from outside and converts it, whichever form its reservations have.
    ///
    /// # Errors
    ///
    /// Names the rule that the resource breaks.
    pub fn from_proto(mut proto: v1::Resource) -> Result<Self, ResourceError> {
        validate::resource(&proto)?;
        format::upgrade(&mut proto);
        let value_type = proto.r#type();
        let value = match value_type {
            v1::value::Type::Scalar => {
                Value::Scalar(Scalar::from_f64(proto.scalar.map(|scalar| scalar.value).unwrap_or_default()))
            }
            v1::value::Type::Ranges => Value::Ranges(Arc::new(
                proto.ranges.unwrap_or_default().range.iter().map(|range| range.begin..=range.end).collect(),
            )),
            v1::value::Type::Set => {
                Value::Set(Arc::new(proto.set.unwrap_or_default().item.into_iter().collect()))
            }
            v1::value::Type::Text => return Err(ResourceError::invalid("Unsupported resource type")),
        };
        let parts = Parts {
            name: Name::from(proto.name.as_str()),
            value_type,
            reservations: proto.reservations,
            disk: proto.disk,
            provider_id: proto.provider_id.map(|id| id.value),
            revocable: proto.revocable.is_some(),
            shared: proto.shared.is_some(),
        };
        let allocation = proto.allocation_info.and_then(|info| info.role).map(Arc::from);
        Ok(Self { kind: Kind::of(parts), allocation, value, copies: 1 })
    }

    /// The wire form, with reservations as a list.
    pub fn to_proto(&self) -> v1::Resource {
        let parts = self.kind.parts();
        let mut proto = v1::Resource {
            name: parts.name.to_string(),
            r#type: parts.value_type as i32,
            reservations: parts.reservations.clone(),
            disk: parts.disk.clone(),
            provider_id: parts.provider_id.clone().map(|value| v1::ResourceProviderId { value }),
            revocable: parts.revocable.then(RevocableInfo::default),
            shared: parts.shared.then(SharedInfo::default),
            allocation_info: self
                .allocation
                .as_deref()
                .map(|role| AllocationInfo { role: Some(role.to_owned()) }),
            ..Default::default()
        };
        match &self.value {
            Value::Scalar(scalar) => proto.scalar = Some(v1::value::Scalar { value: scalar.as_f64() }),
            Value::Ranges(ranges) => {
                let range = ranges
                    .ranges()
                    .map(|range| v1::value::Range { begin: *range.start(), end: *range.end() })
                    .collect();
                proto.ranges = Some(v1::value::Ranges { range });
            }
            Value::Set(items) => {
                proto.set = Some(v1::value::Set { item: items.iter().cloned().collect() });
            }
        }
        proto
    }
}

/// Comparing text is seldom needed: most that is allocated together shares the name of the role.
fn same_allocation(a: &Option<Arc<str>>, b: &Option<Arc<str>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
        (a, b) => a.is_none() && b.is_none(),
    }
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.same_kind(other) && self.value == other.value && self.copies == other.copies
    }
}

impl Eq for Resource {}

impl TryFrom<v1::Resource> for Resource {
    type Error = ResourceError;
    fn try_from(proto: v1::Resource) -> Result<Self, ResourceError> {
        Self::from_proto(proto)
    }
}

impl From<&Resource> for v1::Resource {
    fn from(resource: &Resource) -> Self {
        resource.to_proto()
    }
}
