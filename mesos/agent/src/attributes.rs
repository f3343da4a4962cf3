//! Attributes of the machine as an operator writes them.

use mesos_api::v1::{Attribute, value};
use mesos_resources::Resources;

/// Reads `name:value` pairs separated by semicolons or line ends. A value is a number, ranges such as
/// `[1-5,8-9]`, or text.
///
/// # Errors
///
/// The part that is no attribute.
pub(crate) fn parse(text: &str) -> Result<Vec<Attribute>, String> {
    text.split([';', '\n']).map(str::trim).filter(|part| !part.is_empty()).map(one).collect()
}

fn one(part: &str) -> Result<Attribute, String> {
    let malformed = |why: &str| format!("invalid attribute '{part}': {why}");
    let (name, text) = part.split_once(':').ok_or_else(|| malformed("expected 'name:value'"))?;
    let (name, text) = (name.trim(), text.trim());
    if name.is_empty() || text.is_empty() {
        return Err(malformed("neither name nor value may be empty"));
    }
    let mut attribute = Attribute { name: name.to_owned(), ..Attribute::default() };
    if let Some(number) = text.parse::<f64>().ok().filter(|number| number.is_finite()) {
        attribute.set_type(value::Type::Scalar);
        attribute.scalar = Some(value::Scalar { value: number });
    } else if text.starts_with('[') {
        // The syntax is that of a resource.
        let parsed = Resources::parse(&format!("ranges:{text}"), "*")
            .map_err(|error| malformed(&error.to_string()))?;
        let ranges = parsed.to_protos().into_iter().find_map(|resource| resource.ranges);
        attribute.set_type(value::Type::Ranges);
        attribute.ranges = Some(ranges.unwrap_or_default());
    } else if text.starts_with('{') {
        return Err(malformed("sets are not supported"));
    } else {
        attribute.set_type(value::Type::Text);
        attribute.text = Some(value::Text { value: text.to_owned() });
    }
    Ok(attribute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_number_ranges_or_text() {
        let parsed = parse("rack:abc; level:10.5;\nports:[1-5,8-9]; url:a:b").unwrap();
        let shown: Vec<String> = parsed.iter().map(mesos_api::json::to_string).collect();
        assert_eq!(
            shown,
            [
                r#"{"name":"rack","type":"TEXT","text":{"value":"abc"}}"#,
                r#"{"name":"level","type":"SCALAR","scalar":{"value":10.5}}"#,
                r#"{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":1,"end":5},{"begin":8,"end":9}]}}"#,
                r#"{"name":"url","type":"TEXT","text":{"value":"a:b"}}"#,
            ]
        );
        for text in ["rack", ":a", "a:", "p:[1-", "s:{a}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
