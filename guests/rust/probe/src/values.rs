//! How the steps write the SDK's values.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use wasm_faas::{Accepted, Attributes, ServiceError};

/// Base64 text in JSON.
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

pub(crate) type Names = BTreeMap<String, String>;

/// An object: for attributes whose names come once.
pub(crate) fn names(attributes: &Attributes) -> Names {
    attributes.iter().cloned().collect()
}

/// `[[name, value], ...]`: for pairs whose names may come more than once.
pub(crate) fn pairs(attributes: &Attributes) -> &[(String, String)] {
    attributes
}

pub(crate) fn epoch_ms(time: SystemTime) -> u64 {
    milliseconds(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An error as the answer writes it: the contract's name of the case, and what it carries.
#[derive(Serialize)]
pub(crate) struct Failure {
    code: &'static str,
    detail: Value,
}

impl Failure {
    pub(crate) fn new(code: &'static str, detail: impl Into<Value>) -> Self {
        Self { code, detail: detail.into() }
    }

    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::new("invalid", why.into())
    }
}

/// A step that is not of its op's shape.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::AccessDenied(missing) => Self::new("access-denied", missing),
            ServiceError::NotFound => Self::new("not-found", Value::Null),
            ServiceError::Conflict(version) => Self::new("conflict", version),
            ServiceError::LeaseLost => Self::new("lease-lost", Value::Null),
            ServiceError::TooLarge(limit) => Self::new("too-large", limit),
            ServiceError::Invalid(why) => Self::new("invalid", why),
            ServiceError::Throttled(wait) => Self::new("throttled", milliseconds(wait)),
            ServiceError::Unsupported(feature) => Self::new("unsupported", feature),
            ServiceError::Unavailable(why) => Self::new("unavailable", why),
            ServiceError::UnknownOutcome(why) => Self::new("unknown-outcome", why),
        }
    }
}

pub(crate) fn accepted(accepted: &Accepted) -> Value {
    json!({ "id": accepted.id, "duplicate": accepted.duplicate })
}

/// One answer of a batch.
pub(crate) fn each<T, V: Into<Value>>(answer: Result<T, ServiceError>, value: impl Fn(T) -> V) -> Value {
    match answer {
        Ok(answer) => json!({ "ok": value(answer).into() }),
        Err(error) => json!({ "error": Failure::from(error) }),
    }
}
