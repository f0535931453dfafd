"""Tables for a terminal and for docs/benchmarks.md, from the same rows."""

from dataclasses import dataclass
from statistics import median

from . import figures
from .figures import figure, ratio
from .goals import GOALS

BASELINES = {"rust": "native-echo", "javascript": "native-echo", "python": "native-echo"}
"""The native server that answers the same; the greeting's where a contestant is not named."""
RIVALS = {"hello-warm": "wasmtime-warm", "hello-fresh": "wasmtime-fresh"}


@dataclass(frozen=True)
class Table:
    title: str
    note: str
    header: list
    rows: list

    def markdown(self):
        lines = [f"### {self.title}", "", self.note, ""] if self.note else [f"### {self.title}", ""]
        lines += [line(self.header), line(["---"] * len(self.header)), *map(line, self.rows), ""]
        return "\n".join(lines)

    def text(self):
        """Columns aligned with spaces."""
        cells = [[plain(cell) for cell in row] for row in [self.header, *self.rows]]
        widths = [max(map(len, column)) for column in zip(*cells)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
        return "\n".join([plain(self.title), *lines, ""])


def line(cells):
    return f"| {' | '.join(cells)} |"


def plain(cell):
    return cell.replace("**", "").replace("`", "")


def tables(results):
    """One for each part that was measured."""
    made = [goals(results)]
    if "load" in results:
        made += load(results["load"])
    if "start" in results:
        made.append(start(results))
    if rows := other_rows(results):
        made.append(Table("Many functions, and a bad neighbour", "", ["what", "measured"], rows))
    if "trials" in results:
        made.append(trials(results["trials"]))
    return made


def goals(results):
    rows = []
    for goal in GOALS:
        measured = goal.figure(results)
        value = "-" if measured is None else measured.spread(goal.form()) + goal.unit
        rows.append([goal.number, goal.what, goal.baseline, value, goal.limit_text(), goal.verdict(measured)])
    return Table("The goals, at 32 connections", "", ["goal", "what", "baseline", "measured", "goal value", ""], rows)


def load(part):
    counts = next(iter(part["samples"].values()))
    return [load_table(part, count) for count in counts]


def load_table(part, count):
    header = ["server", "CPU per request", "to native", "to `wasmtime serve`", "requests/s", "p50", "p99", "others", "failed"]
    rows = [load_row(part, name, count) for name in part["samples"]]
    return Table(f"{count} connection{'s' if count != '1' else ''}", "", header, rows)


def load_row(part, name, count):
    samples = part["samples"]
    own, baseline, rival = samples[name][count], BASELINES.get(name.split("-")[0], "native-hello"), RIVALS.get(name)
    if name.startswith("native"):
        baseline = name
    return [
        part["labels"][name].replace("wasi:http", "`wasi:http`"),
        f"{figure(own, 'cpu_us').middle:,.2f} µs",
        ratio(own, samples[baseline][count], "cpu_us").spread(".2f") + "x",
        ratio(own, samples[rival][count], "cpu_us").spread(".2f") + "x" if rival in samples else "",
        f"{figure(own, 'rps').middle:,.0f}",
        f"{figure(own, 'p50_us').middle:,.0f} µs",
        f"{figure(own, 'p99_us').middle:,.0f} µs",
        f"{figure(own, 'others_busy').middle:.0%}",
        f"{sum(sample['failures'] for sample in own):,}",
    ]


def start(results):
    part, sooner = results["start"], figures.sooner(results)
    header = ["server", "start to first answer", f"to {part['labels'][sooner]}", "resident then"]
    rows = []
    for name, times in part["start_ms"].items():
        times_ratio = figures.quotient(times, part["start_ms"][sooner]).spread(".2f") + "x"
        resident = f"{median(part['resident_kib'][name]) / 1024:.1f} MiB"
        rows.append([part["labels"][name], f"{median(times):.1f} ms", times_ratio, resident])
    return Table("Start, the code compiled before", "", header, rows)


def other_rows(results):
    makers = {"round_robin": round_robin_rows, "registered": registered_rows, "density": density_rows, "neighbour": neighbour_rows}
    return [row for name, maker in makers.items() if name in results for row in maker(results[name])]


def round_robin_rows(part):
    one, hundred = part["samples"]["one"], part["samples"]["hundred"]
    return [
        ["CPU per request, one function", f"{figure(one, 'cpu_us').middle:.2f} µs"],
        ["CPU per request, 100 functions in turn", f"{figure(hundred, 'cpu_us').middle:.2f} µs"],
    ]


def registered_rows(part):
    what = f"{part['functions']:,} registered functions"
    return [
        [f"{what}: start to first answer", f"{median(part['start_ms']):,.0f} ms"],
        [f"{what}: CPU time of the start", f"{median(part['start_cpu_ms']):,.0f} ms"],
        [f"{what}: resident", f"{median(part['resident_kib']) / 1024:,.0f} MiB"],
    ]


def density_rows(part):
    return [["resident memory of an idle Rust instance that was called once", f"{part['kib_per_instance']:.1f} KiB"]]


def neighbour_rows(part):
    rows = []
    for name, label in {"alone": "alone", "beside": f"beside {part['spinning']} callers of a function that spins"}.items():
        samples = part["samples"][name]
        rows.append([f"echo {label}: p50", f"{figure(samples, 'p50_us').middle:,.0f} µs"])
        rows.append([f"echo {label}: p99", f"{figure(samples, 'p99_us').middle:,.0f} µs"])
    return rows


def trials(part):
    """Warm and fresh side by side; what the server refused says so."""
    native = part["samples"]["native-hello"]
    rows = []
    for name, flags in part["flags"].items():
        samples = part["samples"].get(name)
        times = ratio(samples, native, "cpu_us").spread(".2f") + "x" if samples else "refused"
        requests = f"{figure(samples, 'rps').middle:,.0f}" if samples else ""
        rows.append([name, times, requests, " ".join(f"`{flag}`" for flag in flags)])
    header = ["`wasmtime serve`", "CPU per request, to native", "requests/s", "flags"]
    return Table("Which flags suit `wasmtime serve`", "", header, rows)


def markdown(results):
    """What goes into docs/benchmarks.md."""
    return "\n".join([measured_when(results), *[table.markdown() for table in tables(results)]])


def measured_when(results):
    lines = []
    for name, part in results.items():
        versions = ", ".join(part["versions"].values())
        lines.append(
            f"- `{name}`: {part['when']}, {part['cores']} cores of {part['processor']}, {part['system']}, load average "
            f"{part['load_average']}; {part['rounds']} rounds, {part['seconds']} s a measurement; {versions}"
        )
    return "\n".join([*lines, ""])
