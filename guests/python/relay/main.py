from wasm_faas import Container, Event, Response, Topic, function


@function
def handle(event: Event) -> Response:
    Container.open("inbox").put(event.id, event.data, content_type=event.content_type)
    Topic.open("stored").publish(event.id)
    return Response.json({"key": event.id})
