//! Reading resources from text.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use mesos_api::v1;
use mesos_api::v1::resource::ReservationInfo;
use mesos_api::v1::resource::reservation_info::Type as ReservationType;

use crate::{Name, Resource, ResourceError, Resources, Value, roles, validate};

impl Resources {
    /// Reads resources as an operator writes them: `cpus:2;mem:1024;ports:[31000-32000];disk(role):10`,
    /// or a JSON array of resources. What names no role is reserved for `default_role`, unless that is `*`.
    ///
    /// # Errors
    ///
    /// Names what cannot be read or the rule that is broken. Persistent volumes, revocable resources and
    /// dynamic reservations are made at run time and refused here.
    pub fn parse(text: &str, default_role: &str) -> Result<Self, ResourceError> {
        let all = if text.trim_start().starts_with('[') {
            from_json(text, default_role)?
        } else {
            from_text(text, default_role)?
        };
        for_command_line(&all)?;
        Ok(all)
    }
}

/// Reads what `Display` writes, dynamic and refined reservations, allocations and revocable resources
/// included; disks have no readable text.
impl FromStr for Resources {
    type Err = ResourceError;

    fn from_str(text: &str) -> Result<Self, ResourceError> {
        from_text(text, roles::DEFAULT)
    }
}

fn from_json(text: &str, default_role: &str) -> Result<Resources, ResourceError> {
    let malformed = |error: &dyn std::fmt::Display| {
        ResourceError::Syntax(format!("Some JSON resources were not formatted properly: {error}"))
    };
    let array: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let mut all = Resources::new();
    for element in array {
        let mut proto: v1::Resource =
            mesos_api::json::from_value(&element).map_err(|error| malformed(&error))?;
        default_to(&mut proto, default_role);
        all.insert(Resource::from_proto(proto)?);
    }
    Ok(all)
}

#[allow(deprecated)] // The older form of reservations is read too.
fn default_to(proto: &mut v1::Resource, role: &str) {
    if proto.role.is_none() && proto.reservations.is_empty() {
        proto.role = Some(role.to_owned());
    }
}

fn from_text(text: &str, default_role: &str) -> Result<Resources, ResourceError> {
    let text = text.trim();
    if text == "{}" {
        return Ok(Resources::new());
    }
    text.split(';').filter(|token| !token.trim().is_empty()).map(|token| one(token, default_role)).collect()
}

fn one(token: &str, default_role: &str) -> Result<Resource, ResourceError> {
    let extra = || ResourceError::Syntax(format!("Bad value for resources, missing or extra ':' in {token}"));
    let (head, value) = split_at_colon(token).ok_or_else(extra)?;
    if value.contains(':') {
        return Err(extra());
    }
    let head = Head::parse(head, token)?;
    let value = Value::parse(value).map_err(|error| match error {
        ResourceError::Syntax(error) => ResourceError::Syntax(format!(
            "Failed to parse resource {} value {} error {error}",
            head.name,
            value.trim()
        )),
        other => other,
    })?;
    let mut resource = Resource::new(Name::from(head.name), value);
    let reservations = match (head.role, head.reservations) {
        (_, Some(reservations)) => reservations,
        (role, None) => reservation_for(role.unwrap_or(default_role)),
    };
    if !reservations.is_empty() || head.revocable {
        resource = resource.with(|parts| {
            parts.reservations = reservations;
            parts.revocable = head.revocable;
        });
    }
    resource.allocation = head.allocated.map(Arc::from);
    validate::resource(&resource.to_proto())?;
    Ok(resource)
}

fn reservation_for(role: &str) -> Vec<ReservationInfo> {
    if role == roles::DEFAULT {
        return Vec::new();
    }
    vec![ReservationInfo {
        r#type: Some(ReservationType::Static as i32),
        role: Some(role.to_owned()),
        ..Default::default()
    }]
}

/// Splits at the colon before the value; those inside brackets belong to the part before.
fn split_at_colon(token: &str) -> Option<(&str, &str)> {
    let mut depth = 0i64;
    for (at, c) in token.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ':' if depth <= 0 => return Some((token.get(..at)?, token.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

/// What stands before the value, such as `cpus(allocated: a)(reservations: [(STATIC,a)]){REV}`.
#[derive(Default)]
struct Head<'a> {
    name: &'a str,
    role: Option<&'a str>,
    reservations: Option<Vec<ReservationInfo>>,
    allocated: Option<&'a str>,
    revocable: bool,
}

impl<'a> Head<'a> {
    fn parse(text: &'a str, token: &str) -> Result<Self, ResourceError> {
        let mismatched =
            || ResourceError::Syntax(format!("Bad value for resources, mismatched parentheses in {token}"));
        let (text, revocable) = match text.trim().strip_suffix("{REV}") {
            Some(text) => (text, true),
            None => (text.trim(), false),
        };
        if text.contains(['[', '{']) && !text.contains("(reservations:") {
            return Err(ResourceError::Syntax(format!(
                "Bad value for resources, disk information in {token}"
            )));
        }
        let (name, mut rest) = text.split_at(text.find('(').unwrap_or(text.len()));
        let mut head = Head { name: name.trim(), revocable, ..Default::default() };
        while let Some(inner) = rest.trim_start().strip_prefix('(') {
            let end = closing(inner).ok_or_else(mismatched)?;
            let group = inner.get(..end).unwrap_or_default().trim();
            rest = inner.get(end + 1..).unwrap_or_default();
            if let Some(role) = group.strip_prefix("allocated:") {
                head.allocated = Some(role.trim());
            } else if let Some(list) = group.strip_prefix("reservations:") {
                head.reservations = Some(reservations(list.trim()).ok_or_else(mismatched)?);
            } else {
                head.role = Some(group);
            }
        }
        if !rest.trim().is_empty() || head.name.contains(')') {
            return Err(mismatched());
        }
        Ok(head)
    }
}

/// Where the parenthesis that was opened before the text closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Reads `[(STATIC,a),(DYNAMIC,a/b,principal)]`.
fn reservations(list: &str) -> Option<Vec<ReservationInfo>> {
    let mut rest = list.strip_prefix('[')?.strip_suffix(']')?;
    let mut all = Vec::new();
    while let Some(inner) = rest.strip_prefix('(') {
        let end = closing(inner)?;
        let mut fields = inner.get(..end)?.splitn(3, ',').map(str::trim);
        all.push(ReservationInfo {
            r#type: Some(ReservationType::from_str_name(fields.next()?)? as i32),
            role: Some(fields.next()?.to_owned()),
            principal: fields.next().map(str::to_owned),
            labels: None,
        });
        rest = inner.get(end + 1..)?.trim_start_matches([',', ' ']);
    }
    rest.is_empty().then_some(all)
}

fn for_command_line(all: &Resources) -> Result<(), ResourceError> {
    let mut types = BTreeMap::new();
    for resource in all {
        let refused = if resource.is_persistent_volume() {
            "Persistent volumes cannot be specified at the command line"
        } else if resource.is_revocable() {
            "Revocable resources cannot be specified at the command line; do not include a 'revocable' key in \
             the resources JSON"
        } else if resource.is_dynamically_reserved() {
            "Dynamic reservations cannot be specified at the command line; do not include a reservation with \
             DYNAMIC type in the resources JSON"
        } else {
            let kind = std::mem::discriminant(resource.value());
            if *types.entry(resource.name().clone()).or_insert(kind) != kind {
                return Err(ResourceError::Invalid(format!(
                    "Resources with the same name ('{}') but different types are not allowed",
                    resource.name()
                )));
            }
            continue;
        };
        return Err(ResourceError::invalid(refused));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, role: &str, expected: Result<&str, &str>) {
        let found = Resources::parse(text, role).map(|r| r.to_string()).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
    }

    #[test]
    fn operators_text_is_read() {
        check("", "*", Ok("{}"));
        check("cpus:2;mem:1024", "*", Ok("cpus:2; mem:1024"));
        check(" cpus : 2 ; ports : [31000-32000] ;", "*", Ok("cpus:2; ports:[31000-32000]"));
        check("cpus:1;cpus:1.5;cpus:0", "*", Ok("cpus:2.5"));
        check("disk(web):10", "*", Ok("disk(reservations: [(STATIC,web)]):10"));
        check("cpus(*):1;mem:2", "web", Ok("cpus:1; mem(reservations: [(STATIC,web)]):2"));
        check("bugs:{a,b}", "*", Ok("bugs:{a, b}"));
    }

    #[test]
    fn operators_json_is_read() {
        check(
            r#"[{"name":"cpus","type":"SCALAR","scalar":{"value":2}},
                {"name":"disk","type":"SCALAR","scalar":{"value":5},"role":"a",
                 "disk":{"source":{"type":"MOUNT","mount":{"root":"/mnt"}}}},
                {"name":"mem","type":"SCALAR","scalar":{"value":3},
                 "reservations":[{"type":"STATIC","role":"b"}]}]"#,
            "*",
            Ok("cpus:2; disk(reservations: [(STATIC,a)])[MOUNT:/mnt]:5; mem(reservations: [(STATIC,b)]):3"),
        );
        check("[]", "*", Ok("{}"));
        check(
            r#"[{"name":"cpus","type":"SCALAR","scalar":{"value":2}}]"#,
            "web",
            Ok("cpus(reservations: [(STATIC,web)]):2"),
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        check("cpus", "*", Err("Bad value for resources, missing or extra ':' in cpus"));
        check("cpus:1:2", "*", Err("Bad value for resources, missing or extra ':' in cpus:1:2"));
        check("cpus(a:1", "*", Err("Bad value for resources, missing or extra ':' in cpus(a:1"));
        check("cpus)a(:1", "*", Err("Bad value for resources, mismatched parentheses in cpus)a(:1"));
        check(
            "cpus:foo",
            "*",
            Err("Failed to parse resource cpus value foo error 'foo' is not a number, a range or a set"),
        );
        check(":1", "*", Err("Empty resource name"));
        check(
            "cpus(a b):1",
            "*",
            Err("Role component 'a b' is invalid because it contains backspace or whitespace"),
        );
        check("cpus:-1", "*", Err("Invalid scalar resource: value <= 0"));
        check(
            "x:1;x:[1-2]",
            "*",
            Err("Resources with the same name ('x') but different types are not allowed"),
        );
    }

    #[test]
    fn what_is_made_at_run_time_is_refused_from_the_operator() {
        for text in [
            "cpus(reservations: [(DYNAMIC,a,p)]):1",
            "cpus{REV}:1",
            r#"[{"name":"disk","type":"SCALAR","scalar":{"value":5},"role":"a",
                 "disk":{"persistence":{"id":"v"}}}]"#,
        ] {
            let error = Resources::parse(text, "*").unwrap_err().to_string();
            assert!(error.contains("cannot be specified at the command line"), "{error}");
        }
    }

    #[test]
    fn display_is_read_back() {
        for text in [
            "cpus(allocated: a)(reservations: [(STATIC,a),(DYNAMIC,a/b,me)]){REV}:1.5",
            "{}",
            "mem(reservations: [(DYNAMIC,x)]):3; ports(allocated: x):[1-2, 5-5]",
        ] {
            assert_eq!(text.parse::<Resources>().unwrap().to_string(), text);
        }
    }
}
