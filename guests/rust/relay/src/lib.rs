//! Stores the event's data as a blob and publishes its key.

use serde_json::json;
use wasm_faas::blob::PutOptions;
use wasm_faas::{Container, Event, Response, Result, Topic};

#[wasm_faas::function]
fn handle(event: Event) -> Result<Response> {
    let options = PutOptions { content_type: event.content_type, ..PutOptions::default() };
    Container::open("inbox")?.put_with(&event.id, &event.data, options)?;
    Topic::open("stored")?.publish(event.id.as_str())?;
    Ok(Response::json(&json!({ "key": event.id })))
}
