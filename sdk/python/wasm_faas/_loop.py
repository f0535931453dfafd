"""An event loop for `async def` handlers: timers, tasks and futures, without sockets, threads or signals.

A component has one thread and no sockets, so the one thing that can wake a waiting task, besides another task, is a
timer. The loop therefore sleeps until the next timer is due, which suspends the instance. Operations of the host's
services do not go through the loop: they wait where they are called.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import base_events
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

Returned = TypeVar("Returned")


class _Timers:
    """What `BaseEventLoop` takes for a selector: it waits for nothing but time."""

    def select(self, timeout: float | None) -> list[Any]:
        """Sleeps for `timeout` seconds. Errors: `RuntimeError` without one, as that wait would have no end."""
        if timeout is None:
            raise RuntimeError("deadlock: every task waits, and neither a timer nor another task can wake one")
        if timeout > 0:
            time.sleep(timeout)
        return []


class EventLoop(base_events.BaseEventLoop):
    """The loop of one invocation."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Timers()

    def _process_events(self, event_list: list[Any]) -> None:
        """Called with what `_Timers.select` returned, which is nothing."""

    def _write_to_self(self) -> None:
        """Wakes the selector for a call from another thread; there is no other thread."""

    def run_in_executor(self, executor: object, func: object, *args: object) -> NoReturn:
        """What `asyncio.to_thread` comes to. Errors: always `RuntimeError`."""
        raise RuntimeError("a component has no threads: call the function itself instead of handing it to one")


def run(handler: Coroutine[Any, Any, Returned]) -> Returned:
    """Runs a handler to its end and cancels the tasks that it leaves behind."""
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        return runner.run(handler)
