"""Queues with leases.

A message is delayed, then ready, then leased to one receiver, and ends acknowledged, dead-lettered or expired.
Delivery is at least once. Every operation can raise a `ServiceError`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _host
from ._errors import ServiceError
from ._host import answers, call
from ._message import Accepted, Message
from ._values import (
    Duration,
    attributes,
    milliseconds,
    optional_milliseconds,
    optional_text,
    payload,
    text,
    texts,
    whole,
)

if TYPE_CHECKING:
    from wit_world.imports import queue, types


@dataclass(frozen=True, slots=True)
class Received:
    """A message under lease: acknowledge it, release it, or extend the lease before it ends."""

    id: str
    receipt: str
    """Names this delivery; new at each."""
    body: bytes
    content_type: str | None
    attributes: dict[str, str]
    group: str | None
    receive_count: int
    """1 at the first delivery."""
    sent_at_ms: int
    first_received_at_ms: int

    def text(self) -> str:
        """The body as UTF-8. Errors: `UnicodeDecodeError`, a `ValueError`."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON. Errors: `json.JSONDecodeError`, a `ValueError`."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Stats:
    """How many messages a queue holds."""

    ready: int
    delayed: int
    leased: int
    oldest_age_ms: int
    """Age of the oldest message that is ready; 0 when there is none."""
    exact: bool
    """False where the backend can only estimate."""


Receipt: TypeAlias = Received | str


class Queue:
    """A queue that the function was granted."""

    def __init__(self, raw: queue.Queue) -> None:
        self._raw = raw

    @classmethod
    def open(cls, name: str) -> Queue:
        """Errors: `AccessDenied`, `NotFound`, `Unavailable`."""
        return cls(call(_host.queue.Queue.open, text(name, "name")))

    def send(self, message: object) -> Accepted:
        """Stores a `Message`, or what can be the body of one. Needs the right `send`."""
        return _accepted(call(self._raw.send, _message(message)))

    def send_batch(self, messages: Iterable[object]) -> list[Accepted | ServiceError]:
        """1 to 100 messages, 1 MiB together. Each succeeds or fails for itself, in the order of the messages."""
        return answers(call(self._raw.send_batch, [_message(message) for message in messages]), _accepted)

    def receive(self, max: int = 1, *, wait: Duration = 0, lease: Duration | None = None) -> list[Received]:
        """At most `max` (1 to 100) messages, 1 MiB together; needs the right `receive`, as all below.

        Waits up to `wait` (at most 20 s) for the first one. The lease is 1 second to 12 hours, 30 seconds when absent.
        """
        wait_ms, lease_ms = milliseconds(wait, "wait", 32), optional_milliseconds(lease, "lease", 32)
        return [_received(raw) for raw in call(self._raw.receive, whole(max, "max", 32), wait_ms, lease_ms)]

    def acknowledge(self, messages: Iterable[Receipt]) -> list[ServiceError | None]:
        """Removes 1 to 100 messages for good; None for each that is, `LeaseLost` where the lease has ended."""
        if isinstance(messages, Received):
            messages = [messages]
        return answers(call(self._raw.acknowledge, texts(map(_receipt, messages), "messages")), lambda _: None)

    def release(self, message: Receipt, *, delay: Duration = 0) -> None:
        """Gives the message back: ready again after `delay` (at most 12 hours), its receive count kept."""
        call(self._raw.release, text(_receipt(message), "message"), milliseconds(delay, "delay"))

    def extend(self, message: Receipt, lease: Duration) -> None:
        """Lets the lease end `lease` (1 second to 12 hours) from now. Errors: `LeaseLost`."""
        call(self._raw.extend, text(_receipt(message), "message"), milliseconds(lease, "lease", 32))

    def stats(self) -> Stats:
        """How many messages there are. Needs either right."""
        raw = call(self._raw.stats)
        return Stats(raw.ready, raw.delayed, raw.leased, raw.oldest_age_ms, raw.exact)


def _message(message: object) -> queue.Message:
    if not isinstance(message, Message):
        message = Message(message)
    body, content_type = payload(message.body)
    return _host.queue.Message(
        body,
        optional_text(message.content_type, "content_type") or content_type,
        attributes(message.attributes, "attribute"),
        optional_milliseconds(message.delay, "delay"),
        optional_text(message.group, "group"),
        optional_text(message.deduplication_id, "deduplication_id"),
        optional_milliseconds(message.ttl, "ttl"),
    )


def _accepted(raw: types.Accepted) -> Accepted:
    return Accepted(raw.id, raw.duplicate)


def _receipt(message: Receipt) -> str:
    return message.receipt if isinstance(message, Received) else message


def _received(raw: queue.Delivered) -> Received:
    return Received(
        raw.id,
        raw.receipt,
        raw.body,
        raw.content_type,
        {attribute.name: attribute.value for attribute in raw.attributes},
        raw.group,
        raw.receive_count,
        raw.sent_at_ms,
        raw.first_received_at_ms,
    )
