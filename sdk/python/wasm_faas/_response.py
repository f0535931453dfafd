"""What a handler answers."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _host
from ._values import BINARY, JSON, TEXT, Attributes, attributes, optional_text, payload, text, to_json, whole
from .functions import Answer

if TYPE_CHECKING:
    from wit_world.imports import types


@dataclass(slots=True)
class Response:
    """An answer in full; most handlers can return a string, bytes, or something for JSON instead."""

    data: builtins.bytes = b""
    content_type: str | None = None
    status: int | None = None
    """HTTP status where the caller speaks HTTP; 200 when absent."""
    attributes: Attributes | None = None
    """Headers where the caller speaks HTTP."""

    @classmethod
    def text(cls, value: str, status: int | None = None, attributes: Attributes | None = None) -> Response:
        """An answer in UTF-8, `text/plain`."""
        return cls(text(value, "value").encode(), TEXT, status, attributes)

    @classmethod
    def bytes(cls, value: builtins.bytes, status: int | None = None, attributes: Attributes | None = None) -> Response:
        """An answer of bytes, `application/octet-stream`."""
        return cls(value, BINARY, status, attributes)

    @classmethod
    def json(cls, value: object, status: int | None = None, attributes: Attributes | None = None) -> Response:
        """An answer in JSON; dataclasses become objects. Errors: `TypeError`, `ValueError`."""
        return cls(to_json(value), JSON, status, attributes)


def to_response(answer: object) -> Response:
    """What a handler returned as a response.

    A string becomes plain text, bytes an octet stream, None an empty response, anything else JSON.
    """
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, Answer):
        return Response(answer.data, answer.content_type, answer.status, answer.attributes)
    data, content_type = payload(answer)
    return Response(data, content_type or (None if answer is None else BINARY))


def to_host(response: Response) -> types.Response:
    """A response as the generated bindings take it. Errors: `TypeError`, `Invalid` for values that cannot be sent."""
    if not isinstance(response.data, bytes):
        raise TypeError(f"a response's data must be bytes, not a `{type(response.data).__name__}`")
    return _host.types.Response(
        None if response.status is None else whole(response.status, "status", 16),
        optional_text(response.content_type, "content_type"),
        attributes(response.attributes, "attribute"),
        response.data,
    )
