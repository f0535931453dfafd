"""The goals of serving, and whether the results meet them."""

from dataclasses import dataclass
from typing import Callable

from . import figures
from .figures import Figure, load_ratio

KIB_PER_GIB = 1 << 20


@dataclass(frozen=True)
class Goal:
    number: str
    """As in the list of all goals; `-` for those that serving alone has."""
    what: str
    baseline: str
    limit: float
    at_least: bool
    unit: str
    value: Callable[[dict], Figure]

    def figure(self, results):
        """`None` when the part that has it was not measured."""
        try:
            return self.value(results)
        except KeyError:
            return None

    def verdict(self, figure):
        if figure is None:
            return "not measured"
        met = figure.middle >= self.limit if self.at_least else figure.middle <= self.limit
        word = "met" if met else "**missed**"
        # Some rounds met it and some did not: the median alone would sound surer than it is.
        return f"{word}, unsure" if figure.low <= self.limit <= figure.high and figure.low != figure.high else word

    def limit_text(self):
        return f"{'≥' if self.at_least else '≤'} {self.limit:,g}{self.unit}"

    def form(self):
        return ".2f" if self.unit == "x" else ",.0f"


def at_most(number, what, baseline, limit, value, unit="x"):
    return Goal(number, what, baseline, limit, False, unit, value)


def at_least(number, what, baseline, limit, value, unit="x"):
    return Goal(number, what, baseline, limit, True, unit, value)


def cpu(name, baseline):
    return lambda results: load_ratio(results, name, baseline, "cpu_us")


def rps(name, baseline):
    return lambda results: load_ratio(results, name, baseline, "rps")


def p99(name, baseline):
    return lambda results: load_ratio(results, name, baseline, "p99_us")


def start(results):
    milliseconds = results["start"]["start_ms"]
    return figures.quotient(milliseconds["start-ten"], milliseconds[figures.sooner(results)])


def resident_after_start(results):
    return scaled(results["start"]["resident_kib"]["start-ten"], 1 / 1024)


def scaled(values, factor):
    return Figure.of([value * factor for value in values])


def round_robin(results):
    samples = results["round_robin"]["samples"]
    return figures.ratio(samples["hundred"], samples["one"], "cpu_us")


def neighbour(results):
    samples = results["neighbour"]["samples"]
    return figures.ratio(samples["beside"], samples["alone"], "p99_us")


def density(results):
    return Figure.of([KIB_PER_GIB / results["density"]["kib_per_instance"]])


NATIVE, WARM_RIVAL, FRESH_RIVAL = "native hyper", "`wasmtime serve`, reuse", "`wasmtime serve`, isolated"

GOALS = [
    at_most("3", "echo handler, warm: CPU per request", NATIVE, 1.3, cpu("rust-warm", "native-echo")),
    at_least("3", "echo handler, warm: requests/s", NATIVE, 0.75, rps("rust-warm", "native-echo")),
    at_most("4", "echo handler, fresh: CPU per request", NATIVE, 4.0, cpu("rust-fresh", "native-echo")),
    at_most("5", "`wasi:http` hello, warm: CPU per request", NATIVE, 2.75, cpu("hello-warm", "native-hello")),
    at_most("5", "`wasi:http` hello, fresh: CPU per request", NATIVE, 5.5, cpu("hello-fresh", "native-hello")),
    at_most("5", "`wasi:http` hello, warm: CPU per request", WARM_RIVAL, 0.5, cpu("hello-warm", "wasmtime-warm")),
    at_most("5", "`wasi:http` hello, fresh: CPU per request", FRESH_RIVAL, 0.5, cpu("hello-fresh", "wasmtime-fresh")),
    at_most("-", "`wasi:http` hello, warm: p99", WARM_RIVAL, 1.0, p99("hello-warm", "wasmtime-warm")),
    at_most("-", "`wasi:http` hello, fresh: p99", FRESH_RIVAL, 1.0, p99("hello-fresh", "wasmtime-fresh")),
    at_least("6", "JavaScript echo, warm: requests/s", "the same, fresh", 5, rps("javascript-warm", "javascript-fresh")),
    at_least("6", "Python echo, warm: requests/s", "the same, fresh", 20, rps("python-warm", "python-fresh")),
    at_least("11", "idle Rust instances, called once", "a GiB", 15000, density, ""),
    at_most("13", "100 functions in turn, warm: CPU per request", "one function", 5, round_robin),
    at_most(
        "15", "registered idle functions: resident", "-", 1024, lambda results: scaled(results["registered"]["resident_kib"], 1 / 1024), " MiB"
    ),
    at_most("15", "registered idle functions: start to first answer", "-", 2000, lambda results: scaled(results["registered"]["start_ms"], 1), " ms"),
    at_most("-", "ten functions: start to first answer, compiled before", "`wasmtime serve`, one function, precompiled", 1.5, start),
    at_most("-", "ten functions: resident after the first answer", "-", 25, resident_after_start, " MiB"),
    at_most("-", "echo handler beside a function that spins: p99", "the same, alone", 2, neighbour),
]
