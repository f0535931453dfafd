"""One host's process: started on its core, asked, measured, stopped."""

import http.client
import os
import socket
import subprocess
import time
from dataclasses import dataclass

from . import machine
from .machine import WORK, CompareError

# Waiting this long between two tries costs the measured start at most as much.
RETRY_S = 0.0002
# Compiling hundreds of components before the first answer takes a while.
PATIENCE_S = 1800
GRACE_S = 10


@dataclass(frozen=True)
class Request:
    """What is asked, and the body that a right answer has."""

    method: str
    path: str
    body: str
    expected: str
    content_type: str = "text/plain"


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str | None
    body: str


class Server:
    """A running process; use it in a `with`."""

    def __init__(self, name, argv, port, log, core):
        self.name, self.port, self.log, self.core = name, port, log, core
        self.started_ns = time.monotonic_ns()
        with open(log, "wb") as output, machine.pinned(core):
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self.process.pid

    def cpu_ns(self):
        return machine.cpu_ns(self.pid)

    def resident_kib(self):
        return machine.resident_kib(self.pid)

    def first_answer_ms(self, request):
        """Asks until the answer is right; from the start of the process."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.check_alive()
            if answers(self.port, request):
                return (time.monotonic_ns() - self.started_ns) / 1e6
            time.sleep(RETRY_S)
        raise CompareError(f"`{self.name}` gave no right answer within {PATIENCE_S} s: {self.last_words()}")

    def settle(self):
        """Waits until the process does next to nothing, so that what comes is measured alone."""
        busy = True
        while busy:
            before = self.cpu_ns()
            time.sleep(0.2)
            busy = self.cpu_ns() - before > 2e6

    def check_alive(self):
        status = self.process.poll()
        if status is not None:
            raise CompareError(f"`{self.name}` ended with status {status}: {self.last_words()}")

    def last_words(self):
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "it said nothing"

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def environment():
    """Ours but for `RUST_BACKTRACE`, which would put unwinding into the path of a request; compiled code goes where it is easily
    deleted."""
    kept = {name: value for name, value in os.environ.items() if name not in ("RUST_BACKTRACE", "RUST_LOG")}
    return {**kept, "WASM_FAAS_CACHE": str(WORK / "cache")}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port, request):
    """Whether the server listens and answers 200; 503 says that it is not ready yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(request.method, request.path, request.body or None, {"content-type": request.content_type})
        response = connection.getresponse()
        answer = Answer(response.status, response.getheader("content-type"), response.read().decode(errors="replace"))
    except (ConnectionError, http.client.HTTPException, TimeoutError):
        return False
    finally:
        connection.close()
    if answer.status not in (200, 503):
        raise CompareError(f"{request.method} {request.path} was answered with {answer}")
    if answer.status == 200:
        check(request, answer)
    return answer.status == 200


def check(request, answer):
    """A wrong answer is an error: hosts that do different work cannot be compared."""
    if answer != Answer(200, request.content_type, request.expected):
        raise CompareError(f"{request.method} {request.path} was answered with {answer}, not `{request.expected}`")
