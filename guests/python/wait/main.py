import asyncio

from wasm_faas import Event, Response, function


@function
async def handle(event: Event) -> Response:
    milliseconds = int(event.text())
    await asyncio.sleep(milliseconds / 1000)
    return Response.json({"waited": milliseconds})
