"""Other functions of the same host, invoked by name. No socket is in between."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _host
from ._errors import InvokeError, service_error
from ._message import Accepted
from ._values import Attributes, Duration, attributes, optional_milliseconds, optional_text, payload, text

if TYPE_CHECKING:
    from wit_world.imports import functions, types


@dataclass(slots=True)
class Answer:
    """What a function answered. A handler may return it as its own answer."""

    data: bytes = b""
    content_type: str | None = None
    status: int | None = None
    """HTTP status, where the function set one."""
    attributes: list[tuple[str, str]] = field(default_factory=list)
    """In order. A name may come more than once."""

    def text(self) -> str:
        """The data as UTF-8. Errors: `UnicodeDecodeError`, a `ValueError`."""
        return self.data.decode()

    def json(self) -> Any:
        """The data as JSON. Errors: `json.JSONDecodeError`, a `ValueError`."""
        return json.loads(self.data)


def invoke(
    name: str,
    data: object = None,
    *,
    content_type: str | None = None,
    attributes: Attributes | None = None,
    type: str | None = None,
    subject: str | None = None,
) -> Answer:
    """Invokes a function with `data`, which is bytes, a string, None or something for JSON, and waits for its answer.

    It runs until its own timeout or this invocation's deadline, whichever is earlier. Needs the right `invoke`. Errors:
    `InvokeError` when it gave no answer, `ServiceError` when it was not invoked.
    """
    call = _call(data, content_type, attributes, type, subject)
    try:
        raw = _host.functions.invoke(text(name, "name"), call)
    except _host.Err as error:
        raise _invoke_error(name, error.value) from None
    pairs = [(attribute.name, attribute.value) for attribute in raw.attributes]
    return Answer(raw.data, raw.content_type, raw.status, pairs)


def invoke_async(
    name: str,
    data: object = None,
    *,
    content_type: str | None = None,
    attributes: Attributes | None = None,
    type: str | None = None,
    subject: str | None = None,
    delay: Duration | None = None,
    deduplication_id: str | None = None,
) -> Accepted:
    """Leaves an event for a function, which handles it later and is tried again as its retry policy says.

    When it returns, the event is stored; the id is that of the event. Needs the right `invoke-async`. Errors:
    `ServiceError`.
    """
    call = _call(data, content_type, attributes, type, subject)
    wait = optional_milliseconds(delay, "delay")
    deduplication_id = optional_text(deduplication_id, "deduplication_id")
    raw = _host.call(_host.functions.invoke_async, text(name, "name"), call, wait, deduplication_id)
    return Accepted(raw.id, raw.duplicate)


def _call(
    data: object, content_type: str | None, named: Attributes | None, type: str | None, subject: str | None
) -> functions.Call:
    sent, inferred = payload(data)
    return _host.functions.Call(
        sent,
        optional_text(content_type, "content_type") or inferred,
        attributes(named, "attribute"),
        optional_text(type, "type"),
        optional_text(subject, "subject"),
    )


def _invoke_error(name: str, case: functions.InvokeError) -> Exception:
    """The exception for a case of the WIT variant `invoke-error`."""
    kind = type(case).__name__.removeprefix("InvokeError_").lower()
    if kind == "service":
        return service_error(case.value)
    if kind == "retry":
        retry: types.Retry = case.value
        after = None if retry.after_ms is None else retry.after_ms / 1000
        return InvokeError(name, "retry", retry.reason, after)
    return InvokeError(name, kind, case.value)
