//! What queues and topics share: attributes and the limits of a message.

use super::{Error, Result};

pub const ATTRIBUTES: usize = 32;
pub const ATTRIBUTE_BYTES: usize = 16 << 10;
pub const ATTRIBUTE_NAME_BYTES: usize = 64;
pub const BATCH_MESSAGES: usize = 100;
pub const BATCH_BYTES: usize = 1 << 20;
/// Of a group or a deduplication id.
pub const ID_BYTES: usize = 128;
/// Attribute names that start with this are the host's.
pub const RESERVED_PREFIX: &str = "faas-";

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attribute {
    pub name: String,
    pub value: String,
}

/// What became of a message; durable when this is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// A ULID; for a duplicate, of the first one.
    pub id: String,
    pub duplicate: bool,
}

/// Bytes that count against a message's size.
pub(super) fn size(body: &[u8], content_type: Option<&str>, attributes: &[Attribute]) -> usize {
    body.len() + content_type.map_or(0, str::len) + attribute_bytes(attributes)
}

fn attribute_bytes(attributes: &[Attribute]) -> usize {
    attributes.iter().map(|attribute| attribute.name.len() + attribute.value.len()).sum()
}

/// Names `[A-Za-z0-9_.-]{1,64}`, not the host's own, at most 32 and 16 KiB.
pub(super) fn check_attributes(attributes: &[Attribute]) -> Result<()> {
    if attributes.len() > ATTRIBUTES {
        return Err(Error::TooLarge(ATTRIBUTES as u64));
    }
    if attribute_bytes(attributes) > ATTRIBUTE_BYTES {
        return Err(Error::TooLarge(ATTRIBUTE_BYTES as u64));
    }
    for Attribute { name, .. } in attributes {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if name.is_empty() || name.len() > ATTRIBUTE_NAME_BYTES || !name.chars().all(fits) {
            return Err(Error::Invalid(format!("attribute name {name:?} does not match `[A-Za-z0-9_.-]{{1,64}}`")));
        }
        if name.starts_with(RESERVED_PREFIX) {
            return Err(Error::Invalid(format!("attribute name `{name}`: names starting with `faas-` are the host's")));
        }
    }
    Ok(())
}

/// A group or a deduplication id: 1 to 128 bytes.
pub(super) fn check_id(what: &str, id: Option<&str>) -> Result<()> {
    match id {
        Some("") => Err(Error::Invalid(format!("the {what} is empty"))),
        Some(id) if id.len() > ID_BYTES => Err(Error::TooLarge(ID_BYTES as u64)),
        _ => Ok(()),
    }
}

/// The backend's answer for a batch of one.
pub fn only<T>(mut answers: Vec<Result<T>>) -> Result<T> {
    answers.pop().unwrap_or_else(unanswered)
}

/// An answer for every entry of a batch: that of its check where it failed, else the backend's next.
pub(super) fn each<T, U>(checks: Vec<Result<T>>, answers: Vec<Result<U>>) -> Vec<Result<U>> {
    let mut answers = answers.into_iter();
    checks.into_iter().map(|check| check.and_then(|_| answers.next().unwrap_or_else(unanswered))).collect()
}

fn unanswered<T>() -> Result<T> {
    Err(Error::UnknownOutcome("the backend did not answer".into()))
}

/// A batch has 1 to 100 entries and at most 1 MiB.
pub(super) fn check_batch(entries: usize, bytes: usize) -> Result<()> {
    match entries {
        0 => Err(Error::Invalid("the batch is empty".into())),
        1..=BATCH_MESSAGES if bytes <= BATCH_BYTES => Ok(()),
        1..=BATCH_MESSAGES => Err(Error::TooLarge(BATCH_BYTES as u64)),
        _ => Err(Error::TooLarge(BATCH_MESSAGES as u64)),
    }
}
