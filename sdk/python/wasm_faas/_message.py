"""What queues and topics take."""

from __future__ import annotations

from dataclasses import dataclass

from ._values import Attributes, Duration


@dataclass(slots=True)
class Message:
    """A message to send or publish.

    The body is bytes, a string, or something for JSON. Body, content type and attributes are at most 256 KiB together
    unless the queue says otherwise.
    """

    body: object
    content_type: str | None = None
    """Follows from the body when absent: plain text for a string, none for bytes, JSON for anything else."""
    attributes: Attributes | None = None
    """At most 32, names `[A-Za-z0-9_.-]{1,64}`, together at most 16 KiB."""
    delay: Duration | None = None
    """Not delivered before this time has passed; at most 7 days. Queues only."""
    group: str | None = None
    """Messages of one group are delivered in order where the queue is `fifo`. At most 128 bytes."""
    deduplication_id: str | None = None
    """Within the queue's window, a second message with the same id is not stored. At most 128 bytes."""
    ttl: Duration | None = None
    """Never delivered after this time. Queues only."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a message. It is durable when this is returned."""

    id: str
    """Of the message stored; for a duplicate, of the first one."""
    duplicate: bool
    """True when a message with the same deduplication id was there already; nothing was stored now."""
