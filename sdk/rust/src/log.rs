//! The function's log: a message and fields on one line. Both together are cut at 16 KiB; an invocation's lines over
//! 256 KiB are counted and dropped.
//!
//! ```no_run
//! # let (key, size) = ("a", 1);
//! wasm_faas::log::info("stored", &[("key", &key), ("size", &size)]);
//! ```

use std::fmt::Display;

use crate::bindings::function::wasm_faas::function::context::{self as raw, Attribute};

/// A field: its name and anything that can be written as text.
pub type Field<'a> = (&'a str, &'a dyn Display);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

pub fn trace(message: &str, fields: &[Field<'_>]) {
    log(Level::Trace, message, fields);
}

pub fn debug(message: &str, fields: &[Field<'_>]) {
    log(Level::Debug, message, fields);
}

pub fn info(message: &str, fields: &[Field<'_>]) {
    log(Level::Info, message, fields);
}

pub fn warn(message: &str, fields: &[Field<'_>]) {
    log(Level::Warn, message, fields);
}

pub fn error(message: &str, fields: &[Field<'_>]) {
    log(Level::Error, message, fields);
}

/// Writes one line at that level.
pub fn log(level: Level, message: &str, fields: &[Field<'_>]) {
    let level = match level {
        Level::Trace => raw::Level::Trace,
        Level::Debug => raw::Level::Debug,
        Level::Info => raw::Level::Info,
        Level::Warn => raw::Level::Warn,
        Level::Error => raw::Level::Error,
    };
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| Attribute { name: (*name).to_owned(), value: value.to_string() }).collect();
    raw::log(level, message, &fields);
}
