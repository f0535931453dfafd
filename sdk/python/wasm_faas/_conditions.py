"""When a write applies. Where its condition does not hold, a write raises `Conflict` and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IfAbsent:
    """Nothing is there under the key."""


@dataclass(frozen=True, slots=True)
class IfVersion:
    """For buckets: the key is there and has this version."""

    version: int


@dataclass(frozen=True, slots=True)
class IfMatch:
    """For containers: the object is there and has this etag."""

    etag: str
