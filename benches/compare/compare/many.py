"""Many functions in one process: a hundred asked in turn, thousands that nobody asks, instances that only wait."""

from dataclasses import replace

from . import contestants
from .contestants import ECHO
from .load import Sample
from .machine import WORK, CompareError
from .manifest import Function
from .programs import copies, say
from .server import Request
from .setting import turns

HUNDRED = 100
CONNECTIONS = 32
REGISTERED_ROUNDS = 3
INSTANCES = 500
SLEEP_MS = 1000
HEALTH = Request("GET", "/-/health", "", "")


def round_robin(setting):
    """CPU time per request with one function and with a hundred, each a component of its own, warm."""
    sizes = {"one": 1, "hundred": HUNDRED}
    components = copies(setting.guests.rust, HUNDRED, WORK / "components")
    everybody = [numbered(setting, name, components[:count]) for name, count in sizes.items()]
    samples = {name: [] for name in sizes}
    with setting.running(everybody) as servers:
        for number in range(-1, setting.rounds):
            for contestant, server in turns(number, servers):
                say(f"round {number + 1} of {setting.rounds}: {contestant.label}")
                sample = setting.measure(server, replace(ECHO, path="/f"), CONNECTIONS, sizes[contestant.name])
                # The round before the first makes the instances.
                if number >= 0:
                    samples[contestant.name].append(sample.as_json())
    return {**setting.head(), "connections": CONNECTIONS, "samples": samples}


def numbered(setting, name, components, warm=1):
    """A server with these components at `/f0`, `/f1` and so on; the first is the one to wait for."""
    functions = [Function(f"f{index}", path, f"/f{index}", min=warm) for index, path in enumerate(components)]
    label = f"wasm-faas, {len(functions)} functions"
    return contestants.wasm_faas(setting.programs, name, label, replace(ECHO, path="/f0"), functions)


def registered(setting):
    """Thousands of functions that are known and not asked, but for the one that shows that the server answers."""
    components = copies(setting.guests.rust, setting.registered, WORK / "components")
    contestant = numbered(setting, "registered", components, warm=0)
    say(f"compiling {setting.registered} components, once")
    start_registered(setting, contestant)
    starts = [start_registered(setting, contestant) for _ in range(REGISTERED_ROUNDS)]
    milliseconds, kib, cpu_ms = zip(*starts)
    return {
        **setting.head(),
        "functions": setting.registered,
        "start_ms": list(milliseconds),
        "resident_kib": list(kib),
        "start_cpu_ms": list(cpu_ms),
    }


def start_registered(setting, contestant):
    with contestant.start(setting.server_core) as server:
        milliseconds = server.first_answer_ms(contestant.request)
        server.settle()
        return round(milliseconds, 1), server.resident_kib(), round(server.cpu_ns() / 1e6, 1)


def density(setting):
    """Resident memory of an idle instance that was called once. Instances that sleep at the same time must be so many."""
    sleep = Request("POST", "/", f"sleep {SLEEP_MS}", "slept", "text/plain; charset=utf-8")
    served = [Function("sleeper", setting.guests.misbehave, "/", min=0, max=INSTANCES)]
    contestant = contestants.wasm_faas(setting.programs, "density", "wasm-faas, sleeping instances", sleep, served)
    say(f"waking {INSTANCES} instances")
    with setting.running([contestant]) as [(_, server)]:
        # The memory of the connections stays with the process after they are closed; this load has it allocated before.
        setting.measure(server, HEALTH, INSTANCES)
        server.settle()
        before = server.resident_kib()
        sample = setting.measure(server, sleep, INSTANCES)
        server.settle()
        kib = (server.resident_kib() - before) / (INSTANCES - 1)
    check_slept_together(sample)
    return {**setting.head(), "instances": INSTANCES, "kib_per_instance": round(kib, 1)}


def check_slept_together(sample: Sample):
    if sample.failures or sample.p99_us > 1.9 * SLEEP_MS * 1000:
        raise CompareError(f"the {INSTANCES} instances did not sleep at the same time: {sample}")
