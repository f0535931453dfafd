//! Events from the command line: from text, or from a file in the CloudEvents JSON format.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::value::RawValue;

use super::CliError;
use crate::event::{Event, Pairs, Trigger};
use crate::services::Clock;
use crate::services::message::{ATTRIBUTE_BYTES, ATTRIBUTES};

/// The largest data of an event: what fits into a function's memory twice with the smallest useful limit.
pub(super) const DATA_BYTES: usize = 8 << 20;
const ID_BYTES: usize = 256;
/// What is read of an event file: the largest data with every byte escaped, as `\u0000`.
const FILE_BYTES: u64 = 6 * (8 << 20) + (1 << 20);

/// An event with what the flags say and the defaults for the rest; `source` says which command made it.
pub(super) fn from_text(data: &str, source: &str, kind: Option<String>) -> Result<Event, CliError> {
    let content_type = (!data.is_empty()).then(|| "text/plain; charset=utf-8".to_owned());
    checked(Event {
        id: ulid::Ulid::generate().to_string(),
        source: source.into(),
        kind: kind.unwrap_or_else(|| "faas.invoke".into()),
        subject: None,
        time_ms: Clock::System.now_ms(),
        content_type,
        attributes: Vec::new(),
        trigger: Trigger::Invoke,
        data: data.as_bytes().to_vec(),
    })
}

/// Reads a CloudEvents 1.0 event in JSON from a file, or from standard input for `-`. `id`, `source` and `type` may be
/// left out; `data` is any JSON value, a string standing for its text, and `data_base64` bytes. Attributes beyond those of the
/// specification become the event's attributes.
pub(super) fn from_file(path: &Path, source: &str, kind: Option<String>) -> Result<Event, CliError> {
    let text = read(path).map_err(|source| CliError::ReadEvent { path: path.into(), source })?;
    if text.len() as u64 > FILE_BYTES {
        return Err(CliError::LargeEvent { path: path.into(), limit: FILE_BYTES });
    }
    let bad = |message: String| CliError::BadEvent { path: path.into(), message };
    let value: &RawValue = serde_json::from_slice(&text).map_err(|error| bad(format!("it is no JSON: {error}")))?;
    let mut fields: Fields = serde_json::from_str(value.get())
        .map_err(|_| bad("expected a JSON object with an event in the CloudEvents format".into()))?;
    let mut event = from_text("", source, kind.clone())?;
    fill(&mut event, &mut fields).map_err(bad)?;
    event.kind = kind.unwrap_or(event.kind);
    check_limits(&event).map_err(bad)?;
    checked(event)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let limit = FILE_BYTES + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut text)?;
    } else {
        std::fs::File::open(path)?.take(limit).read_to_end(&mut text)?;
    }
    Ok(text)
}

/// The members of the event's object, each as it was written: its data must reach the function unchanged.
type Fields = BTreeMap<String, Box<RawValue>>;

fn fill(event: &mut Event, fields: &mut Fields) -> Result<(), String> {
    match take(fields, "specversion")? {
        Some(version) if version != "1.0" => return Err(format!("`specversion` is `{version}`, expected `1.0`")),
        _ => {}
    }
    let set = |to: &mut String, value: Option<String>| value.map(|value| *to = value);
    set(&mut event.id, take(fields, "id")?);
    set(&mut event.source, take(fields, "source")?);
    set(&mut event.kind, take(fields, "type")?);
    event.subject = take(fields, "subject")?;
    if let Some(time) = take(fields, "time")? {
        let time = humantime::parse_rfc3339(&time).map_err(|_| {
            format!("`time` is `{time}`, expected a time since 1970 in UTC, such as `2026-01-31T12:00:00Z`")
        })?;
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        event.time_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    }
    event.content_type = take(fields, "datacontenttype")?;
    event.data = data(event, fields)?;
    event.attributes = attributes(fields)?;
    Ok(())
}

/// A member's value. It was parsed once already, so that it is never the null of an error.
fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn take(fields: &mut Fields, name: &str) -> Result<Option<String>, String> {
    match fields.remove(name).map(|raw| value(&raw)) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("`{name}` is `{other}`, expected a text")),
    }
}

fn data(event: &mut Event, fields: &mut Fields) -> Result<Vec<u8>, String> {
    let base64 = take(fields, "data_base64")?;
    let raw = fields.remove("data");
    match (raw.as_ref().map(|raw| value(raw)), base64) {
        (Some(_), Some(_)) => Err("it has both `data` and `data_base64`, expected one of them".into()),
        (None, Some(text)) => STANDARD.decode(text).map_err(|_| "`data_base64` is no base64".into()),
        (None | Some(Value::Null), None) => Ok(Vec::new()),
        (Some(Value::String(text)), None) => {
            event.content_type.get_or_insert_with(|| "text/plain; charset=utf-8".into());
            Ok(text.into_bytes())
        }
        (Some(value), None) => {
            event.content_type.get_or_insert_with(|| "application/json".into());
            Ok(raw.map_or_else(|| value.to_string(), |raw| raw.get().to_owned()).into_bytes())
        }
    }
}

/// CloudEvents lets extension attributes be texts, numbers and booleans.
fn attributes(fields: &mut Fields) -> Result<Pairs, String> {
    fields.remove("dataschema");
    let attribute = |(name, raw): (String, Box<RawValue>)| match value(&raw) {
        Value::String(text) => Ok((name, text)),
        Value::Bool(_) | Value::Number(_) => Ok((name, raw.get().to_owned())),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(format!("the attribute `{name}` is `{raw}`, expected a text, a number or a boolean"))
        }
    };
    std::mem::take(fields).into_iter().map(attribute).collect()
}

/// What `wit/types.wit` promises of an event.
fn check_limits(event: &Event) -> Result<(), String> {
    if event.id.is_empty() || event.id.len() > ID_BYTES {
        return Err(format!("`id` has {} bytes, expected 1 to {ID_BYTES}", event.id.len()));
    }
    if event.attributes.len() > ATTRIBUTES {
        return Err(format!("it has {} attributes, expected at most {ATTRIBUTES}", event.attributes.len()));
    }
    let bytes: usize = event.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > ATTRIBUTE_BYTES {
        return Err(format!("its attributes have {bytes} bytes, expected at most {ATTRIBUTE_BYTES}"));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    match event.attributes.iter().find(|(name, _)| !(1..=64).contains(&name.len()) || !name.chars().all(fits)) {
        Some((name, _)) => Err(format!("the attribute name {name:?} does not match `[A-Za-z0-9_.-]{{1,64}}`")),
        None => Ok(()),
    }
}

fn checked(event: Event) -> Result<Event, CliError> {
    if event.data.len() > DATA_BYTES {
        return Err(CliError::LargeData { len: event.data.len(), limit: DATA_BYTES });
    }
    Ok(event)
}
