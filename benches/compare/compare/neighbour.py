"""What a function's callers notice when a function beside it computes without end."""

import subprocess
import time

from . import contestants, load, machine
from .contestants import ECHO
from .manifest import Function
from .programs import say
from .server import Request
from .setting import turns

CONNECTIONS = 32
SPINNING = 8
SPIN = Request("POST", "/spin", "spin", "")


def run(setting):
    """Samples of the echo function, alone and beside the spinning one, taking turns."""
    functions = [Function("echo", setting.guests.rust, "/"), Function("spin", setting.guests.misbehave, "/spin")]
    contestant = contestants.wasm_faas(setting.programs, "neighbour", "wasm-faas, echo beside a spinning function", ECHO, functions)
    ways = {"alone": alone, "beside": beside}
    samples = {name: [] for name in ways}
    with setting.running([contestant]) as [(_, server)]:
        alone(setting, server)
        for number in range(setting.rounds):
            for name, way in turns(number, list(ways.items())):
                say(f"round {number + 1} of {setting.rounds}: echo {name}")
                samples[name].append(way(setting, server).as_json())
    return {**setting.head(), "connections": CONNECTIONS, "spinning": SPINNING, "samples": samples}


def alone(setting, server):
    server.settle()
    return setting.measure(server, ECHO, CONNECTIONS)


def beside(setting, server):
    """The spinning function is asked from before until after."""
    setting.await_quiet()
    argv = load.command(server.port, SPIN, SPINNING, setting.seconds + 60)
    with machine.pinned(setting.load_core):
        spinning = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        return setting.measure_now(server, ECHO, CONNECTIONS)
    finally:
        spinning.kill()
        spinning.wait()
