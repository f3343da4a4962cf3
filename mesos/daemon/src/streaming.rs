//! The media types of the agent's v1 API, where bodies may be streams of records.
//!
//! A request whose Content-Type is `application/recordio` says in Message-Content-Type how its
//! records are written; who accepts `application/recordio` says in Message-Accept how the
//! answer's records shall be.

use libprocess::http::{Request, Response, accepts_in};
use mesos_api::media::{ContentType, JSON, PROTOBUF, RECORDIO};
use mesos_api::{Message, recordio};

const MESSAGE_CONTENT_TYPE: &str = "Message-Content-Type";
const MESSAGE_ACCEPT: &str = "Message-Accept";

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One message.
    Message(ContentType),
    /// Records of one message each, under the name `application/recordio`.
    Records(ContentType),
}

/// How a request is written and how its answer shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// The request.
    pub request: Form,
    /// The answer. One that streams has records in any case: the form says under which name.
    pub answer: Form,
}

impl Media {
    /// Reads the headers of a request, in the order in which Mesos checks them.
    ///
    /// # Errors
    ///
    /// The answer: 400 or 415 for what the request is written in, 406 for what it accepts.
    pub fn negotiate(request: &Request) -> Result<Media, Response> {
        Ok(Media { request: request_form(request)?, answer: answer_form(request)? })
    }

    /// Reads the call: the body, or its first record.
    ///
    /// # Errors
    ///
    /// The answer: 400 for a body that is not what it says, or that ends before its first record.
    pub fn decode_call<M: Message>(&self, body: &[u8]) -> Result<M, Response> {
        let (content_type, record) = match self.request {
            Form::Message(content_type) => (content_type, body.to_vec()),
            Form::Records(content_type) => (content_type, first_record(body)?),
        };
        content_type.decode(&record).map_err(|error| {
            Response::bad_request(format!("Failed to parse the body as a call in {content_type}: {error}"))
        })
    }

    /// Checks that a call is a stream exactly if it must be.
    ///
    /// # Errors
    ///
    /// The answer: 415 that names the call.
    pub fn check_call(&self, call: &str, must_stream: bool) -> Result<(), Response> {
        match self.request {
            Form::Records(_) if !must_stream => Err(Response::unsupported_media_type(format!(
                "Streaming 'Content-Type' {RECORDIO} is not supported for {call} call"
            ))),
            Form::Message(_) if must_stream => Err(Response::unsupported_media_type(format!(
                "Expecting 'Content-Type' to be {RECORDIO} for {call} call"
            ))),
            _ => Ok(()),
        }
    }
}

impl Form {
    /// How each message is written.
    #[must_use]
    pub fn message(self) -> ContentType {
        match self {
            Form::Message(content_type) | Form::Records(content_type) => content_type,
        }
    }

    /// Gives a streamed answer the headers of this form.
    pub fn label(self, response: Response) -> Response {
        match self {
            Form::Message(content_type) => response.with_header("Content-Type", content_type.name()),
            Form::Records(content_type) => response
                .with_header("Content-Type", RECORDIO)
                .with_header(MESSAGE_CONTENT_TYPE, content_type.name()),
        }
    }
}

fn request_form(request: &Request) -> Result<Form, Response> {
    let Some(name) = request.headers.get("Content-Type") else {
        return Err(Response::bad_request("Expecting 'Content-Type' to be present"));
    };
    let message = request.headers.get(MESSAGE_CONTENT_TYPE);
    if name.as_bytes() != RECORDIO.as_bytes() {
        let content_type = name.to_str().ok().and_then(ContentType::from_name).ok_or_else(|| {
            let text = format!("Expecting 'Content-Type' of {JSON} or {PROTOBUF} or {RECORDIO}");
            Response::unsupported_media_type(text)
        })?;
        if message.is_some() {
            return Err(Response::unsupported_media_type(format!(
                "Expecting '{MESSAGE_CONTENT_TYPE}' to be not set for non-streaming requests"
            )));
        }
        return Ok(Form::Message(content_type));
    }
    let Some(message) = message else {
        return Err(Response::bad_request(format!(
            "Expecting '{MESSAGE_CONTENT_TYPE}' to be set for streaming requests"
        )));
    };
    message.to_str().ok().and_then(ContentType::from_name).map(Form::Records).ok_or_else(|| {
        let text = format!("Expecting '{MESSAGE_CONTENT_TYPE}' of {JSON} or {PROTOBUF}");
        Response::unsupported_media_type(text)
    })
}

fn answer_form(request: &Request) -> Result<Form, Response> {
    let accepted = |header: &str| {
        let types = [ContentType::Json, ContentType::Protobuf];
        types.into_iter().find(|content_type| accepts_in(&request.headers, header, content_type.name()))
    };
    if let Some(content_type) = accepted("Accept") {
        if request.headers.contains_key(MESSAGE_ACCEPT) {
            return Err(Response::not_acceptable(format!(
                "Expecting '{MESSAGE_ACCEPT}' to be not set for non-streaming responses"
            )));
        }
        return Ok(Form::Message(content_type));
    }
    if !request.accepts(RECORDIO) {
        return Err(Response::not_acceptable(format!(
            "Expecting 'Accept' to allow {JSON} or {PROTOBUF} or {RECORDIO}"
        )));
    }
    accepted(MESSAGE_ACCEPT).map(Form::Records).ok_or_else(|| {
        Response::not_acceptable(format!("Expecting '{MESSAGE_ACCEPT}' to allow {JSON} or {PROTOBUF}"))
    })
}

fn first_record(body: &[u8]) -> Result<Vec<u8>, Response> {
    let mut decoder = recordio::Decoder::new(recordio::Decoder::DEFAULT_LIMIT);
    let records = decoder.push(body).map_err(|error| Response::bad_request(error.to_string()))?;
    let first = records.into_iter().next();
    first.ok_or_else(|| Response::bad_request("Received EOF while reading request body"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ContentType::{Json, Protobuf};
    use Form::{Message, Records};
    use mesos_api::v1::agent::{Call, call};

    fn request(headers: &[(&'static str, &str)]) -> Request {
        let mut request = Request::post("/api/v1", "");
        for (name, value) in headers {
            request.headers.append(*name, value.parse().unwrap());
        }
        request
    }

    #[test]
    fn what_a_request_is_written_in() {
        let check = |headers: &[(&'static str, &str)], expected: Result<Form, u16>| {
            let media = Media::negotiate(&request(headers));
            let form = media.map(|media| media.request).map_err(|refused| refused.status.as_u16());
            assert_eq!(form, expected, "{headers:?}");
        };
        check(&[], Err(400));
        check(&[("content-type", "text/plain")], Err(415));
        check(&[("content-type", JSON)], Ok(Message(Json)));
        check(&[("content-type", PROTOBUF)], Ok(Message(Protobuf)));
        check(&[("content-type", JSON), ("message-content-type", JSON)], Err(415));
        check(&[("content-type", RECORDIO)], Err(400));
        check(&[("content-type", RECORDIO), ("message-content-type", RECORDIO)], Err(415));
        check(&[("content-type", RECORDIO), ("message-content-type", PROTOBUF)], Ok(Records(Protobuf)));
    }

    #[test]
    fn what_an_answer_is_written_in() {
        let check = |headers: &[(&'static str, &str)], expected: Result<Form, u16>| {
            let headers = [headers, &[("content-type", JSON)]].concat();
            let media = Media::negotiate(&request(&headers));
            let form = media.map(|media| media.answer).map_err(|refused| refused.status.as_u16());
            assert_eq!(form, expected, "{headers:?}");
        };
        check(&[], Ok(Message(Json)));
        check(&[("accept", "*/*")], Ok(Message(Json)));
        check(&[("accept", PROTOBUF)], Ok(Message(Protobuf)));
        check(&[("accept", "text/html")], Err(406));
        check(&[("accept", "*/*"), ("message-accept", JSON)], Err(406));
        check(&[("accept", RECORDIO), ("message-accept", PROTOBUF)], Ok(Records(Protobuf)));
        check(&[("accept", RECORDIO)], Ok(Records(Json)));
        check(&[("accept", RECORDIO), ("message-accept", "text/html")], Err(406));
    }

    #[test]
    fn call_is_the_body_or_its_first_record() {
        let text = br#"{"type":"GET_HEALTH"}"#;
        let media = |request| Media { request, answer: Message(Json) };
        let call: Call = media(Message(Json)).decode_call(text).unwrap();
        assert_eq!(call.r#type(), call::Type::GetHealth);
        let stream = [recordio::encode(text), b"7\n{".to_vec()].concat();
        let call: Call = media(Records(Json)).decode_call(&stream).unwrap();
        assert_eq!(call.r#type(), call::Type::GetHealth);
        for body in [&b""[..], b"21\n{", b"x", b"1\n{"] {
            assert_eq!(media(Records(Json)).decode_call::<Call>(body).unwrap_err().status, 400);
        }
    }

    #[test]
    fn only_one_call_streams() {
        let media = |request| Media { request, answer: Message(Json) };
        assert!(media(Message(Json)).check_call("GET_HEALTH", false).is_ok());
        assert!(media(Records(Json)).check_call("ATTACH_CONTAINER_INPUT", true).is_ok());
        assert_eq!(media(Records(Json)).check_call("GET_HEALTH", false).unwrap_err().status, 415);
        assert_eq!(media(Message(Json)).check_call("ATTACH_CONTAINER_INPUT", true).unwrap_err().status, 415);
    }

    #[test]
    fn streamed_answer_says_how_its_records_are_written() {
        let labelled = Records(Protobuf).label(Response::ok());
        assert_eq!(labelled.headers["content-type"], RECORDIO);
        assert_eq!(labelled.headers["message-content-type"], PROTOBUF);
        assert_eq!(Message(Json).label(Response::ok()).headers["content-type"], JSON);
    }
}
