"""The command line: which parts to measure, with what, and where the results go."""

import argparse
import json
import re
import signal
import sys
from pathlib import Path

from . import machine, many, neighbour, plots, programs, report, starting, trials, under_load
from .machine import CompareError
from .setting import Setting

PARTS = {
    "load": under_load.run,
    "start": starting.run,
    "round_robin": many.round_robin,
    "registered": many.registered,
    "density": many.density,
    "neighbour": neighbour.run,
    "trials": trials.run,
}
DESCRIPTION = """\
Serves the same functions with wasm-faas, wasmtime serve and a native server side by side, and prints the ratios.

parts: load         everybody under load: CPU per request, requests/s, latency
       start        start to first answer, and resident memory
       round_robin  100 functions in turn beside one
       registered   thousands of idle functions
       density      resident memory of idle instances
       neighbour    an echo function beside one that spins
       trials       which flags suit wasmtime serve best
       report       measure nothing, write the results again
"""


def main():
    arguments = parsed()
    # Ended by a signal, it stops its servers too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        results = measure(arguments)
        write(results, arguments.output)
    except CompareError as error:
        sys.exit(f"compare: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print("\n".join(table.text() for table in report.tables(results)))


def parsed():
    parser = argparse.ArgumentParser(prog="run", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help="all that measure, without one", type=part)
    parser.add_argument("--rounds", type=int, default=7, help="rounds in which all take turns (7)")
    parser.add_argument("--seconds", type=int, default=2, help="length of one measurement (2)")
    parser.add_argument("--start-rounds", type=int, default=11, help="starts of each server (11)")
    parser.add_argument("--connections", type=counts, default=(1, 32, 128), help="comma-separated (1,32,128)")
    parser.add_argument("--registered", type=int, default=10_000, help="idle functions; they are compiled once (10000)")
    parser.add_argument("--patience", type=int, default=0, metavar="S", help="wait so long for other work to end, each time (0)")
    parser.add_argument("--wasm-faas", type=existing, help="a release binary, instead of building one")
    parser.add_argument("--wasmtime", type=existing, help=f"its binary, instead of installing {programs.WASMTIME_VERSION}")
    parser.add_argument("--output", type=Path, default=machine.ROOT / "docs/benchmarks", help="folder of results and plots (docs/benchmarks)")
    parser.add_argument("--quick", action="store_true", help="show that everything runs, with results in target/compare/quick")
    arguments = parser.parse_args()
    return quick(arguments) if arguments.quick else arguments


def quick(arguments):
    """As little as shows that everything runs; nothing of it overwrites results that mean something."""
    arguments.rounds = arguments.seconds = arguments.start_rounds = 1
    arguments.connections, arguments.registered = (32,), 100
    arguments.output = machine.WORK / "quick"
    return arguments


def part(text):
    if text not in PARTS and text != "report":
        raise argparse.ArgumentTypeError(f"no such part: `{text}`")
    return text


def counts(text):
    return tuple(int(count) for count in text.split(","))


def existing(text):
    path = Path(text).resolve()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"no such file: `{text}`")
    return path


def measure(arguments):
    """The results so far, with those of the parts measured now in place of theirs."""
    parts = arguments.parts or list(PARTS)
    kept = arguments.output / "compare.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    if parts == ["report"]:
        return results
    setting = prepared(arguments)
    for part in parts:
        results[part] = PARTS[part](setting)
        write(results, arguments.output)
        programs.say("")
    return results


def prepared(arguments):
    server_core, load_core = machine.cores()
    servers = programs.programs(arguments.wasm_faas, arguments.wasmtime)
    return Setting(
        programs=servers,
        guests=programs.guests(servers.wasm_faas),
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        start_rounds=arguments.start_rounds,
        connections=arguments.connections,
        registered=arguments.registered,
        patience=arguments.patience,
        server_core=server_core,
        load_core=load_core,
    )


def write(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compare.json").write_text(laid_out(results))
    (folder / "compare.md").write_text(report.markdown(results))
    for name, content in plots.plots(results).items():
        (folder / name).write_text(content)


def laid_out(results):
    """JSON with a line for each sample."""
    text = json.dumps(results, indent=1)
    return re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda match: " ".join(match[0].split()), text) + "\n"
