"""Load by `wrk`, on a core of its own."""

import json
import resource
import subprocess
import time
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

from . import machine
from .machine import CompareError

SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Sample:
    """One measurement."""

    cpu_us: float
    """CPU time of the server for one answered request."""
    rps: float
    p50_us: int
    p99_us: int
    failures: int
    """Answers other than 2xx and 3xx, and broken connections."""
    server_busy: float
    """Share of its core that the server used."""
    load_busy: float
    """Share of its core that `wrk` used; near 1, it is `wrk` that bounds the requests/s."""
    others_busy: float
    """Share of both cores that went to neither of them. Much of it makes every figure of the sample doubtful."""

    def as_json(self):
        return {name: round(value, 3) for name, value in asdict(self).items()}


def command(port, request, connections, seconds, functions=0):
    """The arguments of `wrk`; `functions` as in load.lua."""
    arguments = [request.method, request.body, request.content_type, str(functions)]
    url = f"http://127.0.0.1:{port}{request.path}"
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT)]
    return ["wrk", *options, url, "--", *arguments]


def measure(server, request, connections, seconds, core, functions=0):
    """Asks as fast as the connections allow. Raises when nothing was answered."""
    server.check_alive()
    before = Clocks.read(server, core)
    with machine.pinned(core):
        argv = command(server.port, request, connections, seconds, functions)
        ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    used = Clocks.read(server, core).since(before)
    result = parse(server, ended)
    return Sample(
        cpu_us=used.server * 1e6 / result["requests"],
        rps=result["requests"] / (result["duration_us"] / 1e6),
        p50_us=result["p50_us"],
        p99_us=result["p99_us"],
        failures=result["refused"] + result["broken"],
        server_busy=used.server / used.wall,
        load_busy=used.load / used.wall,
        others_busy=max(0, used.both_cores - used.server - used.load) / (2 * used.wall),
    )


@dataclass(frozen=True)
class Clocks:
    """Seconds, of CPU time but for the wall clock."""

    wall: float
    server: float
    load: float
    both_cores: float

    @classmethod
    def read(cls, server, core):
        return cls(time.monotonic(), server.cpu_ns() / 1e9, own_cpu_s(), machine.busy_s(server.core, core))

    def since(self, before):
        return Clocks(*(now - then for now, then in zip(astuple(self), astuple(before))))


def parse(server, ended):
    lines = [line for line in ended.stdout.splitlines() if line.startswith("RESULT ")]
    result = json.loads(lines[0].removeprefix("RESULT ")) if lines else None
    if not result or result["requests"] == 0:
        raise CompareError(f"`wrk` got no answer of `{server.name}`: {ended.stderr.strip() or ended.stdout.strip()} / {server.last_words()}")
    return result


def own_cpu_s():
    """CPU time of what this process started and waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
