//! Resources as text for people.

use std::fmt;

use mesos_api::v1;
use mesos_api::v1::resource::disk_info::Source;
use mesos_api::v1::resource::disk_info::source::Type as SourceType;
use mesos_api::v1::resource::{DiskInfo, ReservationInfo};

use crate::{Resource, Resources};

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("{}");
        }
        for (at, resource) in self.iter().enumerate() {
            write!(f, "{}{resource}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())?;
        if let Some(role) = self.allocation_role() {
            write!(f, "(allocated: {role})")?;
        }
        write_reservations(f, self.reservations())?;
        if let Some(disk) = self.disk() {
            write!(f, "[")?;
            write_disk(f, disk)?;
            write!(f, "]")?;
        }
        if self.is_revocable() {
            write!(f, "{{REV}}")?;
        }
        if self.is_shared() {
            write!(f, "<SHARED>")?;
        }
        write!(f, ":{}", self.value())?;
        if self.is_shared() {
            write!(f, "<{}>", self.copies())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A resource from outside that may be invalid, for the message that says so.
pub(crate) struct ProtoText<'a>(pub(crate) &'a v1::Resource);

impl fmt::Display for ProtoText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proto = self.0;
        write!(f, "{}", proto.name)?;
        #[allow(deprecated)] // It may be in the older form.
        if let Some(role) = proto.role.as_deref().filter(|role| *role != "*") {
            write!(f, "({role})")?;
        }
        write_reservations(f, &proto.reservations)?;
        if let Some(disk) = &proto.disk {
            write!(f, "[")?;
            write_disk(f, disk)?;
            write!(f, "]")?;
        }
        write!(f, ":")?;
        if let Some(scalar) = &proto.scalar {
            write!(f, "{}", scalar.value)?;
        }
        if let Some(ranges) = &proto.ranges {
            let text: Vec<_> =
                ranges.range.iter().map(|range| format!("{}-{}", range.begin, range.end)).collect();
            write!(f, "[{}]", text.join(", "))?;
        }
        if let Some(set) = &proto.set {
            write!(f, "{{{}}}", set.item.join(", "))?;
        }
        Ok(())
    }
}

fn write_reservations(f: &mut fmt::Formatter<'_>, reservations: &[ReservationInfo]) -> fmt::Result {
    if reservations.is_empty() {
        return Ok(());
    }
    write!(f, "(reservations: [")?;
    for (at, reservation) in reservations.iter().enumerate() {
        let separator = if at == 0 { "" } else { "," };
        write!(f, "{separator}({},{}", reservation.r#type().as_str_name(), reservation.role())?;
        if let Some(principal) = &reservation.principal {
            write!(f, ",{principal}")?;
        }
        if let Some(labels) = &reservation.labels {
            let text: Vec<_> = labels
                .labels
                .iter()
                .map(|label| match &label.value {
                    Some(value) => format!("{}: {value}", label.key),
                    None => label.key.clone(),
                })
                .collect();
            write!(f, ",{{{}}}", text.join(", "))?;
        }
        write!(f, ")")?;
    }
    write!(f, "])")
}

fn write_disk(f: &mut fmt::Formatter<'_>, disk: &DiskInfo) -> fmt::Result {
    if let Some(source) = &disk.source {
        write_source(f, source)?;
    }
    if let Some(persistence) = &disk.persistence {
        write!(f, "{}{}", if disk.source.is_some() { "," } else { "" }, persistence.id)?;
    }
    let Some(volume) = &disk.volume else { return Ok(()) };
    write!(f, ":")?;
    if let Some(host_path) = &volume.host_path {
        write!(f, "{host_path}:")?;
    }
    write!(f, "{}", volume.container_path)?;
    match (&volume.host_path, volume.mode()) {
        (Some(_), v1::volume::Mode::Rw) => write!(f, ":rw"),
        (Some(_), v1::volume::Mode::Ro) => write!(f, ":ro"),
        (None, _) => Ok(()),
    }
}

fn write_source(f: &mut fmt::Formatter<'_>, source: &Source) -> fmt::Result {
    write!(f, "{}", source.r#type().as_str_name())?;
    if source.id.is_some() || source.profile.is_some() {
        write!(f, "({},{})", source.id(), source.profile())?;
    }
    let root = match source.r#type() {
        SourceType::Mount => source.mount.as_ref().and_then(|mount| mount.root.as_ref()),
        SourceType::Path => source.path.as_ref().and_then(|path| path.root.as_ref()),
        _ => None,
    };
    root.map_or(Ok(()), |root| write!(f, ":{root}"))
}
