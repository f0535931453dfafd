"""The decorator that names the handler, and what runs it for each event."""

from __future__ import annotations

import functools
import inspect
import io
import os
import re
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from . import _event, _host, _response, log
from ._errors import Rejected, Retry
from ._values import clean, optional_milliseconds

if TYPE_CHECKING:
    from wit_world.imports import types

Decorated = TypeVar("Decorated", bound=Callable[[_event.Event], Any])

handlers: list[Callable[[_event.Event], Any]] = []
"""What was decorated, in order, ready to be called. A component has exactly one."""

_OURS = os.path.dirname(__file__)
_FOLDER = re.compile(r'File "/\d+/')
"""What files of the search path start with inside a component."""


class HandlerError(Exception):
    """The author's module has no handler, or more than one."""


def function(handler: Decorated) -> Decorated:
    """Names the function that handles events: a `def` or an `async def` that takes the event.

    It returns the function as it is, so that a test can call it. A component has exactly one.
    """
    is_async = inspect.iscoroutinefunction(inspect.unwrap(handler))
    handlers.append(_awaited(handler) if is_async else handler)
    return handler


def _awaited(handler: Callable[[_event.Event], Any]) -> Callable[[_event.Event], Any]:
    """The `async def` as a function that runs it to its end."""
    # Imported here, as asyncio adds 2.4 MB to a component, and what is not imported during the build is not in it.
    from . import _loop

    @functools.wraps(handler)
    def run(event: _event.Event) -> Any:
        return _loop.run(handler(event))

    return run


def start(module: str) -> None:
    """Ends the build of a component, when the author's module has been imported.

    Errors: `HandlerError` unless it decorated one function.
    """
    if len(handlers) != 1:
        names = ", ".join(f"`{getattr(handler, '__qualname__', handler)}`" for handler in handlers)
        raise HandlerError(
            f"`{module}` must decorate exactly one function with `@function`; decorated: {names or 'none'}"
        )
    # What is printed becomes log lines, which must not wait in a buffer, least of all in the one that is built in.
    _flush()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    _host.connect()


class Handler:
    """What the component exports as `handler`."""

    def handle(self, raw: types.Event) -> types.Response:
        """Handles one event. Errors: the generated `Err`, which carries what becomes of the event."""
        try:
            return _response.to_host(_response.to_response(handlers[0](_event.from_host(raw))))
        except SystemExit as stop:
            _exit(stop)
        except MemoryError:
            # The memory limit was crossed: the instance is to end with this invocation, as only a trap makes it.
            raise
        except BaseException as error:
            failure = _failure(error)
        finally:
            _flush()
        # Not in the `except` block: as the context of this one, the error would keep all that its frames hold.
        raise _host.Err(failure)


def _failure(error: BaseException) -> types.Failure:
    """What becomes of the event whose handler raised this."""
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return _failure(error.exceptions[0])  # what a `TaskGroup` makes of an error in one of its tasks
    if isinstance(error, Rejected):
        return _host.types.Failure_Rejected(clean(error.reason))
    try:
        after = optional_milliseconds(error.after, "after") if isinstance(error, Retry) else None
    except (TypeError, ValueError) as unusable:
        return _failure(unusable)
    if not isinstance(error, Retry):
        log.error(stack(error))
    return _host.types.Failure_Retry(_host.types.Retry(reason(error), after))


def reason(error: BaseException) -> str:
    """An error in one line: its text, with its type where the text says nothing by itself."""
    said = str(error)
    if not said:
        return type(error).__name__
    return clean(f"KeyError: {said}" if isinstance(error, KeyError) else said)


def stack(error: BaseException) -> str:
    """An error with its stack from the author's first frame on, files relative to the function's folder."""
    frames = error.__traceback__
    while frames is not None and _runs_handlers(os.path.dirname(frames.tb_frame.f_code.co_filename)):
        frames = frames.tb_next
    lines = traceback.format_exception(type(error), error, frames or error.__traceback__)
    return _FOLDER.sub('File "', "".join(lines).rstrip())


def _runs_handlers(directory: str) -> bool:
    """Whether the files there come between the host and the handler."""
    return directory == _OURS or os.path.basename(directory) == "asyncio"


def _exit(stop: SystemExit) -> NoReturn:
    """Ends the instance as `sys.exit` ends a process: with the code, or with 1 after printing what is not one."""
    _flush()
    if stop.code is None or isinstance(stop.code, int):
        os._exit(stop.code or 0)
    log.error(str(stop.code))
    os._exit(1)


def _flush() -> None:
    """Hands what was printed without a line end to the host, which must not see it in the next invocation."""
    sys.stdout.flush()
    sys.stderr.flush()
