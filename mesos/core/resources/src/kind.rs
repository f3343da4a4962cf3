//! What a resource is, apart from how much of it there is and to whom it is allocated.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

use mesos_api::v1;
use mesos_api::v1::resource::disk_info::source::Type as SourceType;
use mesos_api::v1::resource::{DiskInfo, ReservationInfo};
use mesos_api::v1::value::Type;

use crate::Name;

/// The shared, immutable part of a resource.
///
/// Two resources of equal kind and allocation can be merged unless the kind is `exclusive`. The hash
/// makes comparing different kinds one comparison of integers.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    hash: u64,
    /// A MOUNT or BLOCK disk, a RAW disk with an identity, or a persistent volume: never merged with
    /// another one and never divided.
    pub(crate) exclusive: bool,
    parts: Parts,
}

/// What a kind is made of.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) name: Name,
    pub(crate) value_type: Type,
    pub(crate) reservations: Vec<ReservationInfo>,
    pub(crate) disk: Option<DiskInfo>,
    pub(crate) provider_id: Option<String>,
    pub(crate) revocable: bool,
    pub(crate) shared: bool,
}

impl Kind {
    /// Equal for equal kinds.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The kind with these parts. What has nothing but a name that the system knows shares its kind: most
    /// resources are such, and looking at them is then not looking at ever other memory.
    pub(crate) fn of(parts: Parts) -> Arc<Self> {
        static PLAIN: LazyLock<Vec<Arc<Kind>>> = LazyLock::new(|| {
            let scalars = [Name::CPUS, Name::MEM, Name::DISK, Name::GPUS].map(|name| (name, Type::Scalar));
            let all = scalars.into_iter().chain([(Name::PORTS, Type::Ranges)]);
            all.map(|(name, value_type)| Arc::new(Kind::new(Parts::plain(name, value_type)))).collect()
        });
        let shared = parts.is_plain().then(|| {
            PLAIN.iter().find(|kind| kind.name == parts.name && kind.value_type == parts.value_type)
        });
        match shared.flatten() {
            Some(kind) => kind.clone(),
            None => Arc::new(Self::new(parts)),
        }
    }

    fn new(parts: Parts) -> Self {
        let exclusive = parts.disk.as_ref().is_some_and(is_exclusive);
        Self { hash: parts.digest(), exclusive, parts }
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }
}

impl std::ops::Deref for Kind {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.parts.same(&other.parts)
    }
}

impl Parts {
    /// Unreserved, of the agent itself, and neither revocable nor shared.
    pub(crate) fn plain(name: Name, value_type: Type) -> Self {
        Self {
            name,
            value_type,
            reservations: Vec::new(),
            disk: None,
            provider_id: None,
            revocable: false,
            shared: false,
        }
    }

    fn is_plain(&self) -> bool {
        self.reservations.is_empty()
            && self.disk.is_none()
            && self.provider_id.is_none()
            && !self.revocable
            && !self.shared
    }

    /// A hash over what [`Parts::same`] compares.
    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.name.hash(&mut hasher);
        (self.value_type as i32).hash(&mut hasher);
        for reservation in &self.reservations {
            (&reservation.role, reservation.r#type, &reservation.principal).hash(&mut hasher);
            reservation.labels.as_ref().map(labels_digest).hash(&mut hasher);
        }
        if let Some(disk) = &self.disk {
            disk.persistence.as_ref().map(|persistence| &persistence.id).hash(&mut hasher);
            if let Some(source) = &disk.source {
                (source.r#type, &source.path, &source.mount, &source.id, &source.profile).hash(&mut hasher);
                source.metadata.as_ref().map(labels_digest).hash(&mut hasher);
            }
        }
        (&self.provider_id, self.revocable, self.shared).hash(&mut hasher);
        hasher.finish()
    }

    fn same(&self, other: &Parts) -> bool {
        self.name == other.name
            && self.value_type == other.value_type
            && self.revocable == other.revocable
            && self.shared == other.shared
            && self.provider_id == other.provider_id
            && same_list(&self.reservations, &other.reservations, same_reservation)
            && same_option(&self.disk, &other.disk, same_disk)
    }
}

fn is_exclusive(disk: &DiskInfo) -> bool {
    disk.persistence.is_some()
        || disk.source.as_ref().is_some_and(|source| match source.r#type() {
            SourceType::Mount | SourceType::Block => true,
            SourceType::Raw => source.id.is_some(),
            SourceType::Path | SourceType::Unknown => false,
        })
}

/// Where a volume is mounted and who made it say how it is used, not what it is: they do not count.
fn same_disk(a: &DiskInfo, b: &DiskInfo) -> bool {
    same_option(&a.persistence, &b.persistence, |a, b| a.id == b.id)
        && same_option(&a.source, &b.source, |a, b| {
            a.r#type == b.r#type
                && a.path == b.path
                && a.mount == b.mount
                && a.id == b.id
                && a.profile == b.profile
                && same_option(&a.metadata, &b.metadata, same_labels)
        })
}

pub(crate) fn same_reservation(a: &ReservationInfo, b: &ReservationInfo) -> bool {
    a.r#type == b.r#type
        && a.role == b.role
        && a.principal == b.principal
        && same_option(&a.labels, &b.labels, same_labels)
}

/// The same for the same labels in any order.
fn labels_digest(labels: &v1::Labels) -> u64 {
    let one = |label: &v1::Label| {
        let mut hasher = DefaultHasher::new();
        (&label.key, &label.value).hash(&mut hasher);
        hasher.finish()
    };
    labels.labels.iter().map(one).fold(0, u64::wrapping_add)
}

/// Labels are a bag: their order does not count.
pub(crate) fn same_labels(a: &v1::Labels, b: &v1::Labels) -> bool {
    if a == b {
        return true;
    }
    let sorted = |labels: &v1::Labels| {
        let mut all: Vec<_> =
            labels.labels.iter().map(|label| (label.key.clone(), label.value.clone())).collect();
        all.sort_unstable();
        all
    };
    a.labels.len() == b.labels.len() && sorted(a) == sorted(b)
}

fn same_option<T>(a: &Option<T>, b: &Option<T>, same: impl Fn(&T, &T) -> bool) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => same(a, b),
        _ => false,
    }
}

fn same_list<T>(a: &[T], b: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}
