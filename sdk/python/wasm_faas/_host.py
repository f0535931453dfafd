"""The way to the host: the only module that imports what `componentize-py` generates from `wit/`.

The generated modules exist inside a component only, and calling one while the component is being built, which is when
the author's module is imported, would be a trap. So each interface is an `_Absent` with a helpful error until
`connect` is called, by the entry module that the build writes, as its last step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ._errors import service_error

if TYPE_CHECKING:
    from . import _errors

__all__ = [
    "Err",
    "Ok",
    "answers",
    "blob",
    "call",
    "config",
    "connect",
    "context",
    "functions",
    "kv",
    "queue",
    "topic",
    "types",
]

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")
Raw = TypeVar("Raw")


class _Absent:
    """Stands for an interface of the host that cannot be reached yet."""

    def __init__(self, interface: str) -> None:
        self._interface = interface

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)  # what inspection asks for; no operation is called like that
        raise RuntimeError(
            f"`{self._interface}` cannot be used here: the host's services are there only while wasm-faas has the "
            "handler run, not at import and not in an ordinary Python; move the call into the handler, or put a "
            "stand-in in its place when testing"
        )


if TYPE_CHECKING:
    from componentize_py_types import Err, Ok, Result
    from wit_world.imports import blob, config, context, functions, kv, queue, topic, types
else:
    blob, config, context = _Absent("blob"), _Absent("config"), _Absent("context")
    kv, queue, topic, types = _Absent("kv"), _Absent("queue"), _Absent("topic"), _Absent("types")
    functions, Ok = _Absent("functions"), _Absent("types")

    class Err(Exception):
        """Until `connect`: nothing raises this. Then: carries a WIT error as `value`."""


def connect() -> None:
    """Puts the generated modules in place. Errors: `ModuleNotFoundError` outside a component."""
    for name in ("blob", "config", "context", "functions", "kv", "queue", "topic", "types"):
        globals()[name] = import_module(f"wit_world.imports.{name}")
    results = import_module("componentize_py_types")
    globals().update(Err=results.Err, Ok=results.Ok)


def call(operation: Callable[Parameters, Answer], *args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
    """Calls an operation of the host. Errors: the `ServiceError` that stands for what the operation answered."""
    try:
        return operation(*args, **kwargs)
    except Err as error:
        raise service_error(error.value) from None


def answers(
    results: Iterable[Result[Raw, types.Error]], convert: Callable[[Raw], Answer]
) -> list[Answer | _errors.ServiceError]:
    """The answers of a batch in order: what became of each entry, or the error that it met."""
    return [service_error(result.value) if isinstance(result, Err) else convert(result.value) for result in results]
