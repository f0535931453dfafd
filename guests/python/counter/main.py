from wasm_faas import Bucket, Event, Queue, Response, function


@function
def handle(event: Event) -> Response:
    count = Bucket.open("visits").increment(event.subject or "total")
    Queue.open("counts").send(str(count))
    return Response.json({"count": count})
