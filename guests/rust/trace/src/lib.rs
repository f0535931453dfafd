//! Leaves two traces of each event, with time between them in which a host can die: counts the event by its id in the bucket
//! `handled`, and tells the queue `seen` of it.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;
use wasm_faas::{Bucket, Event, Queue, Response, Result, Trigger, context};

/// Milliseconds between the traces, unless the event's attribute `pause-ms` says otherwise.
const PAUSE_MS: u64 = 20;

#[wasm_faas::function]
fn handle(event: Event) -> Result<Response> {
    let count = Bucket::open("handled")?.increment(&event.id, 1)?;
    let pause = event.attributes.get("pause-ms").map_or(Ok(PAUSE_MS), str::parse)?;
    context::sleep(Duration::from_millis(pause));
    let group = match &event.trigger {
        Trigger::Queue(message) => message.group.as_deref(),
        _ => None,
    };
    let trace = json!({
        "id": event.id,
        "source": event.source,
        "group": group,
        "time_ms": u64::try_from(event.time.duration_since(UNIX_EPOCH)?.as_millis())?,
        "attempt": context::current().attempt,
        "data": event.text()?,
    });
    Queue::open("seen")?.send(trace.to_string())?;
    Ok(Response::json(&json!({ "count": count })))
}
