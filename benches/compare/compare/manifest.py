"""Manifests for `wasm-faas serve`. The limits are those that hold without a manifest, said in full: they are ON."""

from dataclasses import dataclass
from pathlib import Path

HEAD = """\
version = 1

[server]
concurrency = 4096
"""

FUNCTION = """
[functions.{name}]
component = "{component}"
limits = {{ memory = "128MiB", fuel = 10_000_000_000, timeout = "3s" }}
pool = {{ min = {min}, max = {max}, isolation = "{isolation}" }}

[[triggers.http]]
path = "{path}"
function = "{name}"
"""


@dataclass(frozen=True)
class Function:
    name: str
    component: Path
    path: str
    isolation: str = "reuse"
    min: int = 1
    max: int = 128


def write(path, functions):
    """Writes the manifest of these functions and returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(FUNCTION.format(**vars(function)) for function in functions))
    return path
