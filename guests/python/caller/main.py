from wasm_faas import Answer, Event, function, invoke


@function
def handle(event: Event) -> Answer | str:
    """Invokes the first of the functions that the event's data lists, with the others; at the end it is done."""
    match event.json():
        case [first, *others]:
            return invoke(first, others)
    return "the end of the chain"
