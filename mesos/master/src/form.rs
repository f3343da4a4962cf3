//! Bodies of HTML forms.

use std::collections::BTreeMap;

use libprocess::http::{Request, Response};

use crate::gate::Refused;

/// The fields of a form, as the older endpoints take them in the body of a POST.
#[derive(Debug)]
pub(crate) struct Form(BTreeMap<String, String>);

/// Reads a form.
///
/// # Errors
///
/// The answer: 400 for what is no form.
pub(crate) fn decode(body: &[u8]) -> Result<Form, Refused> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Response::bad_request("Unable to decode the form in the body: it is not UTF-8"))?;
    // A form is written like a query.
    let request = Request::get(&format!("/?{}", text.trim_end()));
    Ok(Form(request.query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
}

impl Form {
    /// A field that must be there.
    ///
    /// # Errors
    ///
    /// The answer: 400 with its name.
    pub(crate) fn take(&mut self, name: &str) -> Result<String, Refused> {
        let missing =
            || Response::bad_request(format!("Missing '{name}' query parameter in the request body"));
        self.0.remove(name).ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_missing_ones_named() {
        let mut form = decode(b"frameworkId=a%2Fb&resources=%5B%5D").unwrap();
        assert_eq!(form.take("frameworkId").unwrap(), "a/b");
        assert_eq!(form.take("resources").unwrap(), "[]");
        let missing = form.take("slaveId").unwrap_err();
        assert_eq!(missing.status, 400);
        assert_eq!(missing.body.full(), Some(&b"Missing 'slaveId' query parameter in the request body"[..]));
        assert!(decode(&[0xff]).is_err());
    }
}
