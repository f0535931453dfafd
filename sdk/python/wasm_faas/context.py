"""The invocation this instance is serving now. An instance may serve many, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from . import _host
from ._values import Duration, milliseconds, whole


@dataclass(frozen=True, slots=True)
class Invocation:
    """One attempt to handle one event."""

    id: str
    """Unique for this attempt."""
    function: str
    """The function's name."""
    version: str
    """Identifies the component's bytes."""
    attempt: int
    """1 at the first attempt to handle this event."""
    deadline_ms: int
    """When the host will stop this invocation, in milliseconds since the Unix epoch."""
    memory_limit: int
    """Memory that the instance may use, in bytes."""
    fuel_limit: int | None
    """Fuel this invocation may burn; None where the function runs unmetered."""
    traceparent: str | None
    """W3C trace context, where the caller sent one."""


def current() -> Invocation:
    """The invocation that is running."""
    raw = _host.context.current()
    return Invocation(
        raw.id,
        raw.function,
        raw.version,
        raw.attempt,
        raw.deadline_ms,
        raw.memory_limit,
        raw.fuel_limit,
        raw.traceparent,
    )


def remaining_time_ms() -> int:
    """Milliseconds until the deadline; 0 when it has passed."""
    return _host.context.remaining_time_ms()


def remaining_fuel() -> int | None:
    """Fuel left; None where the function runs unmetered."""
    return _host.context.remaining_fuel()


def now_ms() -> int:
    """The host's wall clock, in milliseconds since the Unix epoch."""
    return _host.context.now_ms()


def random(count: int) -> bytes:
    """`count` bytes from the operating system's random source, at most 65,536: a larger count is cut to that."""
    return _host.context.random_bytes(whole(count, "count", 32))


def sleep(duration: Duration) -> None:
    """Suspends this instance as `time.sleep` does; ends early, with the invocation, at the deadline."""
    _host.context.sleep(milliseconds(duration, "duration"))
