"""Does what the data of each event says: `ok`, `reject`, `retry` or `trap`; counts in the bucket `seen`, where it may."""

import os

from wasm_faas import AccessDenied, Bucket, Event, Rejected, Retry, batch_function, each


@batch_function
def handle(events: list[Event]) -> list[Exception | None]:
    count(len(events))
    return each(events, answer)


def count(events: int) -> None:
    try:
        seen = Bucket.open("seen")
    except AccessDenied:
        return
    seen.increment("batches")
    seen.increment("events", events)


def answer(event: Event) -> None:
    match event.text():
        case "ok":
            return
        case "reject":
            raise Rejected("rejected on request")
        case "retry":
            raise Retry("not now")
        case "trap":
            os.abort()
        case other:
            raise ValueError(f"no such answer: {other}")
