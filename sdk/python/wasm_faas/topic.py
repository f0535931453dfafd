"""Topics: what is published goes to every subscription whose filter matches, each with a queue of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from . import _host
from ._errors import Invalid, ServiceError
from ._host import answers, call
from ._message import Accepted, Message
from ._values import attributes, optional_text, payload, text

if TYPE_CHECKING:
    from wit_world.imports import topic, types


class Topic:
    """A topic that the function was granted."""

    def __init__(self, raw: topic.Topic) -> None:
        self._raw = raw

    @classmethod
    def open(cls, name: str) -> Topic:
        """Errors: `AccessDenied`, `NotFound`, `Unavailable`."""
        return cls(call(_host.topic.Topic.open, text(name, "name")))

    def publish(self, message: object) -> Accepted:
        """Publishes a `Message`, or what can be the body of one.

        When it returns, every subscription that matches has the message, durably. Needs the right `publish`.
        """
        return _accepted(call(self._raw.publish, _message(message)))

    def publish_batch(self, messages: Iterable[object]) -> list[Accepted | ServiceError]:
        """1 to 100 messages, 1 MiB together. Each succeeds or fails for itself, in the order of the messages."""
        return answers(call(self._raw.publish_batch, [_message(message) for message in messages]), _accepted)


def _message(message: object) -> topic.Message:
    if not isinstance(message, Message):
        message = Message(message)
    if message.delay is not None or message.ttl is not None:
        raise Invalid("a message that is published has no `delay` and no `ttl`")
    body, content_type = payload(message.body)
    return _host.topic.Message(
        body,
        optional_text(message.content_type, "content_type") or content_type,
        attributes(message.attributes, "attribute"),
        optional_text(message.group, "group"),
        optional_text(message.deduplication_id, "deduplication_id"),
    )


def _accepted(raw: types.Accepted) -> Accepted:
    return Accepted(raw.id, raw.duplicate)
