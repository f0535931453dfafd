"""Everybody under load: requests/s, latency, and the CPU time of the server for each request."""

from . import contestants
from .programs import say
from .setting import turns


def run(setting):
    """`samples` has a list, one of each round, per contestant and number of connections."""
    everybody = contestants.all_of(setting.programs, setting.guests)
    samples = {contestant.name: {str(count): [] for count in setting.connections} for contestant in everybody}
    with setting.running(everybody) as servers:
        for server in servers:
            warm_up(setting, *server)
        for number in range(setting.rounds):
            one_round(setting, number, servers, samples)
    labels = {contestant.name: contestant.label for contestant in everybody}
    flags = {"warm": contestants.WASMTIME_WARM, "fresh": contestants.WASMTIME_FRESH}
    return {**setting.head(), "labels": labels, "wasmtime_flags": flags, "samples": samples}


def warm_up(setting, contestant, server):
    say(f"warming {contestant.label}")
    setting.measure(server, contestant.request, max(setting.connections))


def one_round(setting, number, servers, samples):
    for count in setting.connections:
        for contestant, server in turns(number, servers):
            say(f"round {number + 1} of {setting.rounds}, {count} connections: {contestant.label}")
            sample = setting.measure(server, contestant.request, count)
            samples[contestant.name][str(count)].append(sample.as_json())
