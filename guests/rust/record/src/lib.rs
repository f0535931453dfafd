//! Tells the queue `seen` what it knows of each event, then does what the event's data says: `reject` or `retry`.

use serde_json::{Value, json};
use wasm_faas::{BlobChangeKind, Event, KvChangeKind, Queue, Rejected, Response, Result, Retry, Trigger, context};

#[wasm_faas::function]
fn handle(event: Event) -> Result<Response> {
    let data = String::from_utf8_lossy(&event.data).into_owned();
    let seen = json!({
        "source": event.source,
        "type": event.r#type,
        "subject": event.subject,
        "trigger": trigger(&event.trigger),
        "attempt": context::current().attempt,
        "data": data,
    });
    Queue::open("seen")?.send(seen.to_string())?;
    match data.as_str() {
        "reject" => Err(Rejected::new("rejected on request").into()),
        "retry" => Err(Retry::new("not now").into()),
        _ => Ok(Response::json(&json!({ "seen": event.id }))),
    }
}

/// The kind, the name and what changed.
fn trigger(trigger: &Trigger) -> Value {
    match trigger {
        Trigger::Invoke => json!(["invoke"]),
        Trigger::Http(request) => json!(["http", request.path]),
        Trigger::Queue(message) => json!(["queue", message.source, message.group]),
        Trigger::Topic(message) => json!(["topic", message.source, message.group]),
        Trigger::Schedule(tick) => json!(["schedule", tick.schedule]),
        Trigger::Blob(change) => match change.kind {
            BlobChangeKind::Created => json!(["blob", change.container, change.key, "created", change.size]),
            BlobChangeKind::Removed => json!(["blob", change.container, change.key, "removed"]),
        },
        Trigger::Kv(change) => match change.kind {
            KvChangeKind::Set => json!(["kv", change.bucket, change.key, "set"]),
            KvChangeKind::Removed => json!(["kv", change.bucket, change.key, "removed"]),
            KvChangeKind::Expired => json!(["kv", change.bucket, change.key, "expired"]),
        },
    }
}
