"""Which flags suit `wasmtime serve` best: each set adds to the one before, or stands alone."""

from . import contestants
from .contestants import HELLO
from .machine import CompareError
from .programs import say
from .setting import turns

CONNECTIONS = 32
KEEP = ["-Opooling-memory-keep-resident=2097152", "-Opooling-table-keep-resident=65536"]
SCAN = ["-Opooling-pagemap-scan=yes"]
SETS = {
    "defaults": ["-Scli"],
    "no pool": ["-Scli", "-Opooling-allocator=n"],
    "pool keeps memory": ["-Scli", "-Opooling-allocator=y", *KEEP],
    "pool keeps memory, scan": ["-Scli", "-Opooling-allocator=y", *KEEP, *SCAN],
    "the same, stacks kept": ["-Scli", "-Opooling-allocator=y", *KEEP, *SCAN, "-Opooling-async-stack-keep-resident=65536"],
    "the same, no garbage collector": ["-Scli", "-Opooling-allocator=y", *KEEP, *SCAN, "-Wgc-support=n"],
    "the same, no concurrency": ["-Scli", "-Opooling-allocator=y", *KEEP, *SCAN, "-Wconcurrency-support=n", "-Sp3=n"],
}
WAYS = {"warm": contestants.REUSE, "fresh": contestants.ISOLATED}


def run(setting):
    """Samples per set and way; what was refused says why."""
    everybody, refused = candidates(setting)
    samples = {contestant.name: [] for contestant in everybody}
    with setting.running(everybody) as servers:
        for number in range(setting.rounds):
            for contestant, server in turns(number, servers):
                say(f"round {number + 1} of {setting.rounds}: {contestant.label}")
                samples[contestant.name].append(setting.measure(server, HELLO, CONNECTIONS).as_json())
    return {**setting.head(), "connections": CONNECTIONS, "flags": flags(), "samples": samples, "refused": refused}


def flags():
    return {f"{name}, {way}": [*options, *reuse] for name, options in SETS.items() for way, reuse in WAYS.items()}


def candidates(setting):
    """Those that answer, the native server first."""
    answering, refused = [contestants.native(setting.programs, "native-hello", "native hyper", HELLO)], {}
    for name, options in flags().items():
        contestant = contestants.wasmtime(setting.programs, name, name, setting.guests.hello, options)
        reason = refusal(setting, contestant)
        if reason:
            refused[name] = reason
        else:
            answering.append(contestant)
    return answering, refused


def refusal(setting, contestant):
    """Why the server does not answer with these flags; `None` when it does."""
    try:
        with setting.running([contestant]):
            return None
    except CompareError as error:
        return str(error)
