"""Builds a folder of Python into a component.

    python build.py --folder <function's folder> --wit <wit folder> --output <file.wasm> [--deps-dir <cache folder>]

Run it with the toolchain's Python, in which `toolchain/requirements.txt` is installed. Says nothing when all is well.
Exit codes: 0; 1 for a mistake in the folder; 2 for wrong arguments; 3 when the toolchain is broken.
"""

import sys

sys.dont_write_bytecode = True  # the SDK's folder may be read-only, and is to stay as it is

import argparse
import importlib.metadata
import os
import re
from pathlib import Path

import componentize
import dependencies
import entry
from problems import AuthorError, ToolchainError

SDK = Path(__file__).resolve().parent.parent
TOOLCHAIN = SDK / "toolchain" / "requirements.txt"


def main() -> int:
    """Builds, and returns the exit code."""
    arguments = _arguments()
    try:
        build(arguments.folder, arguments.wit, arguments.output, arguments.deps_dir)
    except AuthorError as error:
        return _fail(error, 1)
    except ToolchainError as error:
        return _fail(error, 3)
    except OSError as error:
        return _fail(error, 3)
    return 0


def build(folder: Path, wit: Path, output: Path, deps_dir: Path | None) -> None:
    """Makes the component `output` of `folder`. Errors: `AuthorError`, `ToolchainError`, `OSError`."""
    if not folder.is_dir():
        raise AuthorError(f"`{folder}` is not a folder")
    found = entry.find(folder)
    decorator = entry.check(folder, found)
    check_toolchain()
    packages = dependencies.install(folder, deps_dir or folder / ".wasm-faas" / "python")
    unfinished = output.with_name(f".{output.name}.{os.getpid()}")
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        componentize.run(folder, SDK, packages, wit, found, decorator, unfinished)
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)


def check_toolchain() -> None:
    """Makes sure that this Python has the pinned componentize-py. Errors: `ToolchainError`."""
    pinned = re.search(r"^componentize-py==(\S+)", TOOLCHAIN.read_text(encoding="utf-8"), re.MULTILINE)
    wanted = pinned[1] if pinned else "?"
    try:
        installed = importlib.metadata.version("componentize-py")
    except importlib.metadata.PackageNotFoundError:
        installed = "none"
    if installed != wanted:
        raise ToolchainError(
            f"`{sys.executable}` has componentize-py {installed}, and {wanted} is needed: "
            f"run `{sys.executable} -m pip install --require-hashes -r {TOOLCHAIN}`"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Builds a folder of Python into a component.")
    parser.add_argument("--folder", type=Path, required=True, help="the function's folder, with main.py or app.py")
    parser.add_argument("--wit", type=Path, required=True, help="the folder with the WIT package")
    parser.add_argument("--output", type=Path, required=True, help="the component to write")
    parser.add_argument("--deps-dir", type=Path, help="keeps installed packages [<folder>/.wasm-faas/python]")
    return parser.parse_args()


def _fail(error: Exception, code: int) -> int:
    print(error, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
