"""Settings and secrets that the function was given. Nothing else of the host's environment is visible."""

from __future__ import annotations

from . import _host
from ._values import text


def get(key: str) -> str | None:
    """The setting's value, None when it is not set."""
    return _host.config.get(text(key, "key"))


def secret(name: str) -> str:
    """The secret's value, fresh at each call.

    Errors: `AccessDenied` when it was not granted, `Unavailable` when its source cannot be read.
    """
    return _host.call(_host.config.secret, text(name, "name"))
