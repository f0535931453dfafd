//! Event patterns: which messages of a topic a subscription takes.
//!
//! A pattern is JSON over `{"attributes": {name: value}, "body": ..}`, where `body` is the message's body when that is
//! JSON and absent otherwise. The grammar is EventBridge's:
//!
//! - The fields of an object must all match; the values of an array are alternatives, and `$or` takes alternatives of
//!   whole patterns.
//! - `"text"`, `1`, `true`, `null` match that value and no other; attribute values are always text.
//! - `{"prefix": "a"}`, `{"suffix": "a"}` (or `{"prefix": {"equals-ignore-case": "a"}}`), `{"equals-ignore-case": "a"}`
//!   and `{"wildcard": "a*b"}` match text; `\*` is a literal star.
//! - `{"numeric": [">=", 1, "<", 5]}` matches numbers, never text, so no attribute; `{"cidr": "10.0.0.0/8"}` text that
//!   is an address of that network.
//! - `{"exists": true}` asks for a value that is no object, `{"exists": false}` for none.
//! - `{"anything-but": ..}` matches a value that is there and is none of those named: a text, a number, a list of one
//!   kind, or one of the text operators with a text or a list of texts.
//! - An array in the message matches when one of its elements does.
//!
//! The code is our own because the only library for this grammar is a young crate of one author.

mod json;
mod parse;
#[cfg(test)]
mod tests;
mod wildcard;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

use serde_json::{Map, Number, Value};

use wildcard::Wildcard;

/// A pattern that was read and found valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    fields: Fields,
    /// Spares parsing bodies that the pattern does not look at.
    reads_body: bool,
}

/// Why a text is no pattern, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct FilterError {
    /// In bytes from the text's start; empty at its end when something is missing there.
    pub place: Range<usize>,
    pub why: String,
}

/// The conditions on an object; all must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fields(Vec<Clause>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Clause {
    /// The field's value is an object, or an array with an object, that matches.
    Object(String, Fields),
    /// One of the tests accepts the field.
    Leaf(String, Vec<Test>),
    Or(Vec<Fields>),
}

/// A condition on one value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Equals(Value),
    Prefix(Text),
    Suffix(Text),
    EqualsIgnoreCase(String),
    Wildcard(Wildcard),
    Numeric(Vec<(Sign, Number)>),
    Cidr(Network),
    Exists(bool),
    AnythingBut(Vec<Test>),
}

/// A text to compare with, in lower case when the case is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    text: String,
    ignore_case: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// Leading bits that count.
    bits: u32,
}

impl Filter {
    /// Reads a pattern; an invalid one is refused with the place and the reason.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let fields = parse::pattern(text)?;
        let reads_body = fields.mentions("body");
        Ok(Self { fields, reads_body })
    }

    /// Whether a message with these parts matches; attributes are names and values. A body counts as JSON when it parses
    /// and `content_type`, if there is one, does not speak against it.
    pub fn matches<'a>(
        &self,
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
        content_type: Option<&str>,
        body: &[u8],
    ) -> bool {
        let mut event = Map::new();
        event.insert("attributes".into(), attribute_object(attributes));
        if self.reads_body
            && content_type.is_none_or(is_json)
            && let Ok(body) = serde_json::from_slice(body)
        {
            event.insert("body".into(), body);
        }
        self.fields.match_object(&event)
    }
}

/// A name that comes twice has two values, as an array has.
fn attribute_object<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in attributes {
        values.entry(name).or_default().push(value);
    }
    values.into_iter().map(|(name, values)| (name, Value::from(values))).collect()
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(media_type.as_str(), "application/json" | "text/json") || media_type.ends_with("+json")
}

impl Fields {
    fn mentions(&self, name: &str) -> bool {
        self.0.iter().any(|clause| match clause {
            Clause::Object(field, _) | Clause::Leaf(field, _) => field == name,
            Clause::Or(branches) => branches.iter().any(|branch| branch.mentions(name)),
        })
    }

    fn match_object(&self, object: &Map<String, Value>) -> bool {
        self.0.iter().all(|clause| match clause {
            Clause::Object(name, fields) => fields.match_value(object.get(name)),
            Clause::Leaf(name, tests) => match_leaf(tests, object.get(name)),
            Clause::Or(branches) => branches.iter().any(|branch| branch.match_object(object)),
        })
    }

    /// What is no object matches like an empty one: `exists: false` holds for every field of it.
    fn match_value(&self, value: Option<&Value>) -> bool {
        match value {
            Some(Value::Object(object)) => self.match_object(object),
            Some(Value::Array(elements)) if !elements.is_empty() => {
                elements.iter().any(|element| self.match_value(Some(element)))
            }
            _ => self.match_object(&Map::new()),
        }
    }
}

fn match_leaf(tests: &[Test], value: Option<&Value>) -> bool {
    let mut leaves = Vec::new();
    if let Some(value) = value {
        collect_leaves(value, &mut leaves);
    }
    tests.iter().any(|test| match test {
        Test::Exists(wanted) => *wanted != leaves.is_empty(),
        test => leaves.iter().any(|leaf| test.accepts(leaf)),
    })
}

/// The values in `value` that are neither objects nor arrays; objects are reached by patterns of their own.
fn collect_leaves<'a>(value: &'a Value, leaves: &mut Vec<&'a Value>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| collect_leaves(element, leaves)),
        Value::Object(_) => {}
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => leaves.push(value),
    }
}

impl Test {
    fn accepts(&self, leaf: &Value) -> bool {
        match (self, leaf) {
            (Self::Equals(Value::Number(wanted)), Value::Number(number)) => compare(number, wanted).is_eq(),
            (Self::Equals(wanted), leaf) => wanted == leaf,
            (Self::Prefix(prefix), Value::String(text)) => prefix.fold(text).starts_with(&prefix.text),
            (Self::Suffix(suffix), Value::String(text)) => suffix.fold(text).ends_with(&suffix.text),
            (Self::EqualsIgnoreCase(wanted), Value::String(text)) => text.to_lowercase() == *wanted,
            (Self::Wildcard(wildcard), Value::String(text)) => wildcard.matches(text),
            (Self::Numeric(bounds), Value::Number(number)) => {
                bounds.iter().all(|(sign, bound)| sign.holds(compare(number, bound)))
            }
            (Self::Cidr(network), Value::String(text)) => text.parse().is_ok_and(|address| network.contains(address)),
            (Self::AnythingBut(tests), leaf) => !tests.iter().any(|test| test.accepts(leaf)),
            _ => false,
        }
    }
}

impl Text {
    fn fold<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.ignore_case { text.to_lowercase().into() } else { text.into() }
    }
}

/// By value: `1`, `1.0` and `1e0` are equal. Integers compare exactly, everything else as floating point.
fn compare(left: &Number, right: &Number) -> Ordering {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => {
            let float = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
            // JSON has no NaN, so two numbers always compare.
            float(left).partial_cmp(&float(right)).unwrap_or(Ordering::Less)
        }
    }
}

impl Sign {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        let differing = leading_bits(self.address) ^ leading_bits(address);
        self.address.is_ipv4() == address.is_ipv4() && differing.checked_shr(u128::BITS - self.bits).unwrap_or(0) == 0
    }
}

/// The address with its first bit as the highest.
fn leading_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}
