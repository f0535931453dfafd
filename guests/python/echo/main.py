from wasm_faas import Event, Response, function


@function
def handle(event: Event) -> Response:
    return Response(event.data, event.content_type, attributes=event.attributes)
