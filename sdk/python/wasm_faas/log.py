"""The function's log. `log.info("stored", key=key, size=12)` writes one line with two fields.

A message and its fields are at most 16 KiB together and are cut there; an invocation's log is at most 256 KiB, lines
over that are counted and dropped. What is printed becomes log lines as well.
"""

from __future__ import annotations

from . import _host
from ._values import clean


def trace(message: object, /, **fields: object) -> None:
    """Writes a line at level trace."""
    _write("TRACE", message, fields)


def debug(message: object, /, **fields: object) -> None:
    """Writes a line at level debug."""
    _write("DEBUG", message, fields)


def info(message: object, /, **fields: object) -> None:
    """Writes a line at level info."""
    _write("INFO", message, fields)


def warn(message: object, /, **fields: object) -> None:
    """Writes a line at level warn."""
    _write("WARN", message, fields)


def error(message: object, /, **fields: object) -> None:
    """Writes a line at level error."""
    _write("ERROR", message, fields)


def _write(level: str, message: object, fields: dict[str, object]) -> None:
    pairs = [_host.types.Attribute(clean(name), clean(value)) for name, value in fields.items()]
    _host.context.log(_host.context.Level[level], clean(message), pairs)
