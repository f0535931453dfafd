//! How the steps write bytes and errors.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Base64 text in JSON.
pub(crate) fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    BASE64_STANDARD.decode(text).map_err(serde::de::Error::custom)
}

pub(crate) fn text(bytes: impl AsRef<[u8]>) -> Value {
    BASE64_STANDARD.encode(bytes).into()
}

/// The name of an error's case and what it carries.
#[derive(Serialize)]
pub(crate) struct Failure {
    code: &'static str,
    detail: String,
}

impl Failure {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// A step that is not of its op's shape.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::new("invalid", error.to_string())
    }
}

/// The blob store's errors are texts.
impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::new("text", text)
    }
}
