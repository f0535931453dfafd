"""Finds the author's entry module, checks its handler, and writes the module that exports it."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from problems import AuthorError

NAME = "wasm_faas_entry"

_USUAL = ("main", "app")

_SOURCE = """\
# Written by the build: makes the handler of `{module}` the component's export.
import sys

sys.dont_write_bytecode = True  # the author's folder is open for writing here, and is to stay as it is

import {module}
from wasm_faas._function import {export}, start

start("{module}", "{decorator}")
"""

DECORATORS = {"function": "Handler", "batch_function": "BatchHandler"}
"""What names a handler, and the class that the component exports for it."""

Handler = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Entry:
    """The author's module that has the handler."""

    module: str
    """As it is imported: `main`, `shop.orders`."""
    path: Path
    """Relative to the function's folder."""


def find(folder: Path) -> Entry:
    """The module that `pyproject.toml` names, else `main.py`, else `app.py`. Errors: `AuthorError`."""
    named = _named(folder / "pyproject.toml")
    for module in [named] if named else _USUAL:
        path = Path(*module.split("."))
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if (folder / candidate).is_file():
                return Entry(module, candidate)
    if named:
        raise AuthorError(
            f"pyproject.toml: the module `{named}` that `[tool.wasm-faas]` names is not in `{folder}`; "
            f'write it as it is imported, for example `module = "shop.orders"` for `shop/orders.py`'
        )
    raise AuthorError(
        f"no entry module: there is neither a `main.py` nor an `app.py` in `{folder}`; "
        'add one, or name yours in pyproject.toml: `[tool.wasm-faas]` with `module = "..."`'
    )


def _named(pyproject: Path) -> str | None:
    if not pyproject.is_file():
        return None
    try:
        tools = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("tool", {})
    except ValueError as error:
        raise AuthorError(f"pyproject.toml: {error}") from None
    module = tools.get("wasm-faas", {}).get("module")
    if module is None:
        return None
    if not isinstance(module, str) or not all(part.isidentifier() for part in module.split(".")):
        raise AuthorError(f"pyproject.toml: `module` must be a module's name, such as `shop.orders`, not `{module}`")
    return module


def check(folder: Path, entry: Entry) -> str:
    """Makes sure that the module decorates exactly one function that takes one argument; returns the decorator's name.

    A file that this Python cannot parse is left to the component's own Python, which is newer and checks again.
    Errors: `AuthorError`.
    """
    try:
        tree = ast.parse((folder / entry.path).read_bytes())
    except (SyntaxError, ValueError):
        return "function"
    functions = [node for node in tree.body if isinstance(node, Handler)]
    names = dict(_names_of_decorators(tree))
    decorators = [(node, _dotted(decorator)) for node in functions for decorator in node.decorator_list]
    handlers = [(node, names[decorator]) for node, decorator in decorators if decorator in names]
    if len(handlers) != 1:
        raise AuthorError(_count_message(entry, [handler for handler, _ in handlers], functions))
    handler, decorator = handlers[0]
    _check_parameters(entry, handler, decorator)
    return decorator


def _names_of_decorators(tree: ast.Module) -> Iterator[tuple[str | None, str]]:
    """The names under which the module knows our decorators, each with its own: `wasm_faas.function`, `f`."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "wasm_faas":
            for alias in node.names:
                yield from ((name, name) for name in DECORATORS if alias.name == "*")
                yield from ((alias.asname or name, name) for name in DECORATORS if alias.name == name)
        if isinstance(node, ast.Import):
            modules = [alias.asname or alias.name for alias in node.names if alias.name == "wasm_faas"]
            yield from ((f"{module}.{name}", name) for module in modules for name in DECORATORS)


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else None


def _count_message(entry: Entry, handlers: list[Handler], functions: list[Handler]) -> str:
    if handlers:
        return (
            f"{entry.path}:{handlers[1].lineno}: {len(handlers)} functions are decorated as handlers, and a "
            f"component has one handler; found: {_listed(entry, handlers)}"
        )
    return (
        f"{entry.path}: no handler: decorate one function at the top level of this file with `@function` or "
        f"`@batch_function`, imported from `wasm_faas`; found: {_listed(entry, functions) or 'no function at all'}"
    )


def _listed(entry: Entry, functions: list[Handler]) -> str:
    return ", ".join(f"`{node.name}` ({entry.path}:{node.lineno})" for node in functions)


def _check_parameters(entry: Entry, handler: Handler, decorator: str) -> None:
    parameters = [*handler.args.posonlyargs, *handler.args.args]
    required = len(parameters) - len(handler.args.defaults)
    keywords = sum(default is None for default in handler.args.kw_defaults)
    takes_one = required <= 1 and (parameters or handler.args.vararg) and not keywords
    if not takes_one:
        what, signature = ("event", "event: Event") if decorator == "function" else ("events", "events: list[Event]")
        raise AuthorError(
            f"{entry.path}:{handler.lineno}: `{handler.name}` must take one argument, the {what}: "
            f"`def {handler.name}({signature})`; it takes {required + keywords}"
        )


def write(directory: Path, entry: Entry, decorator: str) -> None:
    """Writes the module `NAME` into `directory`."""
    source = _SOURCE.format(module=entry.module, decorator=decorator, export=DECORATORS[decorator])
    (directory / f"{NAME}.py").write_text(source, encoding="utf-8")
