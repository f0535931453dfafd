from wasm_faas import Container, Event, Message, Rejected, Response, Topic, function


@function
def handle(event: Event) -> Response:
    """Stores what is uploaded, then tells of it."""
    name = event.trigger.parameters["name"]
    kind = event.content_type
    if kind is None:
        raise Rejected("an upload needs a content-type")
    Container.open("uploads").put(name, event.data, content_type=kind)
    Topic.open("uploaded").publish(Message({"name": name, "size": len(event.data)}, attributes={"type": kind}))
    return Response.json({"stored": name}, status=201)
