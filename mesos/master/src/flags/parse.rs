//! Values of flags that have a form of their own.

use std::collections::BTreeMap;
use std::time::Duration;

use mesos_api::v1::DomainInfo;
use mesos_cluster::RemovalRate;
use mesos_resources::{Quantities, Resources, roles};
use stout::duration;

/// Checks a value if it was given.
pub(super) fn given<T, U>(
    value: Option<T>,
    parse: impl FnOnce(T) -> Result<U, String>,
) -> Result<(), String> {
    value.map_or(Ok(()), |value| parse(value).map(drop))
}

/// A time that is not zero.
pub(super) fn positive(duration: &Duration) -> Result<(), String> {
    if duration.is_zero() { Err("it must be greater than zero".to_owned()) } else { Ok(()) }
}

/// `12.5%` as a share of 1.
pub(super) fn percentage(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
    let number = number.filter(|number| (0.0..=100.0).contains(number));
    number.map(|number| number / 100.0).ok_or_else(|| format!("'{text}' is not a percentage from 0% to 100%"))
}

/// `1/10mins`.
pub(super) fn rate(text: &str) -> Result<RemovalRate, String> {
    let error = || format!("'{text}' is not a rate such as 1/10mins");
    let (permits, per) = text.split_once('/').ok_or_else(error)?;
    let permits = permits.trim().parse().ok().filter(|permits| *permits > 0).ok_or_else(error)?;
    let per = duration::parse(per.trim()).ok().filter(|per| !per.is_zero()).ok_or_else(error)?;
    Ok(RemovalRate { permits, per })
}

/// A fault domain.
pub(super) fn domain(json: &serde_json::Value) -> Result<DomainInfo, String> {
    let domain: DomainInfo = mesos_api::json::from_value(json).map_err(|error| error.to_string())?;
    if domain.fault_domain.is_none() { Err("it has no 'fault_domain'".to_owned()) } else { Ok(domain) }
}

/// Roles that there can be.
pub(super) fn role_names(names: &[String]) -> Result<(), String> {
    names.iter().try_for_each(|name| roles::validate(name).map_err(|error| error.to_string()))
}

/// `dev=2,ops=1.5`.
pub(super) fn weights(text: &str) -> Result<BTreeMap<String, f64>, String> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let parts = entry.split_once('=');
            let (role, weight) =
                parts.ok_or_else(|| format!("'{entry}' is not of the form 'role=weight'"))?;
            roles::validate(role).map_err(|error| error.to_string())?;
            let weight = weight.parse::<f64>().ok().filter(|weight| weight.is_finite() && *weight > 0.0);
            let weight = weight.ok_or_else(|| format!("the weight of '{role}' is not a number above 0"))?;
            Ok((role.to_owned(), weight))
        })
        .collect()
}

/// `cpus:0.01|mem:32`.
pub(super) fn min_allocatable(text: &str) -> Result<Vec<Quantities>, String> {
    let alternatives = text.split('|').map(str::trim).filter(|alternative| !alternative.is_empty());
    alternatives
        .map(|alternative| {
            Ok(Resources::parse(alternative, "*").map_err(|error| error.to_string())?.quantities())
        })
        .collect()
}
