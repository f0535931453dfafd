"""Checks and conversions of what authors pass in.

A value of the wrong type, a number that does not fit or a string that is not Unicode text would end the instance when
the generated bindings meet it. Here it becomes a `TypeError`, or an `Invalid` as from the host.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _host
from ._errors import Invalid

if TYPE_CHECKING:
    from wit_world.imports import types

Duration: TypeAlias = timedelta | float
"""A `timedelta`, or a number of seconds."""

Attributes: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
"""Names and values: a `dict`, or pairs where a name may come more than once."""

TEXT = "text/plain; charset=utf-8"
BINARY = "application/octet-stream"
JSON = "application/json"


def text(value: str, name: str) -> str:
    """`value`, if it is a string of Unicode text; `name` is for the error."""
    if not isinstance(value, str):
        raise TypeError(f"`{name}` must be a str, not a `{type(value).__name__}`")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Invalid(f"`{name}` is not Unicode text: {error.reason} at index {error.start}") from None
    return value


def clean(value: object) -> str:
    """`value` as a string that can be sent in any case: what is not Unicode text becomes `?`."""
    written = str(value)
    return written if written.isascii() else written.encode("utf-8", "replace").decode()


def optional_text(value: str | None, name: str) -> str | None:
    """As `text`, or None."""
    return None if value is None else text(value, name)


def texts(values: Iterable[str], name: str) -> list[str]:
    """As `text`, for each of them."""
    if isinstance(values, str):
        raise TypeError(f"`{name}` must be several strings, not one")
    return [text(value, name) for value in values]


def whole(value: int, name: str, bits: int = 64, *, signed: bool = False) -> int:
    """`value`, if it is an int that fits `bits`; `name` is for the error."""
    if not isinstance(value, int):
        raise TypeError(f"`{name}` must be an int, not a `{type(value).__name__}`")
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= value <= high:
        raise Invalid(f"`{name}` must be between {low} and {high}, not `{value}`")
    return value


def optional_whole(value: int | None, name: str) -> int | None:
    """As `whole` with 64 bits, or None."""
    return None if value is None else whole(value, name)


def milliseconds(value: Duration, name: str, bits: int = 64) -> int:
    """A duration in milliseconds, rounded to the nearest."""
    if isinstance(value, timedelta):
        return whole(round(value / timedelta(milliseconds=1)), name, bits)
    if not isinstance(value, (int, float)):
        raise TypeError(f"`{name}` must be a timedelta or seconds, not a `{type(value).__name__}`")
    try:
        return whole(round(value * 1000), name, bits)
    except (OverflowError, ValueError):
        raise Invalid(f"`{name}` must be a time that is not negative and not too long, not `{value}` seconds") from None


def optional_milliseconds(value: Duration | None, name: str, bits: int = 64) -> int | None:
    """As `milliseconds`, or None."""
    return None if value is None else milliseconds(value, name, bits)


def attributes(values: Attributes | None, name: str) -> list[types.Attribute]:
    """Names and values as the host takes them, in order."""
    if values is None:
        return []
    pairs = values.items() if isinstance(values, Mapping) else values
    return [_host.types.Attribute(text(key, name), text(value, name)) for key, value in pairs]


def payload(value: object) -> tuple[bytes, str | None]:
    """The bytes for `value` and their content type.

    Bytes are taken as they are and say nothing about their type, a string becomes UTF-8, None nothing at all, and
    anything else JSON. Errors: `TypeError` and `ValueError` where JSON cannot express it.
    """
    if isinstance(value, bytes):
        return value, None
    if isinstance(value, str):
        return text(value, "data").encode(), TEXT
    if value is None:
        return b"", None
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value), None
    return to_json(value), JSON


def to_json(value: object) -> bytes:
    """Compact JSON in UTF-8; a dataclass becomes an object. Errors: `TypeError`, `ValueError` (a NaN for example)."""
    written = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    return text(written, "json").encode()


def _plain(value: Any) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"a `{type(value).__name__}` cannot be written as JSON")
