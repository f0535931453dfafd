"""Tells the queue `seen` what it knows of each event, then does what the event's data says: `reject` or `retry`."""

import json

from wasm_faas import Event, Queue, Rejected, Response, Retry, context, function


@function
def handle(event: Event) -> Response:
    seen = {
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "trigger": trigger(event),
        "attempt": context.current().attempt,
        "data": event.text(),
    }
    Queue.open("seen").send(json.dumps(seen))
    match event.text():
        case "reject":
            raise Rejected("rejected on request")
        case "retry":
            raise Retry("not now")
    return Response.json({"seen": event.id})


def trigger(event: Event) -> list[str | int | None]:
    """The kind, the name and what changed."""
    trigger = event.trigger
    match trigger.kind:
        case "http":
            return [trigger.kind, trigger.path]
        case "queue" | "topic":
            return [trigger.kind, trigger.source, trigger.group]
        case "schedule":
            return [trigger.kind, trigger.schedule]
        case "blob" if trigger.change == "created":
            return [trigger.kind, trigger.container, trigger.key, trigger.change, trigger.size]
        case "blob":
            return [trigger.kind, trigger.container, trigger.key, trigger.change]
        case "kv":
            return [trigger.kind, trigger.bucket, trigger.key, trigger.change]
        case _:
            return [trigger.kind]
