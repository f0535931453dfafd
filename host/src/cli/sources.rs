//! The event sources of a manifest, as people and machines read of them.

use serde_json::{Value, json};

use super::error::CliError;
use super::table::columns;
use crate::config::{EventSource, Origin};
use crate::engine::shape::Handler;

/// After an empty line, each in a line: `queue  orders  bill`. Nothing when there are none.
pub(super) fn text(sources: &[EventSource]) -> String {
    if sources.is_empty() {
        return String::new();
    }
    let rows = sources.iter().map(|source| {
        let from = match &source.origin {
            Origin::Schedule(ticks) => format!("{} {}", ticks.name, ticks.schedule.text()),
            origin => from(origin, source).unwrap_or("asynchronous").into(),
        };
        [source.origin.word().into(), from, source.function.clone()]
    });
    format!("\n{}", columns("  ", &rows.collect::<Vec<_>>()))
}

pub(super) fn json(source: &EventSource) -> Value {
    json!({
        "kind": source.origin.word(),
        "from": from(&source.origin, source),
        "queue": source.queue,
        "function": source.function,
    })
}

/// What the events come from, by name.
fn from<'a>(origin: &'a Origin, source: &'a EventSource) -> Option<&'a str> {
    match origin {
        Origin::Queue => Some(&source.queue),
        Origin::Topic(name) | Origin::Blob(name) | Origin::Kv(name) => Some(name),
        Origin::Schedule(ticks) => Some(&ticks.name),
        Origin::Invoke(_) => None,
    }
}

/// Refuses a source whose function takes no events. A function that was not looked at may take some.
pub(super) fn check(source: &EventSource, handler: Option<Handler>) -> Result<(), CliError> {
    match handler {
        None | Some(Handler::Event | Handler::AsyncEvent | Handler::Batch) => Ok(()),
        Some(Handler::Http | Handler::Http3 | Handler::Command) => {
            let trigger = match source.origin {
                Origin::Invoke(_) => "`async`".into(),
                _ => format!("a {} trigger", source.origin.word()),
            };
            Err(CliError::NoEvents { function: source.function.clone(), trigger })
        }
    }
}
