"""What a handler receives."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    from wit_world.imports import types

Pairs: TypeAlias = list[tuple[str, str]]


@dataclass(slots=True)
class Invoke:
    """Invoked by name, from the command line or by another function."""

    kind: ClassVar[str] = "invoke"


@dataclass(slots=True)
class HttpRequest:
    """An HTTP request; its body is the event's data."""

    kind: ClassVar[str] = "http"

    method: str
    """Upper case as sent: `GET`."""
    path: str
    """The path without the query, percent-encoded as sent; starts with `/`."""
    route: str | None = None
    """The route that matched: `/users/{id}`."""
    parameters: dict[str, str] = field(default_factory=dict)
    """The route's parameters, decoded."""
    query: Pairs = field(default_factory=list)
    """The query's pairs in order, decoded. A name may come more than once."""
    headers: Pairs = field(default_factory=list)
    """In order, names in lower case. A name may come more than once."""

    def header(self, name: str) -> str | None:
        """The first header of this name, in any case."""
        return next((value for header, value in self.headers if header == name.lower()), None)

    def argument(self, name: str) -> str | None:
        """The first value of this name in the query."""
        return next((value for argument, value in self.query if argument == name), None)


@dataclass(slots=True)
class Delivery:
    """A message; its body is the event's data."""

    source: str
    """The queue's or topic's name."""
    message_id: str
    receive_count: int
    """1 at the first delivery."""
    sent_at_ms: int
    first_received_at_ms: int
    group: str | None = None


@dataclass(slots=True)
class QueueDelivery(Delivery):
    """A message from a queue."""

    kind: ClassVar[str] = "queue"


@dataclass(slots=True)
class TopicDelivery(Delivery):
    """A message from a subscription to a topic."""

    kind: ClassVar[str] = "topic"


@dataclass(slots=True)
class Tick:
    """An instant that a schedule named."""

    kind: ClassVar[str] = "schedule"

    schedule: str
    planned_ms: int
    """May lie before now."""


@dataclass(slots=True)
class BlobChange:
    """An object of a container was stored or removed."""

    kind: ClassVar[str] = "blob"

    container: str
    key: str
    change: Literal["created", "removed"]
    etag: str | None = None
    size: int | None = None


@dataclass(slots=True)
class KvChange:
    """A key of a bucket was set or removed, or has expired."""

    kind: ClassVar[str] = "kv"

    bucket: str
    key: str
    change: Literal["set", "removed", "expired"]
    version: int | None = None


Trigger: TypeAlias = Invoke | HttpRequest | QueueDelivery | TopicDelivery | Tick | BlobChange | KvChange


@dataclass(slots=True)
class Event:
    """Something that happened, CloudEvents 1.0 in shape: `source` and `id` together identify it.

    Times are milliseconds since the Unix epoch. All but the data has a default, so that a test can write
    `handle(Event(b"..."))`.
    """

    data: bytes = b""
    id: str = "1"
    """The same on every retry of this event."""
    source: str = "/run"
    """Where it comes from: `/queues/orders`, `/http/checkout`, `/schedules/nightly`, `/run`."""
    type: str = "faas.invoke"
    """What kind it is: `faas.invoke`, `faas.http.request`, `faas.queue.message`, or the author's own."""
    subject: str | None = None
    """What it is about inside its source, for example an object's key."""
    time_ms: int = 0
    """When it happened."""
    content_type: str | None = None
    """Media type of `data`."""
    attributes: dict[str, str] = field(default_factory=dict)
    trigger: Trigger = field(default_factory=Invoke)
    """What is particular to the kind of source."""

    @property
    def time(self) -> datetime:
        """When it happened, in UTC."""
        return datetime.fromtimestamp(self.time_ms / 1000, UTC)

    def text(self) -> str:
        """The data as UTF-8. Errors: `UnicodeDecodeError`, a `ValueError`."""
        return self.data.decode()

    def json(self) -> Any:
        """The data as JSON. Errors: `json.JSONDecodeError`, a `ValueError`."""
        return json.loads(self.data)


def from_host(raw: types.Event) -> Event:
    """The event as the generated bindings give it."""
    return Event(
        raw.data,
        raw.id,
        raw.source,
        raw.type,
        raw.subject,
        raw.time_ms,
        raw.content_type,
        {attribute.name: attribute.value for attribute in raw.attributes},
        _TRIGGERS[type(raw.trigger).__name__](getattr(raw.trigger, "value", None)),
    )


def _pairs(attributes: list[types.Attribute]) -> Pairs:
    return [(attribute.name, attribute.value) for attribute in attributes]


def _http(raw: types.HttpRequest) -> HttpRequest:
    parameters = dict(_pairs(raw.parameters))
    return HttpRequest(raw.method, raw.path, raw.route, parameters, _pairs(raw.query), _pairs(raw.headers))


def _delivery(raw: types.Delivery) -> tuple[str, str, int, int, int, str | None]:
    return raw.source, raw.message_id, raw.receive_count, raw.sent_at_ms, raw.first_received_at_ms, raw.group


_TRIGGERS: dict[str, Any] = {
    "Trigger_Invoke": lambda _: Invoke(),
    "Trigger_Http": _http,
    "Trigger_Queue": lambda raw: QueueDelivery(*_delivery(raw)),
    "Trigger_Topic": lambda raw: TopicDelivery(*_delivery(raw)),
    "Trigger_Schedule": lambda raw: Tick(raw.schedule, raw.planned_ms),
    "Trigger_Blob": lambda raw: BlobChange(raw.container, raw.key, raw.kind.name.lower(), raw.etag, raw.size),
    "Trigger_Kv": lambda raw: KvChange(raw.bucket, raw.key, raw.kind.name.lower(), raw.version),
}
"""The generated class of each case of the WIT variant `trigger`, and what makes ours from its value."""
