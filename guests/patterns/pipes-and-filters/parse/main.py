import json

from wasm_faas import Event, Queue, Rejected, function


@function
def handle(event: Event) -> None:
    """Makes a sale of a line: `anna; tea; 3`."""
    match [field.strip() for field in event.text().split(";")]:
        case [who, what, count] if count.isdecimal():
            Queue.open("parsed").send(json.dumps({"who": who, "what": what, "count": int(count)}))
        case _:
            raise Rejected("a line is `who; what; count`")
