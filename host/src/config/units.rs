//! Sizes, durations and amounts as people write them; what is wrong with one, and what was expected.

use std::ops::RangeInclusive;
use std::time::Duration;

use bytesize::ByteSize;

/// What a function's memory may be limited to: at least one page, at most what a 32-bit memory has.
pub const MEMORY: RangeInclusive<ByteSize> = ByteSize::kib(64)..=ByteSize::gib(4);
/// What an invocation's time may be limited to.
pub const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3600);

/// A number and a unit: `64MiB`.
pub fn size(text: &str) -> Result<ByteSize, String> {
    text.parse().map_err(|_| format!("`{text}` is no size: expected a number and a unit, such as `64MiB`"))
}

/// A number and a unit: `250ms`, `3s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("`{text}` is no duration: expected a number and a unit, such as `250ms` or `3s`");
    humantime::parse_duration(text).map_err(|_| expected())
}

/// A duration within a range.
pub fn duration_within(text: &str, range: RangeInclusive<Duration>) -> Result<Duration, String> {
    let (least, most) = (humantime::format_duration(*range.start()), humantime::format_duration(*range.end()));
    let expected = format!("expected `{least}` to `{most}`");
    within(text, duration(text)?, range, || expected)
}

/// A size within a range.
pub fn size_within(text: &str, range: RangeInclusive<ByteSize>) -> Result<ByteSize, String> {
    let expected = format!("expected `{}` to `{}`", short(*range.start()), short(*range.end()));
    within(text, size(text)?, range, || expected)
}

/// As people write it: `64KiB`.
fn short(size: ByteSize) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let whole = units.into_iter().find(|(unit, _)| size.as_u64() >= *unit && size.as_u64().is_multiple_of(*unit));
    whole.map_or_else(|| format!("{}B", size.as_u64()), |(unit, name)| format!("{}{name}", size.as_u64() / unit))
}

/// A size within [`MEMORY`].
pub fn memory(text: &str) -> Result<ByteSize, String> {
    within(text, size(text)?, MEMORY, || "a function's memory goes from `64KiB` to `4GiB`".into())
}

/// A duration within [`TIMEOUT`].
pub fn timeout(text: &str) -> Result<Duration, String> {
    within(text, duration(text)?, TIMEOUT, || "a timeout goes from `1ms` to `1h`".into())
}

/// The value, when it lies in the range; `expected` says which that is.
fn within<T: PartialOrd>(
    text: &str,
    value: T,
    range: RangeInclusive<T>,
    expected: impl FnOnce() -> String,
) -> Result<T, String> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(format!("`{text}` is out of range: {}", expected()))
}

/// How much a function may compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fuel {
    Limit(u64),
    Unmetered,
}

impl Fuel {
    pub fn limit(self) -> Option<u64> {
        match self {
            Self::Limit(limit) => Some(limit),
            Self::Unmetered => None,
        }
    }
}

/// A number, `_` allowed between digits, or `none`.
pub fn fuel(text: &str) -> Result<Fuel, String> {
    if text == "none" {
        return Ok(Fuel::Unmetered);
    }
    match text.replace('_', "").parse() {
        Ok(0) | Err(_) => Err(format!("`{text}` is no amount of fuel: expected a whole number above 0, or `none`")),
        Ok(limit) => Ok(Fuel::Limit(limit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_ranges_are_inside() {
        assert_eq!(memory("64KiB"), Ok(ByteSize::kib(64)));
        assert_eq!(memory("4GiB"), Ok(ByteSize::gib(4)));
        assert_eq!(timeout("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(timeout("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(fuel("1_000").map(Fuel::limit), Ok(Some(1000)));
        assert_eq!(fuel("none").map(Fuel::limit), Ok(None));
    }

    #[test]
    fn what_is_wrong_says_what_was_expected() {
        let errors = [
            memory("much").unwrap_err(),
            memory("63KiB").unwrap_err(),
            memory("5GiB").unwrap_err(),
            timeout("soon").unwrap_err(),
            timeout("0s").unwrap_err(),
            timeout("2h").unwrap_err(),
            fuel("0").unwrap_err(),
            fuel("-1").unwrap_err(),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r"
        `much` is no size: expected a number and a unit, such as `64MiB`
        `63KiB` is out of range: a function's memory goes from `64KiB` to `4GiB`
        `5GiB` is out of range: a function's memory goes from `64KiB` to `4GiB`
        `soon` is no duration: expected a number and a unit, such as `250ms` or `3s`
        `0s` is out of range: a timeout goes from `1ms` to `1h`
        `2h` is out of range: a timeout goes from `1ms` to `1h`
        `0` is no amount of fuel: expected a whole number above 0, or `none`
        `-1` is no amount of fuel: expected a whole number above 0, or `none`
        ");
    }
}
