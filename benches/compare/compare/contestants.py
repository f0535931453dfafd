"""Who takes part, each with the flags and settings that suit it best."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from . import manifest
from .machine import WORK
from .manifest import Function
from .server import Request, Server, free_port

GREETING = "Hello, world!\n"
PAYLOAD = "0123456789abcdef" * 4
HELLO = Request("GET", "/", "", GREETING)
ECHO = Request("POST", "/", PAYLOAD, PAYLOAD)

# Of the trials (`run trials`) the best for each way of serving. `-Scli` is needed: a component of Rust's standard library
# imports more than the proxy world has. No fuel, no epochs, no timeout; wasm-faas has its limits on.
WASMTIME_WARM = [
    "-Scli",
    "-Opooling-allocator=y",
    "-Opooling-memory-keep-resident=2097152",
    "-Opooling-table-keep-resident=65536",
    "--max-instance-reuse-count=1000000",
    "--idle-instance-timeout=60s",
]
WASMTIME_FRESH = [
    "-Scli",
    "-Opooling-allocator=y",
    "-Opooling-memory-keep-resident=2097152",
    "-Opooling-table-keep-resident=65536",
    "-Opooling-pagemap-scan=yes",
    "-Opooling-async-stack-keep-resident=65536",
    "--max-instance-reuse-count=1",
]


@dataclass(frozen=True)
class Contestant:
    """A server and what it is asked."""

    name: str
    label: str
    request: Request
    argv: Callable[[int], list] = field(repr=False)
    """The command for a port."""

    def start(self, core):
        port = free_port()
        log = WORK / "logs" / f"{self.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        return Server(self.name, [str(part) for part in self.argv(port)], port, log, core)


def all_of(programs, guests):
    """Everybody of the comparison under load, the native servers first."""
    return [
        native(programs, "native-hello", "native hyper, hello", HELLO),
        native(programs, "native-echo", "native hyper, echo", ECHO),
        *functions(programs, "rust", "Rust echo", ECHO, guests.rust),
        *functions(programs, "javascript", "JavaScript echo", ECHO, guests.javascript),
        *functions(programs, "python", "Python echo", ECHO, guests.python),
        *functions(programs, "hello", "wasi:http hello", HELLO, guests.hello),
        wasmtime(programs, "wasmtime-warm", "wasmtime serve, wasi:http hello, warm", guests.hello, WASMTIME_WARM),
        wasmtime(programs, "wasmtime-fresh", "wasmtime serve, wasi:http hello, fresh", guests.hello, WASMTIME_FRESH),
    ]


def native(programs, name, label, request):
    return Contestant(name, label, request, lambda port: [programs.native, f"127.0.0.1:{port}"])


def wasmtime(programs, name, label, component, flags):
    return Contestant(name, label, HELLO, lambda port: [programs.wasmtime, "serve", *flags, f"--addr=127.0.0.1:{port}", component])


def functions(programs, name, label, request, component):
    """A function on wasm-faas, its instances used again and used once."""
    isolations = {"warm": "reuse", "fresh": "per-invocation"}
    return [
        wasm_faas(programs, f"{name}-{kind}", f"wasm-faas, {label}, {kind}", request, [Function(name, component, "/", isolation)])
        for kind, isolation in isolations.items()
    ]


def wasm_faas(programs, name, label, request, served):
    # A folder each: what a host keeps beside its manifest is its own.
    path = manifest.write(WORK / "manifests" / name / "wasm-faas.toml", served)
    return Contestant(name, label, request, lambda port: serve(programs.wasm_faas, path, port))


def serve(program, path: Path, port):
    return [program, "serve", path, "--listen", f"127.0.0.1:{port}", "--quiet"]
