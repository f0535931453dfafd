//! Drives the SDK for the conformance tests: the event's data is a JSON array of steps, `{"op": "kv.get", "bucket": ...}`,
//! the answer an array with `{"ok": value}` or `{"error": {"code", "detail"}}` for each.

mod blob;
mod config;
mod context;
mod event;
mod functions;
mod kv;
mod language;
mod queue;
mod topic;
mod values;

use serde_json::{Value, json};
use values::Failure;
use wasm_faas::{Error, Event, Response, Result};

#[wasm_faas::function]
fn handle(event: Event) -> Result<Response> {
    let steps: Vec<Value> = event.json()?;
    let answers = steps.into_iter().map(|step| answer(&event, step)).collect::<Result<Vec<_>>>()?;
    Ok(Response::json(&answers))
}

fn answer(event: &Event, step: Value) -> Result<Value> {
    let op = step["op"].as_str().unwrap_or_default().to_owned();
    if op == "lang.raise" {
        return Err(Error::msg("raised on request"));
    }
    Ok(match run(event, &op, step) {
        Ok(value) => json!({ "ok": value }),
        Err(failure) => json!({ "error": failure }),
    })
}

fn run(event: &Event, op: &str, step: Value) -> Result<Value, Failure> {
    match op.split('.').next() {
        Some("kv") => kv::run(step),
        Some("queue") => queue::run(step),
        Some("topic") => topic::run(step),
        Some("blob") => blob::run(step),
        Some("functions") => functions::run(step),
        Some("config") => config::run(step),
        Some("context") => context::run(step),
        Some("lang") => language::run(step),
        Some("event") => Ok(event::describe(event)),
        _ => Err(Failure::invalid(format!("no such op: `{op}`"))),
    }
}
