//! Counts events by subject and sends each new count to a queue.

use serde_json::json;
use wasm_faas::{Bucket, Event, Queue, Response, Result};

#[wasm_faas::function]
fn handle(event: Event) -> Result<Response> {
    let key = event.subject.as_deref().unwrap_or("total");
    let count = Bucket::open("visits")?.increment(key, 1)?;
    Queue::open("counts")?.send(count.to_string())?;
    Ok(Response::json(&json!({ "count": count })))
}
