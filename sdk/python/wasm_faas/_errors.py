"""What a handler raises to decide about its event, and what the services raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from ._values import Duration


class Rejected(Exception):
    """The event is wrong for good: it is not tried again and is dead-lettered at once, with the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Retry(Exception):
    """Not now: the event is tried again, at the earliest when `after` has passed.

    Without `after` the source's own backoff decides.
    """

    def __init__(self, reason: str, after: Duration | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class ServiceError(Exception):
    """What any operation of a service may raise; `detail` is what the host said about it, if anything."""

    code: ClassVar[str]
    """The error's name in WIT, for example `not-found`."""
    _meaning: ClassVar[str]

    def __init__(self, detail: str | int | None = None) -> None:
        super().__init__(self._meaning if detail is None else f"{self._meaning}: {detail}")
        self.detail = detail


class InvokeError(Exception):
    """An invoked function gave no answer: it rejected the event, asks to try again or failed, or was stopped."""

    _MEANINGS: ClassVar = {"rejected": "rejected the event", "retry": "failed", "stopped": "was stopped"}

    def __init__(self, function: str, code: str, reason: str, after: float | None = None) -> None:
        super().__init__(f"function `{function}` {self._MEANINGS[code]}: {reason}")
        self.code = code
        """`rejected`; `retry`, which is also how an error of its own counts; or `stopped`, by a trap or a limit."""
        self.reason = reason
        self.after = after
        """When it asks to be tried again, in seconds from now."""


class AccessDenied(ServiceError):
    """The function has no grant for this; `detail` names the flag or manifest line that would give it."""

    code = "access-denied"
    _meaning = "access denied"


class NotFound(ServiceError):
    """The bucket, queue, topic, container or object does not exist."""

    code = "not-found"
    _meaning = "not found"


class Conflict(ServiceError):
    """A condition did not hold, or a sum does not fit; `detail` is the version that is there now, when known."""

    code = "conflict"
    _meaning = "conflict"


class LeaseLost(ServiceError):
    """The lease ended: another receiver may have the message."""

    code = "lease-lost"
    _meaning = "the lease has ended"


class TooLarge(ServiceError):
    """Over a limit; `detail` is the limit in bytes or entries."""

    code = "too-large"
    _meaning = "larger than the limit"


class Invalid(ServiceError, ValueError):
    """An argument is malformed; `detail` says which and why."""

    code = "invalid"
    _meaning = "invalid"


class Throttled(ServiceError):
    """Over a rate; `detail` is the number of milliseconds to wait."""

    code = "throttled"
    _meaning = "over the rate, milliseconds to wait"


class Unsupported(ServiceError):
    """This backend cannot do it; `detail` names the feature."""

    code = "unsupported"
    _meaning = "not supported by this backend"


class Unavailable(ServiceError):
    """The backend is away. The operation was not applied."""

    code = "unavailable"
    _meaning = "unavailable"


class UnknownOutcome(ServiceError):
    """The backend went away in the middle. The operation may have been applied."""

    code = "unknown-outcome"
    _meaning = "outcome unknown"


_BY_CASE = {
    f"Error_{error.__name__}": error
    for error in (
        AccessDenied,
        NotFound,
        Conflict,
        LeaseLost,
        TooLarge,
        Invalid,
        Throttled,
        Unsupported,
        Unavailable,
        UnknownOutcome,
    )
}


def service_error(case: object) -> ServiceError:
    """The exception for a case of the WIT variant `error`, an instance of one of the generated `Error_...` classes."""
    return _BY_CASE[type(case).__name__](getattr(case, "value", None))
