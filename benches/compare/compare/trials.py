"""Which flags suit `wasmtime serve` best."""

from . import contestants
from .contestants import HELLO
from .machine import CompareError
from .programs import say
from .setting import turns

CONNECTIONS = 32
KEEP = ["-Scli", "-Opooling-allocator=y", "-Opooling-memory-keep-resident=2097152", "-Opooling-table-keep-resident=65536"]
SCAN = [*KEEP, "-Opooling-pagemap-scan=yes"]
STACKS = [*SCAN, "-Opooling-async-stack-keep-resident=65536"]
# 32 connections have no use for more instances than run at a time, and fewer instances are more often in the caches.
SINGLE = "--max-concurrent-requests=1"
SETS = {
    "defaults": ["-Scli"],
    "no pool": ["-Scli", "-Opooling-allocator=n"],
    "no pool, one request at a time": ["-Scli", "-Opooling-allocator=n", SINGLE],
    "pool keeps memory": KEEP,
    "and scans for dirty pages": SCAN,
    "and keeps stacks": STACKS,
    "and has no garbage collector": [*STACKS, "-Wgc-support=n"],
    "and takes one request at a time": [*STACKS, SINGLE],
    "and has no concurrency": [*STACKS, "-Wconcurrency-support=n", "-Sp3=n"],
}
WAYS = {
    "warm": ["--max-instance-reuse-count=1000000", "--idle-instance-timeout=60s"],
    "fresh": ["--max-instance-reuse-count=1"],
}


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
