"""A `wasi:http` 0.2 server as componentize-py's users write it: its bindings and its event loop, no SDK."""

import asyncio

from componentize_py_types import Ok
from poll_loop import PollLoop, Sink, Stream
from wit_world import exports
from wit_world.imports.types import Fields, IncomingRequest, OutgoingResponse, ResponseOutparam

# Requests that this instance has met.
count = 0


class IncomingHandler(exports.IncomingHandler):
    """What the world `wasi:http/proxy` exports."""

    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        global count
        count += 1
        loop = PollLoop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(answer(request, response_out))


async def answer(request: IncomingRequest, out: ResponseOutparam) -> None:
    target = request.path_with_query() or ""
    path = target.partition("?")[0]
    match path.split("/")[1:]:
        case ["hello"]:
            await text(out, 200, "hello from componentize-py")
        case ["count"]:
            await text(out, 200, str(count))
        case ["headers"]:
            await text(out, 200, described(request, target))
        case ["echo"]:
            await echo(request, out)
        case ["trap"]:
            raise RuntimeError("a trap was asked for")
        case ["status", code] if code.isdigit():
            await text(out, int(code), "")
        case _:
            await text(out, 404, "")


def described(request: IncomingRequest, target: str) -> str:
    method = type(request.method()).__name__.removeprefix("Method_").upper()
    colour = b",".join(request.headers().get("x-colour")).decode()
    return f"{method} {target} {colour}"


async def echo(request: IncomingRequest, out: ResponseOutparam) -> None:
    """Sends each chunk back before it reads the next."""
    source = Stream(request.consume())
    sink = start(out, 200, [])
    while (chunk := await source.next()) is not None:
        await sink.send(chunk)
    sink.close()


async def text(out: ResponseOutparam, status: int, text: str) -> None:
    sink = start(out, status, [("content-type", b"text/plain; charset=utf-8")])
    await sink.send(text.encode())
    sink.close()


def start(out: ResponseOutparam, status: int, headers: list[tuple[str, bytes]]) -> Sink:
    """Sends the head; the body goes to what is returned."""
    response = OutgoingResponse(Fields.from_list(headers))
    response.set_status_code(status)
    sink = Sink(response.body())
    ResponseOutparam.set(out, Ok(response))
    return sink
