"""The programs and components that take part: found, or built."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import machine
from .machine import ROOT, WORK, CompareError

HERE = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".wasm-faas/tools"
WASMTIME_VERSION = "48.0.8"
WASM = "wasm32-wasip2"


@dataclass(frozen=True)
class Programs:
    """Paths of the servers."""

    native: Path
    wasmtime: Path
    wasm_faas: Path

    def versions(self):
        return {
            "wasm-faas": machine.version(self.wasm_faas, "--version"),
            "wasmtime": machine.version(self.wasmtime, "--version"),
            "rustc": machine.version("rustc", "--version"),
            "wrk": machine.version("wrk", "-v").split(" [")[0],
        }


@dataclass(frozen=True)
class Guests:
    """Paths of the components."""

    hello: Path
    rust: Path
    javascript: Path
    python: Path
    misbehave: Path


def programs(wasm_faas, wasmtime):
    """The servers; those not given are built or installed."""
    need("wrk", "install it, for example with `apt-get install wrk`")
    need("cargo", "install Rust with rustup")
    return Programs(native(), wasmtime or installed_wasmtime(), wasm_faas or release())


def guests(wasm_faas):
    """The components, all but the greeting built by `wasm-faas build`."""
    folders = {
        "rust": "rust/echo",
        "javascript": "javascript/echo",
        "python": "python/echo",
        "misbehave": "rust/misbehave",
    }
    built = {name: build_guest(wasm_faas, ROOT / "guests" / folder) for name, folder in folders.items()}
    return Guests(hello=hello(), **built)


def native():
    run("building the native server", ["cargo", "build", "--quiet", "--locked", "--release", "--target-dir", WORK / "native"], HERE / "native")
    return WORK / "native/release/native"


def release():
    run("building wasm-faas", ["cargo", "build", "--quiet", "--locked", "--release"], ROOT)
    return target_folder() / "release/wasm-faas"


def target_folder():
    printed = run("asking cargo", ["cargo", "metadata", "--no-deps", "--format-version", "1"], ROOT)
    return Path(json.loads(printed)["target_directory"])


def hello():
    build = ["cargo", "build", "--quiet", "--locked", "--release", "--target", WASM, "--target-dir", WORK / "hello"]
    run("building the greeting", build, HERE / "hello")
    return WORK / "hello" / WASM / "release/hello.wasm"


def build_guest(wasm_faas, folder):
    label = f"building {folder.relative_to(ROOT)}"
    return Path(run(label, [wasm_faas, "build", folder], ROOT).strip().splitlines()[-1])


def installed_wasmtime():
    """The one of the right version: of the path, of an earlier run, or installed now from its crate."""
    for candidate in (shutil.which("wasmtime"), TOOLS / "bin/wasmtime"):
        if candidate and Path(candidate).exists() and WASMTIME_VERSION in machine.version(candidate, "--version"):
            return Path(candidate)
    install = ["cargo", "install", "--quiet", "wasmtime-cli", "--version", WASMTIME_VERSION, "--locked", "--root", TOOLS]
    run(f"installing wasmtime {WASMTIME_VERSION}, which takes minutes", install, ROOT)
    return TOOLS / "bin/wasmtime"


def precompiled(wasmtime, component, flags):
    """The component as `wasmtime serve` starts it quickest. The flags that shape code must be those it is served with."""
    output = WORK / "hello.cwasm"
    run("compiling the greeting", [wasmtime, "compile", *flags, component, "-o", output], ROOT)
    return output


def copies(component, count, folder):
    """So many components that differ only in a custom section: each has a digest, and compiled code, of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    original = component.read_bytes()
    paths = [folder / f"{component.stem}-{index}.wasm" for index in range(count)]
    for index, path in enumerate(paths):
        content = original + custom_section("copy", str(index).encode())
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    return paths


def custom_section(name, content):
    """In the binary format: id 0, length, name, content; every length here fits one byte of LEB128."""
    payload = bytes([len(name)]) + name.encode() + content
    return bytes([0, len(payload)]) + payload


def need(program, remedy):
    if not shutil.which(program):
        raise CompareError(f"`{program}` is missing: {remedy}")


def run(what, argv, folder):
    """Runs a step to its end and returns what it printed; its errors are shown when it fails."""
    say(what)
    environment = {name: value for name, value in os.environ.items() if name != "RUSTFLAGS"}
    ended = subprocess.run([str(part) for part in argv], cwd=folder, stdout=subprocess.PIPE, text=True, env=environment, check=False)
    if ended.returncode != 0:
        raise CompareError(f"{what} failed: `{argv[0]}` ended with status {ended.returncode}")
    return ended.stdout


def say(text):
    """Progress, for somebody who watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
