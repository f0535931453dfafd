from wasm_faas import Event, function


@function
def handle(event: Event) -> str:
    return f"Hello, {event.text() or 'world'}!"
