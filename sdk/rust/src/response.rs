use crate::bindings::function::wasm_faas::function::types as raw;
use crate::{Attributes, Error, Result};

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
#[cfg(feature = "json")]
const JSON: &str = "application/json";

/// What a handler answers to whoever waits for it. At most 8 MiB, everything in it added up; one that is larger ends the
/// invocation.
#[derive(Debug, Default)]
pub struct Response {
    status: Option<u16>,
    content_type: Option<String>,
    attributes: Attributes,
    data: Vec<u8>,
    /// Why the data could not be made; surfaces when the response is returned.
    broken: Option<Error>,
}

impl Response {
    /// No data and no content type.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Data of no stated content type.
    pub fn new(data: impl Into<Vec<u8>>) -> Self {
        Self { data: data.into(), ..Self::default() }
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::new(text.into()).content_type(TEXT)
    }

    pub fn bytes(data: impl Into<Vec<u8>>) -> Self {
        Self::new(data).content_type(BYTES)
    }

    /// The value written as JSON. A value that JSON cannot hold, such as a map whose keys are no strings, fails the
    /// invocation when the response is returned.
    #[cfg(feature = "json")]
    pub fn json(value: &(impl serde_core::Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(data) => Self::new(data).content_type(JSON),
            Err(error) => Self { broken: Some(error.into()), ..Self::default() },
        }
    }

    /// HTTP status where the caller speaks HTTP; 200 unless set.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Adds a header, where the caller speaks HTTP.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push(name, value);
        self
    }

    /// Replaces all attributes.
    #[must_use]
    pub fn attributes(mut self, attributes: impl Into<Attributes>) -> Self {
        self.attributes = attributes.into();
        self
    }

    pub(crate) fn into_raw(self) -> Result<raw::Response> {
        let Self { status, content_type, attributes, data, broken } = self;
        match broken {
            Some(error) => Err(error),
            None => Ok(raw::Response { status, content_type, attributes: attributes.into(), data }),
        }
    }
}

/// What a handler may return.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "return a `Response`, text, bytes, `()`, `Json(value)`, or a `Result` of one of them whose error is a `std::error::Error` or `wasm_faas::Error`"
)]
pub trait IntoResponse {
    fn into_response(self) -> Result<Response>;
}

impl IntoResponse for Response {
    fn into_response(self) -> Result<Response> {
        Ok(self)
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Result<Response> {
        Ok(Response::empty())
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Result<Response> {
        Ok(Response::text(self))
    }
}

impl IntoResponse for &str {
    fn into_response(self) -> Result<Response> {
        Ok(Response::text(self))
    }
}

impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Result<Response> {
        Ok(Response::bytes(self))
    }
}

/// A value to answer as JSON.
#[cfg(feature = "json")]
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

#[cfg(feature = "json")]
impl<T: serde_core::Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Result<Response> {
        Ok(Response::json(&self.0))
    }
}

impl<T: IntoResponse, E: Into<Error>> IntoResponse for Result<T, E> {
    fn into_response(self) -> Result<Response> {
        self.map_err(Into::into)?.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(answer: impl IntoResponse) -> raw::Response {
        answer.into_response().and_then(Response::into_raw).unwrap()
    }

    #[track_caller]
    fn assert_sent(answer: impl IntoResponse, content_type: Option<&str>, data: &[u8]) {
        let response = sent(answer);
        assert_eq!((response.content_type.as_deref(), response.data.as_slice()), (content_type, data));
        assert_eq!(response.status, None);
    }

    #[test]
    fn each_kind_of_value_has_its_content_type() {
        assert_sent((), None, b"");
        assert_sent("hi", Some("text/plain; charset=utf-8"), b"hi");
        assert_sent("hi".to_owned(), Some("text/plain; charset=utf-8"), b"hi");
        assert_sent(vec![0, 255], Some("application/octet-stream"), &[0, 255]);
        assert_sent(Ok::<_, Error>("hi"), Some("text/plain; charset=utf-8"), b"hi");
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_is_written_and_labelled() {
        assert_sent(Json([1, 2]), Some("application/json"), b"[1,2]");
        assert_sent(Response::json(&serde_json::json!({"a": null})), Some("application/json"), br#"{"a":null}"#);
    }

    #[cfg(feature = "json")]
    #[test]
    fn a_value_that_json_cannot_hold_is_an_error_not_a_panic() {
        let unwritable = std::collections::BTreeMap::from([((1, 2), 3)]);
        let error = Response::json(&unwritable).into_response().and_then(Response::into_raw).unwrap_err();
        assert_eq!(error.to_string(), "key must be a string");
    }

    #[test]
    fn what_is_set_on_a_response_is_sent() {
        let response = sent(Response::text("made").status(201).content_type("text/csv").attribute("etag", "1"));
        assert_eq!((response.status, response.content_type.as_deref()), (Some(201), Some("text/csv")));
        assert_eq!(Attributes::from(response.attributes), Attributes::from([("etag", "1")]));
    }

    #[test]
    fn an_error_stays_the_error_it_was() {
        let answer: Result<(), std::num::ParseIntError> = "x".parse::<u8>().map(|_| ());
        let error = answer.into_response().unwrap_err();
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    }
}
