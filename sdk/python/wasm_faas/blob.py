"""Containers of blobs.

A key is 1 to 1,024 bytes of UTF-8 without NUL, and none of its segments between `/` is `.` or `..`. An object is
replaced as a whole: a reader sees the old one or the new one, to its end. Every operation can raise a `ServiceError`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from . import _host
from ._conditions import IfAbsent, IfMatch
from ._errors import ServiceError
from ._host import answers, call
from ._values import (
    Attributes,
    Duration,
    attributes,
    milliseconds,
    optional_text,
    optional_whole,
    payload,
    text,
    texts,
    whole,
)

if TYPE_CHECKING:
    from wit_world.imports import blob

Condition: TypeAlias = IfAbsent | IfMatch | None
"""When a write applies; None is always."""

_CHUNK = 1 << 20
"""The most that the host reads or writes in one call."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known about an object."""

    key: str
    size: int
    """In bytes."""
    etag: str
    """Changes with the content; opaque."""
    content_type: str | None
    modified_ms: int
    """Milliseconds since the Unix epoch."""
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class Object:
    """An object, or the part of it that was asked for."""

    info: ObjectInfo
    data: bytes

    def text(self) -> str:
        """The data as UTF-8. Errors: `UnicodeDecodeError`, a `ValueError`."""
        return self.data.decode()

    def json(self) -> Any:
        """The data as JSON. Errors: `json.JSONDecodeError`, a `ValueError`."""
        return json.loads(self.data)


@dataclass(frozen=True, slots=True)
class Listing:
    """Some of a container's objects."""

    objects: list[ObjectInfo]
    """In byte order of their keys."""
    prefixes: list[str]
    """With a delimiter: the distinct beginnings, up to and with the delimiter, of keys not listed themselves."""
    cursor: str | None
    """Give it to the next call; None after the last page."""


Deleted: TypeAlias = list[bool | ServiceError]


class Reader:
    """Reads an object in pieces, as it was when opened. Iterating gives the pieces."""

    def __init__(self, raw: blob.Reader) -> None:
        self._raw = raw

    @property
    def info(self) -> ObjectInfo:
        """About the object."""
        return _info(self._raw.info())

    def read(self, max: int = _CHUNK) -> bytes:
        """At most `max` bytes, and at most 1 MiB; empty at the end."""
        return call(self._raw.read, whole(max, "max", 32))

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read():
            yield chunk


class Writer:
    """Writes an object of up to 5 GiB in pieces.

    The object appears at `finish`, which the end of a `with` block calls; a block that raises stores nothing, and so
    does a writer that is never finished.
    """

    def __init__(self, raw: blob.Writer) -> None:
        self._raw = raw
        self._open = True

    def write(self, chunk: bytes | str) -> None:
        """Adds at most 1 MiB."""
        data, _ = payload(chunk)
        call(self._raw.write, data)

    def finish(self) -> ObjectInfo:
        """Stores the object, durably. Once only. Errors: `Conflict` when the condition does not hold now."""
        self._open = False
        return _info(call(self._raw.finish))

    def discard(self) -> None:
        """Stores nothing."""
        if self._open:
            self._open = False
            self._raw.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
        elif self._open:
            self.finish()


class Container:
    """A container that the function was granted."""

    def __init__(self, raw: blob.Container) -> None:
        self._raw = raw

    @classmethod
    def open(cls, name: str) -> Container:
        """Errors: `AccessDenied`, `NotFound`, `Unavailable`."""
        return cls(call(_host.blob.Container.open, text(name, "name")))

    def head(self, key: str) -> ObjectInfo | None:
        """About the object; None when there is no such object."""
        raw = call(self._raw.head, text(key, "key"))
        return None if raw is None else _info(raw)

    def get(self, key: str, *, start: int | None = None, length: int | None = None) -> Object | None:
        """The object, or a range of it, at most 8 MiB; None when there is no such object.

        A `length` beyond the end is cut there. Errors: `TooLarge`, then use `reader`; `Invalid` for a `start` at or
        beyond the end.
        """
        raw = call(self._raw.get, text(key, "key"), _range(start, length))
        return None if raw is None else Object(_info(raw.info), raw.data)

    def put(
        self,
        key: str,
        data: object,
        *,
        content_type: str | None = None,
        metadata: Attributes | None = None,
        when: Condition = None,
    ) -> ObjectInfo:
        """Stores a whole object of at most 8 MiB: bytes, a string, or something for JSON; use `writer` beyond.

        The content type follows from the data when absent. Metadata are names in lower-case ASCII
        `[a-z0-9_.-]{1,64}`, together at most 2 KiB. Errors: `Conflict` when the condition does not hold.
        """
        content, implied = payload(data)
        options = _options(content_type or implied, metadata, when)
        return _info(call(self._raw.put, text(key, "key"), content, options))

    def copy(self, source: str, destination: str, *, when: Condition = None) -> ObjectInfo:
        """Within the container, content type and metadata with it. Errors: `NotFound`, `Conflict`."""
        keys = text(source, "source"), text(destination, "destination")
        return _info(call(self._raw.copy, *keys, _condition(when)))

    def delete(self, key: str, *, when: Condition = None) -> bool:
        """True when there was one. Errors: `Conflict`; `IfAbsent` is `Invalid` here."""
        return call(self._raw.delete, text(key, "key"), _condition(when))

    def delete_many(self, keys: Iterable[str]) -> Deleted:
        """1 to 1,000 keys; for each whether there was one, or the error that it met."""
        return answers(call(self._raw.delete_many, texts(keys, "keys")), bool)

    def list(
        self, prefix: str = "", *, delimiter: str | None = None, cursor: str | None = None, limit: int = 1000
    ) -> Listing:
        """Objects whose key starts with `prefix`, `limit` from 1 to 1,000, prefixes counted.

        `delimiter` is one character.
        """
        between, after = optional_text(delimiter, "delimiter"), optional_text(cursor, "cursor")
        raw = call(self._raw.list, text(prefix, "prefix"), between, after, whole(limit, "limit", 32))
        return Listing([_info(info) for info in raw.objects], raw.prefixes, raw.cursor)

    def objects(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """All objects whose key starts with `prefix`, page by page."""
        page = self.list(prefix)
        yield from page.objects
        while page.cursor is not None:
            page = self.list(prefix, cursor=page.cursor)
            yield from page.objects

    def reader(self, key: str, *, start: int | None = None, length: int | None = None) -> Reader:
        """Reads the object, or a range of it, in pieces. Errors: `NotFound`, `Invalid` for the range."""
        return Reader(call(self._raw.reader, text(key, "key"), _range(start, length)))

    def writer(
        self,
        key: str,
        *,
        content_type: str | None = None,
        metadata: Attributes | None = None,
        when: Condition = None,
    ) -> Writer:
        """Writes an object in pieces; its condition is decided at the end."""
        return Writer(call(self._raw.writer, text(key, "key"), _options(content_type, metadata, when)))

    def presign(self, key: str, *, ttl: Duration, method: Literal["get", "put"] = "get") -> str:
        """A URL that lets its holder get or put this one object without more rights, for 1 second to 7 days."""
        if method not in ("get", "put"):
            raise ValueError(f"`method` must be `get` or `put`, not `{method}`")
        verb = _host.blob.Method[method.upper()]
        return call(self._raw.presign, verb, text(key, "key"), milliseconds(ttl, "ttl"))


def _info(raw: blob.ObjectInfo) -> ObjectInfo:
    metadata = {attribute.name: attribute.value for attribute in raw.metadata}
    return ObjectInfo(raw.key, raw.size, raw.etag, raw.content_type, raw.modified_ms, metadata)


def _range(start: int | None, length: int | None) -> blob.Range | None:
    if start is None and length is None:
        return None
    return _host.blob.Range(whole(start or 0, "start"), optional_whole(length, "length"))


def _options(content_type: str | None, metadata: Attributes | None, when: Condition) -> blob.PutOptions:
    kind = optional_text(content_type, "content_type")
    return _host.blob.PutOptions(kind, attributes(metadata, "metadata"), _condition(when))


def _condition(when: Condition) -> blob.Condition:
    if when is None:
        return _host.blob.Condition_Always()
    if isinstance(when, IfAbsent):
        return _host.blob.Condition_IfAbsent()
    if isinstance(when, IfMatch):
        return _host.blob.Condition_IfMatch(text(when.etag, "etag"))
    raise TypeError(f"`when` must be None, IfAbsent() or IfMatch(...), not a `{type(when).__name__}`")
