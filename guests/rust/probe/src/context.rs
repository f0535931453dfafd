use std::fmt::Display;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use wasm_faas::{context, log};

use crate::values::{Bytes, Failure, Names, epoch_ms, milliseconds};

#[derive(Deserialize)]
#[serde(tag = "op")]
enum Op {
    #[serde(rename = "context.current")]
    Current,
    #[serde(rename = "context.remaining_time_ms")]
    RemainingTime,
    #[serde(rename = "context.remaining_fuel")]
    RemainingFuel,
    #[serde(rename = "context.now_ms")]
    Now,
    #[serde(rename = "context.random")]
    Random { count: u32 },
    #[serde(rename = "context.sleep")]
    Sleep { duration_ms: u64 },
    #[serde(rename = "context.log")]
    Log { level: Level, message: String, fields: Option<Names> },
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

pub(crate) fn run(step: Value) -> Result<Value, Failure> {
    Ok(match serde_json::from_value(step)? {
        Op::Current => current(),
        Op::RemainingTime => milliseconds(context::remaining_time()).into(),
        Op::RemainingFuel => context::remaining_fuel().into(),
        Op::Now => epoch_ms(context::now()).into(),
        Op::Random { count } => json!(Bytes(context::random_bytes(count))),
        Op::Sleep { duration_ms } => {
            context::sleep(Duration::from_millis(duration_ms));
            Value::Null
        }
        Op::Log { level, message, fields } => {
            write_log(&level, &message, &fields.unwrap_or_default());
            Value::Null
        }
    })
}

fn current() -> Value {
    let invocation = context::current();
    json!({
        "id": invocation.id,
        "function": invocation.function,
        "version": invocation.version,
        "attempt": invocation.attempt,
        "deadline_ms": epoch_ms(invocation.deadline),
        "memory_limit": invocation.memory_limit,
        "fuel_limit": invocation.fuel_limit,
        "traceparent": invocation.traceparent,
    })
}

fn write_log(level: &Level, message: &str, fields: &Names) {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value as &dyn Display)).collect();
    match level {
        Level::Trace => log::trace(message, &fields),
        Level::Debug => log::debug(message, &fields),
        Level::Info => log::info(message, &fields),
        Level::Warn => log::warn(message, &fields),
        Level::Error => log::error(message, &fields),
    }
}
