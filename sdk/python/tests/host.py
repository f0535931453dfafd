"""A stand-in for the generated bindings: `types.Response(a, b)` gives `("Response", a, b)`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import MagicMock, patch


class Records:
    """Any record, or case of a variant, as a tuple of its name and its fields."""

    def __getattr__(self, name: str) -> Callable[..., tuple[object, ...]]:
        return lambda *fields: (name, *fields)


class Err(Exception):
    """As in the generated bindings."""

    def __init__(self, value: object) -> None:
        super().__init__(value)
        self.value = value


@contextmanager
def connected() -> Iterator[MagicMock]:
    """The stand-ins in place; gives the interface `context`, which records what is logged."""
    with (
        patch("wasm_faas._host.types", Records()),
        patch("wasm_faas._host.kv", Records()),
        patch("wasm_faas._host.queue", Records()),
        patch("wasm_faas._host.topic", Records()),
        patch("wasm_faas._host.functions", MagicMock(Call=Records().Call)),
        patch("wasm_faas._host.Ok", Records().Ok),
        patch("wasm_faas._host.Err", Err),
        patch("wasm_faas._host.context") as context,
    ):
        yield context


def case(name: str, *value: object) -> object:
    """A case of a variant as the bindings give it: an instance of a class of that name, with a `value` or without."""
    instance = type(name, (), {})()
    if value:
        instance.value = value[0]
    return instance
