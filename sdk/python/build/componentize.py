"""Runs componentize-py and puts what it says into the author's terms."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import entry
from dependencies import Dependencies
from problems import AuthorError, ToolchainError

_START = "import sys; from componentize_py import script; sys.exit(script())"
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'  File "/(\d+)/(.+?)", line (\d+)(?:, in (.+))?')
_AUTHOR, _PACKAGES = "1", "3"
"""Numbers of the folders in the component's search path: the written entry module is 0, the SDK 2."""
_KEPT = ("TMPDIR", "TEMP", "TMP", "SYSTEMROOT")
"""What a process needs to make temporary files, and on Windows to start at all."""
_OURS = "wasm_faas._function.HandlerError: "


def run(
    folder: Path,
    sdk: Path,
    dependencies: Dependencies | None,
    wit: Path,
    found: entry.Entry,
    decorator: str,
    output: Path,
) -> None:
    """Makes the component `output`, in the world of its handler's decorator.

    Errors: `AuthorError` with the author's part of a traceback, `ToolchainError`.
    """
    with tempfile.TemporaryDirectory(prefix="wasm-faas-") as temporary:
        written, empty = Path(temporary, "entry"), Path(temporary, "empty")
        written.mkdir()
        empty.mkdir()
        entry.write(written, found, decorator)
        paths = [written, folder, sdk, *([dependencies.path] if dependencies else [])]
        command = _command(wit, decorator.replace("_", "-"), paths, output)
        done = subprocess.run(command, env=_environment(empty), stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        raise _problem(done.stderr.decode(errors="replace"), dependencies)


def _command(wit: Path, world: str, paths: list[Path], output: Path) -> list[str]:
    program = [sys.executable, "-I", "-c", _START, "--quiet", "--wit-path", str(wit), "--world", world]
    search = [argument for path in paths for argument in ("--python-path", str(path))]
    return [*program, "componentize", entry.NAME, *search, "--output", str(output)]


def _environment(empty: Path) -> dict[str, str]:
    """Little of ours, and a `VIRTUAL_ENV` without packages: else those beside componentize-py would be found."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {"VIRTUAL_ENV": str(empty)}


def _problem(said: str, dependencies: Dependencies | None) -> Exception:
    _, _, of_component = said.partition(f"AssertionError: {_TRACEBACK}\n")
    if not of_component:
        said, _, _ = said.partition("Stack backtrace:")
        _, _, reason = said.partition("AssertionError: ")
        return ToolchainError(f"componentize-py failed: {reason.strip() or said.strip() or 'it said nothing'}")
    lines = of_component.partition("\n\nCaused by:")[0].rstrip().splitlines()
    error = _error(lines)
    if error.startswith(_OURS):
        return AuthorError(error.removeprefix(_OURS))
    frames = [match for match in map(_FRAME.match, lines) if match]
    where = [f"{match[2]}:{match[3]}: " for match in frames if match[1] == _AUTHOR]
    if not where:
        return ToolchainError("the SDK failed inside the component:\n" + "\n".join(lines))
    return AuthorError("\n".join([where[-1] + error, *_trimmed(lines), *_hints(error, frames, dependencies)]))


def _error(lines: list[str]) -> str:
    """The exception itself: what follows the last frame, to the first end of a line that has words."""
    last = max((index for index, line in enumerate(lines) if line.startswith("  File ")), default=-1)
    said = [line for line in lines[last + 1 :] if line and not line.startswith("    ")]
    return " ".join(line.strip() for line in said[: 2 if said and said[0].endswith(": ") else 1]) or "unknown error"


def _trimmed(lines: list[str]) -> Iterator[str]:
    """The frames in the author's own files, with their source lines."""
    shown = False
    for line in lines:
        match = _FRAME.match(line)
        if line.startswith("  File "):
            shown = match is not None and match[1] == _AUTHOR
        if match and shown:
            yield f"  {match[2]}:{match[3]}" + (f" in {match[4]}" if match[4] else "")
        elif shown and line.startswith("    "):
            yield line


def _hints(error: str, frames: list[re.Match[str]], dependencies: Dependencies | None) -> Iterator[str]:
    kind, _, text = error.partition(": ")
    if kind not in ("ImportError", "ModuleNotFoundError"):
        return
    native = dependencies.native if dependencies else {}
    packages = {match[2].partition("/")[0] for match in frames if match[1] == _PACKAGES}
    packages.update(part.partition(".")[0] for part in re.findall(r"'([\w.]+)'", text))
    guilty = sorted({native[package] for package in packages if package in native})
    for name in guilty:
        yield f"`{name}` needs machine code, which cannot run in a component; use a package written in Python instead"
    if not guilty and kind == "ModuleNotFoundError":
        yield "a package must be in requirements.txt; of the standard library, ssl, ctypes, bz2 and lzma are not there"
