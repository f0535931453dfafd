use serde_json::{Value, json};
use wasm_faas::{BlobChangeKind, Delivery, Event, HttpRequest, KvChangeKind, Trigger};

use crate::values::{Bytes, epoch_ms, names, pairs};

pub(crate) fn describe(event: &Event) -> Value {
    json!({
        "id": event.id,
        "source": event.source,
        "type": event.r#type,
        "subject": event.subject,
        "time_ms": epoch_ms(event.time),
        "content_type": event.content_type,
        "attributes": names(&event.attributes),
        "data": Bytes(event.data.clone()),
        "trigger": trigger(&event.trigger),
    })
}

fn trigger(trigger: &Trigger) -> Value {
    match trigger {
        Trigger::Invoke => json!({ "kind": "invoke" }),
        Trigger::Http(request) => http(request),
        Trigger::Queue(message) => delivery("queue", message),
        Trigger::Topic(message) => delivery("topic", message),
        Trigger::Schedule(tick) => {
            json!({ "kind": "schedule", "schedule": tick.schedule, "planned_ms": epoch_ms(tick.planned) })
        }
        Trigger::Blob(change) => json!({
            "kind": "blob",
            "container": change.container,
            "key": change.key,
            "change": match change.kind {
                BlobChangeKind::Created => "created",
                BlobChangeKind::Removed => "removed",
            },
            "etag": change.etag,
            "size": change.size,
        }),
        Trigger::Kv(change) => json!({
            "kind": "kv",
            "bucket": change.bucket,
            "key": change.key,
            "change": match change.kind {
                KvChangeKind::Set => "set",
                KvChangeKind::Removed => "removed",
                KvChangeKind::Expired => "expired",
            },
            "version": change.version,
        }),
    }
}

fn http(request: &HttpRequest) -> Value {
    json!({
        "kind": "http",
        "method": request.method,
        "path": request.path,
        "route": request.route,
        "parameters": pairs(&request.parameters),
        "query": pairs(&request.query),
        "headers": pairs(&request.headers),
    })
}

fn delivery(kind: &str, delivery: &Delivery) -> Value {
    json!({
        "kind": kind,
        "source": delivery.source,
        "message_id": delivery.message_id,
        "receive_count": delivery.receive_count,
        "sent_at_ms": epoch_ms(delivery.sent_at),
        "first_received_at_ms": epoch_ms(delivery.first_received_at),
        "group": delivery.group,
    })
}
