//! What media types a call comes in and its answer goes out in.
//!
//! The checks of the v1 APIs of master and agent, each with the answer that refuses the request. The
//! agent's streaming forms (`application/recordio`) are not among them.

use libprocess::http::{Request, Response};
use mesos_api::Message;
use mesos_api::media::{ContentType, JSON, PROTOBUF};

/// Reads the call in the body of a request.
///
/// # Errors
///
/// The answer: 400 without a Content-Type, 415 for one that is neither JSON nor protobuf, 400 for a
/// body that is not what it says or lacks a required field, which the text names.
pub fn decode_call<M: Message>(request: &Request) -> Result<M, Response> {
    let Some(name) = request.headers.get("Content-Type") else {
        return Err(Response::bad_request("Expecting 'Content-Type' to be present"));
    };
    let content_type = name.to_str().ok().and_then(ContentType::from_name).ok_or_else(|| {
        Response::unsupported_media_type(format!("Expecting 'Content-Type' of {JSON} or {PROTOBUF}"))
    })?;
    content_type.decode(&request.body).map_err(|error| {
        let form = match content_type {
            ContentType::Json => "JSON",
            ContentType::Protobuf => "protobuf",
        };
        Response::bad_request(format!("Failed to parse the body as a call in {form}: {error}"))
    })
}

/// The media type that the sender of a request wants to read: JSON if it takes both.
///
/// # Errors
///
/// The answer: 406 if it takes neither.
pub fn acceptable(request: &Request) -> Result<ContentType, Response> {
    [ContentType::Json, ContentType::Protobuf]
        .into_iter()
        .find(|content_type| request.accepts(content_type.name()))
        .ok_or_else(|| {
            Response::not_acceptable(format!("Expecting 'Accept' to allow '{PROTOBUF}' or '{JSON}'"))
        })
}

/// 200 with a message.
pub fn answer<M: Message>(content_type: ContentType, message: &M) -> Response {
    Response::ok().with_body(content_type.name(), content_type.encode(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos_api::v1::scheduler::{Call, call};

    fn request(content_type: Option<&str>, body: &str) -> Request {
        let mut request = Request::post("/api/v1", body.to_owned());
        if let Some(content_type) = content_type {
            request.headers.insert("content-type", content_type.parse().unwrap());
        }
        request
    }

    fn text(response: &Response) -> &str {
        std::str::from_utf8(response.body.full().unwrap_or_default()).unwrap()
    }

    #[test]
    fn content_type_decides_how_a_call_is_read() {
        let check = |content_type, body, expected: Result<call::Type, u16>| {
            let decoded = decode_call::<Call>(&request(content_type, body));
            assert_eq!(
                decoded.map(|call| call.r#type()).map_err(|refused| refused.status.as_u16()),
                expected
            );
        };
        check(None, "{}", Err(400));
        check(Some("text/plain"), "{}", Err(415));
        check(Some("application/json; charset=utf-8"), "{}", Err(415));
        check(Some("application/json"), "{", Err(400));
        check(Some("application/json"), r#"{"type":"REVIVE"}"#, Ok(call::Type::Revive));
        check(Some("application/x-protobuf"), "\x10\x05", Ok(call::Type::Revive));
        check(Some("application/x-protobuf"), "garbage", Err(400));
    }

    #[test]
    fn missing_field_is_named() {
        let refused = decode_call::<Call>(&request(Some(JSON), r#"{"type":"KILL","kill":{}}"#)).unwrap_err();
        assert!(text(&refused).contains("kill.task_id"), "{}", text(&refused));
    }

    #[test]
    fn json_is_preferred() {
        let check = |accept: Option<&str>, expected: Result<ContentType, u16>| {
            let mut request = Request::get("/api/v1");
            if let Some(accept) = accept {
                request.headers.insert("accept", accept.parse().unwrap());
            }
            assert_eq!(acceptable(&request).map_err(|refused| refused.status.as_u16()), expected);
        };
        check(None, Ok(ContentType::Json));
        check(Some("*/*"), Ok(ContentType::Json));
        check(Some("application/x-protobuf"), Ok(ContentType::Protobuf));
        check(Some("text/html"), Err(406));
    }
}
