"""From the start of a process to its first answer, the component's code compiled before, and what is resident then."""

from . import contestants
from .contestants import HELLO, Contestant
from .machine import WORK
from .manifest import Function
from .programs import copies, precompiled, say
from .setting import turns

FUNCTIONS = 10


def run(setting):
    """Milliseconds and KiB in a list, one of each round, per contestant."""
    everybody = starters(setting)
    start_ms = {contestant.name: [] for contestant in everybody}
    resident = {contestant.name: [] for contestant in everybody}
    for contestant in everybody:
        start_once(setting, contestant)
    for number in range(setting.start_rounds):
        for contestant in turns(number, everybody):
            say(f"start {number + 1} of {setting.start_rounds}: {contestant.label}")
            milliseconds, kib = start_once(setting, contestant)
            start_ms[contestant.name].append(round(milliseconds, 2))
            resident[contestant.name].append(kib)
    labels = {contestant.name: contestant.label for contestant in everybody}
    return {**setting.head(), "rounds": setting.start_rounds, "labels": labels, "start_ms": start_ms, "resident_kib": resident}


def start_once(setting, contestant):
    setting.await_quiet()
    with contestant.start(setting.server_core) as server:
        milliseconds = server.first_answer_ms(contestant.request)
        server.settle()
        return milliseconds, server.resident_kib()


def starters(setting):
    """`wasmtime serve` twice: which of its allocators starts sooner depends on the machine, and the sooner one counts."""
    programs, guests = setting.programs, setting.guests
    compiled = precompiled(programs.wasmtime, guests.hello, [])
    one = [Function("hello", guests.hello, "/", min=0)]
    others = copies(guests.rust, FUNCTIONS - 1, WORK / "components")
    ten = one + [Function(f"f{index}", path, f"/f{index}", min=0) for index, path in enumerate(others)]
    return [
        contestants.native(programs, "native-hello", "native hyper", HELLO),
        contestants.wasm_faas(programs, "start-one", "wasm-faas, one function", HELLO, one),
        contestants.wasm_faas(programs, "start-ten", "wasm-faas, ten functions", HELLO, ten),
        wasmtime(programs, "wasmtime-pool", "wasmtime serve, precompiled, default flags", compiled, ["-Scli"]),
        wasmtime(programs, "wasmtime-no-pool", "wasmtime serve, precompiled, no pool", compiled, ["-Scli", "-Opooling-allocator=n"]),
    ]


def wasmtime(programs, name, label, compiled, flags) -> Contestant:
    return contestants.wasmtime(programs, name, label, compiled, ["--allow-precompiled", *flags])
