//! Bodies of HTML forms.

use std::collections::BTreeMap;

use libprocess::http::Request;

/// The fields of a form, as the older endpoints take them in the body of a POST.
///
/// # Errors
///
/// Says what is no form.
pub(crate) fn decode(body: &[u8]) -> Result<BTreeMap<String, String>, String> {
    let text = std::str::from_utf8(body)
        .map_err(|_| "Unable to decode the form in the body: it is not UTF-8".to_owned())?;
    // A form is written like a query.
    let request = Request::get(&format!("/?{}", text.trim_end()));
    Ok(request.query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn fields_are_decoded() {
        let form = super::decode(b"frameworkId=a%2Fb&resources=%5B%5D").unwrap();
        assert_eq!(form["frameworkId"], "a/b");
        assert_eq!(form["resources"], "[]");
        assert!(super::decode(&[0xff]).is_err());
    }
}
