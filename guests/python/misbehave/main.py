"""Does what the event's data says, in order to see what the host makes of it."""

import os
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from wasm_faas import Event, Rejected, Response, Retry, function, log

kept: list[bytes] = []


def spin() -> NoReturn:
    while True:
        pass


def grow() -> NoReturn:
    while True:
        kept.append(bytes(1_000_000))


def recurse() -> None:
    recurse()


def leave() -> None:
    sys.exit(3)


def reject() -> None:
    raise Rejected("rejected on request")


def retry() -> None:
    raise Retry("try again later", after=1.5)


def throw() -> None:
    raise RuntimeError("thrown on request")


def big() -> Response:
    return Response.bytes(bytes(100_000_000))


def flood() -> NoReturn:
    while True:
        log.info("one line of a flood")


def sleep(milliseconds: int = 60_000) -> str:
    time.sleep(milliseconds / 1000)
    return "slept"


misbehaviours: dict[str, Callable[..., object]] = {
    "spin": spin,
    "grow": grow,
    "recurse": recurse,
    "trap": os.abort,
    "exit": leave,
    "reject": reject,
    "retry": retry,
    "throw": throw,
    "big": big,
    "flood": flood,
    "sleep": sleep,
}


@function
def handle(event: Event) -> object:
    match event.text().split():
        case [name] if name in misbehaviours:
            return misbehaviours[name]()
        case ["sleep", milliseconds]:
            return sleep(int(milliseconds))
    raise Rejected(f"no such misbehaviour: {event.text()}")
