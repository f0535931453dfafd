"""The decorator that names the handler, and what runs it for each event."""

from __future__ import annotations

import functools
import inspect
import io
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from . import _event, _host, _response, log
from ._errors import Rejected, Retry
from ._values import clean, optional_milliseconds

if TYPE_CHECKING:
    from componentize_py_types import Result
    from wit_world.imports import types

Decorated = TypeVar("Decorated", bound=Callable[[_event.Event], Any])
DecoratedBatch = TypeVar("DecoratedBatch", bound=Callable[[list[_event.Event]], Any])

handlers: list[Callable[[_event.Event], Any]] = []
"""What was decorated with `@function`, in order, ready to be called. A component has exactly one handler."""
batch_handlers: list[Callable[[list[_event.Event]], Any]] = []
"""What was decorated with `@batch_function`."""

_OURS = os.path.dirname(__file__)
_FOLDER = re.compile(r'File "/\d+/')
"""What files of the search path start with inside a component."""


class HandlerError(Exception):
    """The author's module has no handler, or more than one."""


def function(handler: Decorated) -> Decorated:
    """Names the function that handles events: a `def` or an `async def` that takes the event.

    It returns the function as it is, so that a test can call it. A component has exactly one.
    """
    handlers.append(_awaited(handler))
    return handler


def batch_function(handler: DecoratedBatch) -> DecoratedBatch:
    """Names the function that handles up to 100 events at once: a `def` or an `async def` that takes a list of them.

    It returns None when all of them are handled, or a list with an answer for each in the order given: an exception
    for an event that is not handled (`Rejected`, `Retry` or any other), anything else for one that is. What it raises
    itself says nothing about any event: all of them are tried again.
    """
    batch_handlers.append(_awaited(handler))
    return handler


def each(events: Iterable[_event.Event], handle: Callable[[_event.Event], object]) -> list[Exception | None]:
    """Handles each event for itself: the answers of a batch handler, with what `handle` raised."""
    return [_attempted(handle, event) for event in events]


def _attempted(handle: Callable[[_event.Event], object], event: _event.Event) -> Exception | None:
    try:
        result = handle(event)
    except MemoryError:
        raise
    except Exception as error:
        return error
    if inspect.iscoroutine(result):
        result.close()
        return TypeError("`each` takes a plain function; in an `async def` use `gather(..., return_exceptions=True)`")
    return None


def _awaited(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The handler itself, or for an `async def` a function that runs it to its end."""
    if not inspect.iscoroutinefunction(inspect.unwrap(handler)):
        return handler
    # Imported here, as asyncio adds 2.4 MB to a component, and what is not imported during the build is not in it.
    from . import _loop

    @functools.wraps(handler)
    def run(argument: Any) -> Any:
        return _loop.run(handler(argument))

    return run


def start(module: str, decorator: str = "function") -> None:
    """Ends the build of a component, when the author's module has been imported.

    Errors: `HandlerError` unless it decorated one function, with the decorator that the component was built for.
    """
    decorated = [*handlers, *batch_handlers]
    if len(decorated) != 1:
        names = ", ".join(f"`{getattr(handler, '__qualname__', handler)}`" for handler in decorated)
        raise HandlerError(
            f"`{module}` must decorate exactly one function with `@function` or `@batch_function`; "
            f"decorated: {names or 'none'}"
        )
    if bool(batch_handlers) != (decorator == "batch_function"):
        raise HandlerError(
            f"`{module}` must decorate its handler at the top level of the file, so that the build sees with what"
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


class BatchHandler:
    """What the component exports as `batch-handler`."""

    def handle_batch(self, raws: list[types.Event]) -> list[Result[None, types.Failure]]:
        """Handles the events and answers for each."""
        try:
            return _answers(batch_handlers[0]([_event.from_host(raw) for raw in raws]), len(raws))
        except SystemExit as stop:
            _exit(stop)
        except MemoryError:
            raise
        except BaseException as error:
            failure = _failure(_for_all(error))
        finally:
            _flush()
        return [_host.Err(failure) for _ in raws]


def _answers(result: object, count: int) -> list[Result[None, types.Failure]]:
    """What a batch handler returned, as the host takes it. Errors: `TypeError` for what is no answer for each event."""
    if result is None:
        return [_host.Ok(None)] * count
    if not isinstance(result, (list, tuple)) or len(result) != count:
        raise TypeError(f"the batch handler must return None or a list of {count}, an answer for each event")
    return [_host.Err(_failure(one)) if isinstance(one, BaseException) else _host.Ok(None) for one in result]


def _for_all(error: BaseException) -> BaseException:
    """What a batch handler raised, as it counts for its events: a rejection rejects none of them."""
    error = _single(error)
    return Retry(error.reason) if isinstance(error, Rejected) else error


def _single(error: BaseException) -> BaseException:
    """The error in a group of one, which is what a `TaskGroup` makes of an error in one of its tasks."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _failure(error: BaseException) -> types.Failure:
    """What becomes of the event whose handler raised this."""
    error = _single(error)
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
