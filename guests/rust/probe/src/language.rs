//! What the language offers by itself, without the SDK.

use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;
use wasm_faas::context;

use crate::values::{Failure, epoch_ms};

#[derive(Deserialize)]
#[serde(tag = "op")]
enum Op {
    #[serde(rename = "lang.random")]
    Random,
    #[serde(rename = "lang.uuid")]
    Uuid,
    #[serde(rename = "lang.now_ms")]
    Now,
    #[serde(rename = "lang.print")]
    Print { text: String },
    #[serde(rename = "lang.environment")]
    Environment,
    #[serde(rename = "lang.read_file")]
    ReadFile { path: String },
}

pub(crate) fn run(step: Value) -> Result<Value, Failure> {
    Ok(match serde_json::from_value(step)? {
        Op::Random => random().into(),
        Op::Uuid => uuid().into(),
        Op::Now => epoch_ms(SystemTime::now()).into(),
        Op::Print { text } => {
            println!("{text}");
            eprintln!("{text}");
            Value::Null
        }
        Op::Environment => std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect(),
        Op::ReadFile { path } => {
            std::fs::read_to_string(path).map_err(|error| Failure::new("io", error.to_string()))?.into()
        }
    })
}

/// The standard library's only random numbers are the seeds of its hash maps.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

/// Version 4 of RFC 9562: random but for the version and the variant.
fn uuid() -> String {
    let mut uuid = String::with_capacity(36);
    for (index, byte) in context::random_bytes(16).into_iter().enumerate() {
        let byte = match index {
            6 => (byte & 0x0f) | 0x40,
            8 => (byte & 0x3f) | 0x80,
            _ => byte,
        };
        let separator = if [4, 6, 8, 10].contains(&index) { "-" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(uuid, "{separator}{byte:02x}");
    }
    uuid
}
