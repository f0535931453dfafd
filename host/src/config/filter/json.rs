//! JSON that knows where in its text each value stands.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{FilterError, parse::Result};

/// A value and its place.
#[derive(Debug)]
pub(super) struct Json<'a> {
    /// As it is written.
    pub(super) text: &'a str,
    /// In bytes from the pattern's start.
    pub(super) place: Range<usize>,
    pub(super) kind: Kind<'a>,
}

#[derive(Debug)]
pub(super) enum Kind<'a> {
    Object(Vec<Member<'a>>),
    Array(Vec<Json<'a>>),
    /// A text, a number, `true`, `false` or `null`.
    Plain(Value),
}

/// A name of an object and its value.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) name: String,
    /// That of the name.
    pub(super) place: Range<usize>,
    pub(super) value: Json<'a>,
}

impl Json<'_> {
    /// Reads a whole text.
    pub(super) fn read(text: &str) -> Result<Json<'_>> {
        let no_json = |error| no_json(text, &error);
        // Bounds the depth, which the places alone would not.
        serde_json::from_str::<Value>(text).map_err(no_json)?;
        let raw = serde_json::from_str(text).map_err(no_json)?;
        located(text, raw).map_err(no_json)
    }

    pub(super) fn error(&self, why: impl Into<String>) -> FilterError {
        FilterError { place: self.place.clone(), why: why.into() }
    }
}

impl Member<'_> {
    pub(super) fn error(&self, why: impl Into<String>) -> FilterError {
        FilterError { place: self.place.clone(), why: why.into() }
    }
}

fn located<'a>(whole: &str, raw: &'a RawValue) -> serde_json::Result<Json<'a>> {
    let text = raw.get();
    let kind = match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text)?;
            Kind::Object(members.into_iter().map(|(name, value)| member(whole, name, value)).collect::<Result<_, _>>()?)
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text)?;
            Kind::Array(elements.into_iter().map(|element| located(whole, element)).collect::<Result<_, _>>()?)
        }
        _ => Kind::Plain(serde_json::from_str(text)?),
    };
    Ok(Json { text, place: place(whole, text), kind })
}

fn member<'a>(whole: &str, name: &RawValue, value: &'a RawValue) -> serde_json::Result<Member<'a>> {
    let place = place(whole, name.get());
    Ok(Member { name: serde_json::from_str(name.get())?, place, value: located(whole, value)? })
}

/// `part` is borrowed from `whole`.
fn place(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - whole.as_ptr().addr();
    start..start + part.len()
}

/// The members of an object in their order, also those that have one name.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

/// The error tells line and column, in bytes and counted from 1.
fn no_json(text: &str, error: &serde_json::Error) -> FilterError {
    let lines_before = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let start = lines_before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    // What is missing at the end is told of the byte before it.
    let start = if error.is_eof() { text.len() } else { text.floor_char_boundary(start) };
    let end = start + text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let why = error.to_string();
    let why = why.trim_end_matches(&format!(" at line {} column {}", error.line(), error.column()));
    FilterError { place: start..end, why: format!("the pattern is no JSON: {why}") }
}
