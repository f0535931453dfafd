//! Other functions of the same host, invoked by name. No socket is in between.

use std::error::Error as StdError;
use std::fmt;
use std::str::Utf8Error;
use std::time::Duration;

use crate::bindings::function::wasm_faas::function::{functions as raw, types};
use crate::time::millis;
use crate::{Accepted, Attributes, IntoResponse, Response, Result, ServiceError};

/// Invokes a function and waits for its answer. Needs the right `invoke`. It runs until its own timeout or this invocation's
/// deadline, whichever is earlier.
///
/// ```no_run
/// # use serde_json::json;
/// # use wasm_faas::{Call, Result, functions};
/// # fn bill() -> Result<()> {
/// let answer = functions::invoke("bill", Call::json(&json!({ "order": 7 })))?;
/// let total: f64 = answer.json()?;
/// # Ok(())
/// # }
/// ```
pub fn invoke(name: &str, call: impl Into<Call>) -> Result<Answer, InvokeError> {
    let call = call.into().into_raw()?;
    Ok(raw::invoke(name, &call)?.into())
}

/// Leaves the event for a function, which handles it later and is tried again as its retry policy says. Needs the right
/// `invoke-async`. `Ok` means stored; the id is that of the event. At most 256 KiB, unless the function's queue says otherwise.
pub fn invoke_async(name: &str, call: impl Into<Call>) -> Result<Accepted, ServiceError> {
    invoke_async_with(name, call, AsyncOptions::default())
}

/// The same with options.
pub fn invoke_async_with(name: &str, call: impl Into<Call>, options: AsyncOptions) -> Result<Accepted, ServiceError> {
    let call = call.into().into_raw()?;
    let AsyncOptions { delay, deduplication_id } = options;
    Ok(raw::invoke_async(name, &call, delay.map(millis), deduplication_id.as_deref())?.into())
}

/// How an event is left for a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsyncOptions {
    /// Not handled before this time has passed; at most 7 days.
    pub delay: Option<Duration>,
    /// Within 5 minutes a second call with the same id is not stored. At most 128 bytes.
    pub deduplication_id: Option<String>,
}

/// What the other function's event is made of: data, and what else was set. At most 8 MiB.
#[derive(Clone, Debug)]
pub struct Call {
    raw: raw::Call,
    /// Why the data could not be made; surfaces when the function is invoked.
    broken: Option<String>,
}

impl Call {
    /// Data of no stated content type.
    pub fn new(data: impl Into<Vec<u8>>) -> Self {
        let (content_type, attributes) = (None, Vec::new());
        Self {
            raw: raw::Call { data: data.into(), content_type, attributes, type_: None, subject: None },
            broken: None,
        }
    }

    /// Text, and says so in its content type.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(text.into()).content_type("text/plain; charset=utf-8")
    }

    /// The value written as JSON. One that JSON cannot hold, such as a map whose keys are no strings, is `Invalid` when the
    /// function is invoked.
    #[cfg(feature = "json")]
    pub fn json(value: &(impl serde_core::Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(data) => Self::new(data).content_type("application/json"),
            Err(error) => Self { broken: Some(error.to_string()), ..Self::new(Vec::new()) },
        }
    }

    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.raw.content_type = Some(content_type.into());
        self
    }

    /// Adds an attribute. At most 32, names `[A-Za-z0-9_.-]{1,64}`, together at most 16 KiB; names starting with `faas-` are
    /// the host's.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.raw.attributes.push(types::Attribute { name: name.into(), value: value.into() });
        self
    }

    /// The event's type; `faas.invoke` unless set. 1 to 256 bytes.
    #[must_use]
    pub fn r#type(mut self, kind: impl Into<String>) -> Self {
        self.raw.type_ = Some(kind.into());
        self
    }

    /// What the event is about. At most 1,024 bytes.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.raw.subject = Some(subject.into());
        self
    }

    fn into_raw(self) -> Result<raw::Call, ServiceError> {
        match self.broken {
            Some(why) => Err(ServiceError::Invalid(format!("the data cannot be written as JSON: {why}"))),
            None => Ok(self.raw),
        }
    }
}

impl From<Vec<u8>> for Call {
    fn from(data: Vec<u8>) -> Self {
        Self::new(data)
    }
}

/// Text, and says so in its content type.
impl From<String> for Call {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// Text, and says so in its content type.
impl From<&str> for Call {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// What a function answered. A handler may return it as its own answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status, where the function set one.
    pub status: Option<u16>,
    pub content_type: Option<String>,
    pub attributes: Attributes,
    pub data: Vec<u8>,
}

impl Answer {
    /// The data as text. Errors: not UTF-8.
    pub fn text(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(&self.data)
    }

    /// The data as a value, read from JSON. Errors: not JSON, or not of that shape.
    #[cfg(feature = "json")]
    pub fn json<'a, T: serde_core::Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.data)
    }
}

impl From<types::Response> for Answer {
    fn from(response: types::Response) -> Self {
        let types::Response { status, content_type, attributes, data } = response;
        Self { status, content_type, attributes: attributes.into(), data }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Result<Response> {
        let response = Response::new(self.data).attributes(self.attributes);
        let response = self.status.into_iter().fold(response, Response::status);
        Ok(self.content_type.into_iter().fold(response, Response::content_type))
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvokeError {
    /// The other function rejected the event; its reason.
    Rejected(String),
    /// The other function asks to try again, or failed with an error of its own. Nobody tries again but the caller.
    Retry { reason: String, after: Option<Duration> },
    /// The other function was stopped before it answered, by a trap, an exit, a limit or a deadline; one line that says which.
    /// What it did until then stays done.
    Stopped(String),
    /// It was not invoked: `AccessDenied`; `NotFound`; `Invalid` and `TooLarge` calls; `Throttled`; `Unsupported` when it takes
    /// no events; `Unavailable`.
    Service(ServiceError),
}

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(reason) => write!(f, "the invoked function rejected the event: {reason}"),
            Self::Retry { reason, .. } => write!(f, "the invoked function failed: {reason}"),
            Self::Stopped(line) => write!(f, "the invoked function was stopped: {line}"),
            Self::Service(error) => error.fmt(f),
        }
    }
}

impl StdError for InvokeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Service(error) => error.source(),
            Self::Rejected(_) | Self::Retry { .. } | Self::Stopped(_) => None,
        }
    }
}

impl From<ServiceError> for InvokeError {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl From<raw::InvokeError> for InvokeError {
    fn from(error: raw::InvokeError) -> Self {
        match error {
            raw::InvokeError::Rejected(reason) => Self::Rejected(reason),
            raw::InvokeError::Retry(types::Retry { reason, after_ms }) => {
                Self::Retry { reason, after: after_ms.map(Duration::from_millis) }
            }
            raw::InvokeError::Stopped(line) => Self::Stopped(line),
            raw::InvokeError::Service(error) => Self::Service(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_on_a_call_is_sent() {
        let call = Call::from("hi").attribute("colour", "red").r#type("shop.paid").subject("order-7");
        let raw = call.into_raw().unwrap();
        assert_eq!(raw.content_type.as_deref(), Some("text/plain; charset=utf-8"));
        assert_eq!((raw.type_.as_deref(), raw.subject.as_deref()), (Some("shop.paid"), Some("order-7")));
        assert_eq!(Attributes::from(raw.attributes), Attributes::from([("colour", "red")]));
        assert_eq!(Call::new([1]).into_raw().unwrap().content_type, None);
    }

    #[cfg(feature = "json")]
    #[test]
    fn a_value_that_json_cannot_hold_is_invalid() {
        assert_eq!(Call::json(&[1, 2]).into_raw().unwrap().data, b"[1,2]");
        let unwritable = std::collections::BTreeMap::from([((1, 2), 3)]);
        let refused = Call::json(&unwritable).into_raw().unwrap_err();
        assert_eq!(refused.to_string(), "invalid: the data cannot be written as JSON: key must be a string");
    }

    #[test]
    fn an_answer_can_be_passed_on() {
        let answer = Answer {
            status: Some(201),
            content_type: Some("text/csv".into()),
            attributes: [("etag", "1")].into(),
            data: b"a,b".to_vec(),
        };
        let raw = answer.clone().into_response().and_then(Response::into_raw).unwrap();
        assert_eq!(Answer::from(raw), answer);
    }

    #[test]
    fn errors_say_whose_they_are() {
        let retry = raw::InvokeError::Retry(types::Retry { reason: "busy".into(), after_ms: Some(1500) });
        let errors =
            [raw::InvokeError::Rejected("no".into()), retry, raw::InvokeError::Service(types::Error::NotFound)];
        let errors = errors.map(InvokeError::from);
        assert_eq!(errors[1], InvokeError::Retry { reason: "busy".into(), after: Some(Duration::from_millis(1500)) });
        let texts = errors.map(|error| error.to_string());
        assert_eq!(
            texts,
            ["the invoked function rejected the event: no", "the invoked function failed: busy", "not found"]
        );
    }
}
