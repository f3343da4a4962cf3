//! Whether an agent may start with another configuration and stay the same agent.

use std::collections::BTreeSet;

use mesos_api::json;
use mesos_api::v1::{AgentInfo, Attribute, Resource as ResourceProto, value};
use mesos_resources::{Resource, Resources};
use stout::interval::IntervalSet;

/// `--reconfiguration_policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// Nothing may change.
    #[default]
    Equal,
    /// Resources and attributes may be added, and ranges may grow.
    Additive,
}

impl std::str::FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "equal" => Ok(Policy::Equal),
            "additive" => Ok(Policy::Additive),
            other => Err(format!("unknown reconfiguration policy '{other}', expected 'equal' or 'additive'")),
        }
    }
}

/// What is not allowed to change, as the operator reads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Incompatible(pub String);

/// Compares the agent that was with the one that starts; the id is that of the old one already.
///
/// # Errors
///
/// The first change that `policy` does not allow.
pub fn check(policy: Policy, previous: &AgentInfo, current: &AgentInfo) -> Result<(), Incompatible> {
    match policy {
        Policy::Equal if same(previous, current) => Ok(()),
        Policy::Equal => {
            const LINE: &str = "\n------------------------------------------------------------";
            Err(Incompatible(format!(
                "Incompatible agent info detected. \n{LINE}\nOld agent info:\n{}\n{LINE}\nNew agent info:\n{}\n{LINE}",
                json::to_string(previous),
                json::to_string(current),
            )))
        }
        Policy::Additive => additive(previous, current),
    }
}

/// Whether two descriptions mean the same: resources in any order and split in any way.
pub fn same(a: &AgentInfo, b: &AgentInfo) -> bool {
    fn sorted(attributes: &[Attribute]) -> Vec<String> {
        let mut texts: Vec<String> = attributes.iter().map(json::to_string).collect();
        texts.sort_unstable();
        texts
    }
    a.hostname == b.hostname
        && a.port.unwrap_or(5051) == b.port.unwrap_or(5051)
        && a.id == b.id
        && a.domain == b.domain
        && a.checkpoint.unwrap_or(false) == b.checkpoint.unwrap_or(false)
        && resources(a) == resources(b)
        && sorted(&a.attributes) == sorted(&b.attributes)
}

fn resources(info: &AgentInfo) -> Resources {
    crate::resources::collect(&info.resources)
}

fn refused<T>(text: String) -> Result<T, Incompatible> {
    Err(Incompatible(format!("Configuration change not permitted under `additive` policy: {text}")))
}

fn additive(previous: &AgentInfo, current: &AgentInfo) -> Result<(), Incompatible> {
    if previous.hostname != current.hostname {
        return refused(format!("Hostname changed from {} to {}", previous.hostname, current.hostname));
    }
    let ports = [previous, current].map(|info| info.port.unwrap_or(5051));
    if ports[0] != ports[1] {
        return refused(format!("Port changed from {} to {}", ports[0], ports[1]));
    }
    if let Some(domain) = &previous.domain
        && current.domain.as_ref() != Some(domain)
    {
        let now = current.domain.as_ref().map_or_else(|| "none".to_owned(), json::to_string);
        return refused(format!("Domain changed from {} to {now}", json::to_string(domain)));
    }
    let now = resources(current);
    for resource in resources(previous).iter() {
        additive_resource(resource, &now)?;
    }
    for attribute in &previous.attributes {
        additive_attribute(attribute, &current.attributes)?;
    }
    Ok(())
}

fn additive_resource(old: &Resource, current: &Resources) -> Result<(), Incompatible> {
    let Some(new) = current.iter().find(|new| kind(new) == kind(old)) else {
        return refused(format!("Resource not found: {old}"));
    };
    if let (Some(before), Some(after)) = (old.scalar(), new.scalar()) {
        if before > after {
            return refused(format!(
                "Value of scalar resource '{}' decreased from {before} to {after}",
                old.name()
            ));
        }
        return Ok(());
    }
    if !new.contains(old) {
        let what = if old.ranges().is_some() { "range" } else { "set" };
        return refused(format!(
            "Previous value of {what} resource '{}' ({old}) not included in current ({new})",
            old.name()
        ));
    }
    Ok(())
}

/// What a resource is, whatever its amount.
fn kind(resource: &Resource) -> ResourceProto {
    ResourceProto { scalar: None, ranges: None, set: None, ..resource.to_proto() }
}

fn additive_attribute(old: &Attribute, current: &[Attribute]) -> Result<(), Incompatible> {
    let name = &old.name;
    let Some(new) = current.iter().find(|new| new.name == *name) else {
        return refused(format!("Couldn't find attribute {}", json::to_string(old)));
    };
    if old.r#type != new.r#type {
        let types = [old, new].map(|attribute| attribute.r#type().as_str_name());
        return refused(format!("Type of attribute '{name}' changed from {} to {}", types[0], types[1]));
    }
    match old.r#type() {
        value::Type::Scalar => {
            let values =
                [old, new].map(|attribute| attribute.scalar.as_ref().map_or(0.0, |scalar| scalar.value));
            if values[0] != values[1] {
                return refused(format!(
                    "Value of scalar attribute '{name}' changed from {} to {}",
                    values[0], values[1]
                ));
            }
        }
        value::Type::Ranges => {
            let values = [old, new].map(ranges);
            if !values[1].is_superset(&values[0]) {
                return Err(Incompatible(format!(
                    "Previous value of ranges resource '{name}' ({}) not included in current {}",
                    values[0], values[1]
                )));
            }
        }
        value::Type::Text => {
            let values = [old, new].map(|attribute| attribute.text.as_ref().map_or("", |text| &text.value));
            if values[0] != values[1] {
                return refused(format!(
                    "Value of text attribute '{name}' changed from {} to {}",
                    values[0], values[1]
                ));
            }
        }
        value::Type::Set => {
            let values = [old, new].map(|attribute| -> BTreeSet<&String> {
                attribute.set.iter().flat_map(|set| &set.item).collect()
            });
            if values[0] != values[1] {
                return refused(format!("Value of set attribute '{name}' changed"));
            }
        }
    }
    Ok(())
}

fn ranges(attribute: &Attribute) -> IntervalSet<u64> {
    let mut set = IntervalSet::default();
    for range in attribute.ranges.iter().flat_map(|ranges| &ranges.range) {
        if range.begin <= range.end {
            set.insert(range.begin..=range.end);
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos_api::v1::DomainInfo;

    fn info(resources: &str, attributes: &str) -> AgentInfo {
        let resources = Resources::parse(resources, "*").unwrap().to_protos();
        AgentInfo { hostname: "h".into(), resources, attributes: parse(attributes), ..AgentInfo::default() }
    }

    fn parse(text: &str) -> Vec<Attribute> {
        let attribute = |(name, value): (&str, &str)| {
            let mut attribute = Attribute { name: name.into(), ..Attribute::default() };
            if let Some((begin, end)) = value.trim_matches(['[', ']']).split_once('-') {
                let range = value::Range { begin: begin.parse().unwrap(), end: end.parse().unwrap() };
                attribute.set_type(value::Type::Ranges);
                attribute.ranges = Some(value::Ranges { range: vec![range] });
            } else if let Ok(value) = value.parse() {
                attribute.set_type(value::Type::Scalar);
                attribute.scalar = Some(value::Scalar { value });
            } else {
                attribute.set_type(value::Type::Text);
                attribute.text = Some(value::Text { value: value.into() });
            }
            attribute
        };
        text.split(';').filter_map(|part| part.split_once(':')).map(attribute).collect()
    }

    fn additive_text(previous: &AgentInfo, current: &AgentInfo) -> String {
        match check(Policy::Additive, previous, current) {
            Ok(()) => "allowed".to_owned(),
            Err(Incompatible(text)) => text
                .trim_start_matches("Configuration change not permitted under `additive` policy: ")
                .to_owned(),
        }
    }

    #[test]
    fn additive_allows_what_only_adds() {
        let old = || info("cpus:2;ports:[1-10]", "rack:a;zones:[1-5];n:3");
        for (current, expected) in [
            (old(), "allowed"),
            (info("cpus:1;cpus:1;ports:[1-5];ports:[6-10]", "n:3;rack:a;zones:[1-5]"), "allowed"),
            (info("cpus:4;mem:10;ports:[1-20]", "rack:a;zones:[0-9];n:3;new:x"), "allowed"),
            (
                info("cpus:1;ports:[1-10]", "rack:a;zones:[1-5];n:3"),
                "Value of scalar resource 'cpus' decreased from 2 to 1",
            ),
            (info("ports:[1-10]", "rack:a;zones:[1-5];n:3"), "Resource not found: cpus:2"),
            (info("cpus(web):2;ports:[1-10]", "rack:a;zones:[1-5];n:3"), "Resource not found: cpus:2"),
            (
                info("cpus:2;ports:[2-10]", "rack:a;zones:[1-5];n:3"),
                "Previous value of range resource 'ports' (ports:[1-10]) not included in current (ports:[2-10])",
            ),
            (
                info("cpus:2;ports:[1-10]", "rack:b;zones:[1-5];n:3"),
                "Value of text attribute 'rack' changed from a to b",
            ),
            (
                info("cpus:2;ports:[1-10]", "rack:7;zones:[1-5];n:3"),
                "Type of attribute 'rack' changed from TEXT to SCALAR",
            ),
            (
                info("cpus:2;ports:[1-10]", "rack:a;zones:[2-5];n:3"),
                "Previous value of ranges resource 'zones' ([1-5]) not included in current [2-5]",
            ),
            (
                info("cpus:2;ports:[1-10]", "rack:a;zones:[1-5];n:4"),
                "Value of scalar attribute 'n' changed from 3 to 4",
            ),
        ] {
            assert_eq!(additive_text(&old(), &current), expected);
        }
    }

    #[test]
    fn additive_keeps_hostname_port_and_domain() {
        let old = info("cpus:1", "");
        let with = |change: fn(&mut AgentInfo)| {
            let mut info = old.clone();
            change(&mut info);
            info
        };
        let moved = with(|info| info.hostname = "i".into());
        assert_eq!(additive_text(&old, &moved), "Hostname changed from h to i");
        let port = with(|info| info.port = Some(1));
        assert_eq!(additive_text(&old, &port), "Port changed from 5051 to 1");
        let domain = with(|info| info.domain = Some(DomainInfo::default()));
        assert_eq!(additive_text(&old, &domain), "allowed");
        assert_eq!(additive_text(&domain, &old), "Domain changed from {} to none");
    }

    #[test]
    fn equal_ignores_order_and_splitting_and_nothing_else() {
        let old = info("cpus:2;mem:5", "a:x;b:y");
        assert_eq!(check(Policy::Equal, &old, &info("mem:5;cpus:1;cpus:1", "b:y;a:x")), Ok(()));
        let Err(Incompatible(text)) = check(Policy::Equal, &old, &info("cpus:3;mem:5", "a:x;b:y")) else {
            panic!("allowed")
        };
        assert!(text.starts_with("Incompatible agent info detected"), "{text}");
        assert!(check(Policy::Equal, &old, &info("cpus:2;mem:5", "a:x")).is_err());
    }

    #[test]
    fn policies_have_two_names() {
        assert_eq!("equal".parse(), Ok(Policy::Equal));
        assert_eq!("additive".parse(), Ok(Policy::Additive));
        assert!("any".parse::<Policy>().is_err());
    }
}
