//! Settings and secrets that the function was given. Nothing else of the host's environment is visible.

use crate::bindings::function::wasm_faas::function::config as raw;
use crate::{Result, ServiceError};

/// The setting's value, none when it is not set.
pub fn get(key: &str) -> Option<String> {
    raw::get(key)
}

/// The secret's value, fresh at each call. Errors: `AccessDenied` when it was not granted, `Unavailable` when its source
/// cannot be read.
pub fn secret(name: &str) -> Result<String, ServiceError> {
    Ok(raw::secret(name)?)
}
