"""Key-value buckets.

Reads and writes of one key are linearizable. A key is 1 to 512 bytes of UTF-8 without NUL, a value at most 512 KiB:
bytes, a string (kept as UTF-8), or something for JSON. Every operation can raise a `ServiceError`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _host
from ._conditions import IfAbsent, IfVersion
from ._host import call
from ._values import Duration, optional_milliseconds, optional_text, payload, text, texts, whole

if TYPE_CHECKING:
    from wit_world.imports import kv

Condition: TypeAlias = IfAbsent | IfVersion | None
"""When a write applies; None is always."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept under a key."""

    value: bytes
    version: int
    """Grows with every write in the bucket and is never used again, not even after a delete."""
    expires_at_ms: int | None = None
    """Milliseconds since the Unix epoch."""

    def text(self) -> str:
        """The value as UTF-8. Errors: `UnicodeDecodeError`, a `ValueError`."""
        return self.value.decode()

    def json(self) -> Any:
        """The value as JSON. Errors: `json.JSONDecodeError`, a `ValueError`."""
        return json.loads(self.value)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a bucket's keys."""

    keys: list[str]
    """In byte order."""
    cursor: str | None
    """Give it to the next call; None after the last page."""


@dataclass(frozen=True, slots=True)
class Check:
    """Applies nothing; the whole transaction fails unless the condition holds."""

    key: str
    when: Condition


@dataclass(frozen=True, slots=True)
class Set:
    """Writes, as `Bucket.set` does."""

    key: str
    value: object
    ttl: Duration | None = None
    when: Condition = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Deletes, as `Bucket.delete` does."""

    key: str
    when: Condition = None


Operation: TypeAlias = Check | Set | Delete


class Bucket:
    """A bucket that the function was granted."""

    def __init__(self, raw: kv.Bucket) -> None:
        self._raw = raw

    @classmethod
    def open(cls, name: str) -> Bucket:
        """Errors: `AccessDenied`, `NotFound`, `Unavailable`."""
        return cls(call(_host.kv.Bucket.open, text(name, "name")))

    def get(self, key: str) -> Entry | None:
        """None when the key is absent or expired."""
        return _entry(call(self._raw.get, text(key, "key")))

    def get_many(self, keys: Iterable[str]) -> list[Entry | None]:
        """At most 100 keys and 8 MiB of values, in the order of the keys. One moment's view."""
        return [_entry(raw) for raw in call(self._raw.get_many, texts(keys, "keys"))]

    def exists(self, key: str) -> bool:
        """Whether something is there under the key."""
        return call(self._raw.exists, text(key, "key"))

    def set(self, key: str, value: object, *, ttl: Duration | None = None, when: Condition = None) -> int:
        """Writes and returns the new version.

        Without `ttl` (1 ms to 10 years) the key does not expire, whatever it did before. Errors: `Conflict` when the
        condition does not hold.
        """
        data, _ = payload(value)
        return call(self._raw.set, text(key, "key"), data, optional_milliseconds(ttl, "ttl"), _condition(when))

    def delete(self, key: str, *, when: Condition = None) -> bool:
        """True when a key was there. Errors: `Conflict`; `IfAbsent` is `Invalid` here."""
        return call(self._raw.delete, text(key, "key"), _condition(when))

    def increment(self, key: str, delta: int = 1, *, ttl: Duration | None = None) -> int:
        """Adds to a counter, kept as decimal text, and returns the sum; an absent key counts as 0.

        With `ttl` the expiry is set anew, without it the expiry stays. Errors: `Invalid` when the value is no 64-bit
        integer, `Conflict` when the sum would not fit one.
        """
        amount = whole(delta, "delta", signed=True)
        return call(self._raw.increment, text(key, "key"), amount, optional_milliseconds(ttl, "ttl"))

    def list_keys(self, prefix: str = "", *, cursor: str | None = None, limit: int = 1000) -> Page:
        """Keys that start with `prefix`, in byte order, `limit` from 1 to 1,000.

        Keys present all the while appear exactly once; keys that come and go between pages may be missed.
        """
        after = optional_text(cursor, "cursor")
        page = call(self._raw.list_keys, text(prefix, "prefix"), after, whole(limit, "limit", 32))
        return Page(page.keys, page.cursor)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """All keys that start with `prefix`, page by page."""
        page = self.list_keys(prefix)
        yield from page.keys
        while page.cursor is not None:
            page = self.list_keys(prefix, cursor=page.cursor)
            yield from page.keys

    def transact(self, operations: Iterable[Operation]) -> list[int]:
        """All or nothing: 1 to 64 operations on distinct keys, at most 1 MiB of values.

        Returns one number per operation: the new version for `Set`, 0 otherwise. Errors: `Conflict` when a condition
        does not hold.
        """
        return call(self._raw.transact, [_operation(operation) for operation in operations])


def _entry(raw: kv.Entry | None) -> Entry | None:
    return None if raw is None else Entry(raw.value, raw.version, raw.expires_at_ms)


def _condition(when: Condition) -> kv.Condition:
    if when is None:
        return _host.kv.Condition_Always()
    if isinstance(when, IfAbsent):
        return _host.kv.Condition_IfAbsent()
    if isinstance(when, IfVersion):
        return _host.kv.Condition_IfVersion(whole(when.version, "version"))
    raise TypeError(f"`when` must be None, IfAbsent() or IfVersion(...), not a `{type(when).__name__}`")


def _operation(operation: Operation) -> kv.Operation:
    if isinstance(operation, Set):
        data, _ = payload(operation.value)
        ttl, when = optional_milliseconds(operation.ttl, "ttl"), _condition(operation.when)
        return _host.kv.Operation_Set(_host.kv.Write(text(operation.key, "key"), data, ttl, when))
    if not isinstance(operation, (Check, Delete)):
        raise TypeError(f"an operation must be a Check, Set or Delete, not a `{type(operation).__name__}`")
    condition = _host.kv.KeyCondition(text(operation.key, "key"), _condition(operation.when))
    case = _host.kv.Operation_Check if isinstance(operation, Check) else _host.kv.Operation_Delete
    return case(condition)
