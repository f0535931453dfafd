//! Values of flags: what is wrong with one, and what was expected.

use crate::config::SecretSource;

/// `KEY=VALUE`.
pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.into(), value.into())),
        _ => Err(format!("`{text}` is no setting: expected `KEY=VALUE`")),
    }
}

/// `NAME=env:VARIABLE` or `NAME=file:PATH`.
pub(super) fn secret(text: &str) -> Result<(String, SecretSource), String> {
    match text.split_once('=') {
        Some((name, source)) if !name.is_empty() => Ok((name.into(), source.parse()?)),
        _ => Err(format!("`{text}` is no secret: expected `NAME=env:VARIABLE` or `NAME=file:PATH`")),
    }
}
