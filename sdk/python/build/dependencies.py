"""Installs what requirements.txt names, once per content of that file."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from problems import AuthorError, ToolchainError

_FORMAT = "1"
"""Changes when what is kept in a dependencies folder changes."""
_NATIVE = {".so", ".pyd", ".dylib", ".dll"}
_LIST = "wasm_faas_native.json"


@dataclass(frozen=True)
class Dependencies:
    """Packages ready to be put into a component."""

    path: Path
    native: dict[str, str]
    """Importable package → the distribution whose machine code was left out of it."""


def install(folder: Path, cache: Path) -> Dependencies | None:
    """The packages of the folder's requirements.txt, from `cache` if they are there; None without that file.

    Machine code is removed, as it cannot run in a component: many packages have Python to fall back on. Errors:
    `AuthorError` when pip cannot install them or nothing but machine code is in one, `ToolchainError` without pip.
    """
    requirements = folder / "requirements.txt"
    if not requirements.is_file():
        return None
    path = cache / _key(requirements)
    if not path.is_dir():
        unfinished = cache / f"{path.name}.{os.getpid()}"
        try:
            _install_into(unfinished, requirements)
            _keep(unfinished, path)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return Dependencies(path, json.loads((path / _LIST).read_text(encoding="utf-8")))


def _key(requirements: Path) -> str:
    digest = hashlib.sha256(f"{_FORMAT} {sys.version_info[:2]} {sys.platform}".encode())
    _add(digest, requirements)
    return digest.hexdigest()[:32]


def _add(digest: "hashlib._Hash", requirements: Path) -> None:
    """Adds the file, and those that it includes with `-r` or `-c`."""
    content = requirements.read_bytes()
    digest.update(b"%d:%s" % (len(content), content))
    for line in content.decode(errors="replace").splitlines():
        option, _, name = line.strip().replace("=", " ").partition(" ")
        included = requirements.parent / name.strip()
        if option in ("-r", "--requirement", "-c", "--constraint") and included.is_file():
            _add(digest, included)


def _install_into(target: Path, requirements: Path) -> None:
    target.mkdir(parents=True)
    command = [sys.executable, "-I", "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install"]
    options = ["--no-compile", "--no-warn-script-location", "--target", str(target), "-r", requirements.name]
    done = subprocess.run(
        command + options, cwd=requirements.parent, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True
    )
    said = done.stderr.decode(errors="replace").strip()
    if "No module named pip" in said:
        raise ToolchainError(f"`{sys.executable}` has no pip: make the toolchain's virtual environment anew")
    if done.returncode != 0:
        raise AuthorError(f"requirements.txt: pip cannot install the packages\n{_errors_of_pip(said)}")
    native = {}
    for distribution in distributions(path=[str(target)]):
        native.update(_remove_native(distribution))
    (target / _LIST).write_text(json.dumps(native), encoding="utf-8")


def _environment() -> dict[str, str]:
    """Ours, for proxies and pip's settings, but for what would bring in another environment's packages."""
    unwanted = {"VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def _errors_of_pip(said: str) -> str:
    errors = [line for line in said.splitlines() if line.startswith("ERROR:")]
    return "\n".join(f"  {line.removeprefix('ERROR:').strip()}" for line in errors) or said


def _remove_native(distribution: Distribution) -> dict[str, str]:
    files = [Path(str(file)) for file in distribution.files or []]
    machine_code = [file for file in files if file.suffix in _NATIVE]
    name = distribution.metadata["Name"]
    if machine_code and not any(file.suffix == ".py" for file in files):
        raise AuthorError(
            f"requirements.txt: `{name}` is machine code only (`{machine_code[0]}`), which cannot run in a component; "
            "use a package that is written in Python instead"
        )
    for file in machine_code:
        Path(str(distribution.locate_file(str(file)))).unlink(missing_ok=True)
    return {file.parts[0].partition(".")[0]: name for file in machine_code}


def _keep(unfinished: Path, path: Path) -> None:
    try:
        unfinished.rename(path)
    except OSError:
        if not path.is_dir():  # else another build of the same requirements was faster
            raise
