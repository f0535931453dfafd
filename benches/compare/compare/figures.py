"""From samples to figures: every ratio is taken within a round, then the median of the rounds."""

from dataclasses import dataclass
from statistics import median

CONNECTIONS = "32"
"""The number of connections that the goals name."""


@dataclass(frozen=True)
class Figure:
    """The median of the rounds, with the smallest and the largest."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values):
        return cls(median(values), min(values), max(values))

    def spread(self, form):
        """`1.20 (1.10-1.30)`; the median alone where there is no spread."""
        middle, low, high = (format(value, form) for value in (self.middle, self.low, self.high))
        return middle if self.low == self.high else f"{middle} ({low}-{high})"


def figure(samples, field):
    return Figure.of([sample[field] for sample in samples])


def ratio(samples, baseline, field):
    """Of two lists of samples that took turns."""
    return quotient([sample[field] for sample in samples], [sample[field] for sample in baseline])


def quotient(values, baseline):
    """Of two lists of values that took turns."""
    return Figure.of([value / base for value, base in zip(values, baseline, strict=True)])


def load_ratio(results, name, baseline, field, connections=CONNECTIONS):
    samples = results["load"]["samples"]
    return ratio(samples[name][connections], samples[baseline][connections], field)


def sooner(results):
    """The way to start `wasmtime serve` that answers first."""
    start = results["start"]["start_ms"]
    return min(("wasmtime-pool", "wasmtime-no-pool"), key=lambda name: median(start[name]))
