//! Values of flags: what is wrong with one, and what was expected.

use std::time::Duration;

use bytesize::ByteSize;

use crate::config::SecretSource;

/// `64MiB`; at least one page, at most what a 32-bit memory has.
pub(super) fn memory(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize =
        text.parse().map_err(|_| format!("`{text}` is no size: expected a number and a unit, such as `64MiB`"))?;
    if (ByteSize::kib(64)..=ByteSize::gib(4)).contains(&size) {
        return Ok(size);
    }
    Err(format!("`{text}` is out of range: a function's memory goes from `64KiB` to `4GiB`"))
}

/// `250ms`, `3s`; at least a millisecond, at most an hour.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let expected = || format!("`{text}` is no duration: expected a number and a unit, such as `250ms` or `3s`");
    let timeout = humantime::parse_duration(text).map_err(|_| expected())?;
    if (Duration::from_millis(1)..=Duration::from_secs(3600)).contains(&timeout) {
        return Ok(timeout);
    }
    Err(format!("`{text}` is out of range: a timeout goes from `1ms` to `1h`"))
}

/// How much a function may compute.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fuel {
    Limit(u64),
    Unmetered,
}

/// A number, `_` allowed between digits, or `none`.
pub(super) fn fuel(text: &str) -> Result<Fuel, String> {
    if text == "none" {
        return Ok(Fuel::Unmetered);
    }
    match text.replace('_', "").parse() {
        Ok(0) | Err(_) => Err(format!("`{text}` is no amount of fuel: expected a whole number above 0, or `none`")),
        Ok(limit) => Ok(Fuel::Limit(limit)),
    }
}

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
