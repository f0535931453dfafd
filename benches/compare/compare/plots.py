"""Bar charts as SVG, readable on a light page and on a dark one."""

from dataclasses import dataclass
from statistics import median
from xml.sax.saxutils import escape

from .figures import CONNECTIONS, Figure, figure, load_ratio

WIDTH, LABELS, VALUES, MARGIN = 760, 250, 150, 16
ROW, BAR, HEAD, FOOT = 26, 16, 58, 12

STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 } .note, .value { fill: #57606a } .end { text-anchor: end }
.native { fill: #8c959f } .ours { fill: #0969da } .theirs { fill: #bc4c00 } .second { opacity: .5 }
.spread { stroke: #24292f; stroke-width: 1.5 } .axis { stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note, .value { fill: #9198a1 } .spread { stroke: #e6edf3 } .axis { stroke: #3d444d }
  .ours { fill: #4493f8 } .theirs { fill: #db6d28 }
}"""


@dataclass(frozen=True)
class Bar:
    label: str
    """Empty for a bar that belongs to the one above."""
    figure: Figure
    text: str
    style: str


def chart(title, note, bars):
    """Horizontal bars from zero, each with its value and, as a line, its smallest and largest."""
    height = HEAD + ROW * len(bars) + FOOT
    room = WIDTH - LABELS - VALUES - MARGIN
    scale = room / max(bar.figure.high for bar in bars)
    axis = f'<line class="axis" x1="{LABELS}" y1="{HEAD - 4}" x2="{LABELS}" y2="{height - FOOT}"/>'
    parts = [text(MARGIN, 24, title, "title"), text(MARGIN, 44, note, "note"), axis]
    parts += [drawn(bar, HEAD + ROW * index, scale) for index, bar in enumerate(bars)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            *parts,
            "</svg>",
            "",
        ]
    )


def drawn(bar, top, scale):
    middle = top + BAR / 2
    low, high = (LABELS + value * scale for value in (bar.figure.low, bar.figure.high))
    return "\n".join(
        [
            text(LABELS - 8, middle + 4, bar.label, "end"),
            f'<rect class="{bar.style}" x="{LABELS}" y="{top}" width="{bar.figure.middle * scale:.1f}" height="{BAR}" rx="2"/>',
            f'<line class="spread" x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}"/>',
            text(high + 8, middle + 4, bar.text, "value"),
        ]
    )


def text(x, y, content, style):
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{escape(content)}</text>'


def style(name):
    if name.startswith("native"):
        return "native"
    return "theirs" if name.startswith("wasmtime") else "ours"


def short(label):
    return label.replace("wasmtime serve, wasi:http hello,", "wasmtime serve, hello,").replace("wasi:http ", "")


def plots(results):
    """File names and their contents, for the parts that were measured."""
    made = {}
    if "load" in results and CONNECTIONS in results["load"]["samples"]["native-hello"]:
        made = {"cpu.svg": cpu(results), "latency.svg": latency(results["load"]), "languages.svg": languages(results["load"])}
    if "start" in results:
        made["start.svg"] = start(results["start"])
    return made


def cpu(results):
    baselines = {"native-echo": "native-hello", "rust-warm": "native-echo", "rust-fresh": "native-echo"}
    bars = []
    for name in ("native-hello", *baselines, "hello-warm", "hello-fresh", "wasmtime-warm", "wasmtime-fresh"):
        if name in results["load"]["samples"]:
            ratio = load_ratio(results, name, baselines.get(name, "native-hello"), "cpu_us")
            bars.append(Bar(short(results["load"]["labels"][name]), ratio, f"{ratio.middle:.2f}x", style(name)))
    note = f"multiple of native hyper answering the same, {CONNECTIONS} connections, one core; less is better"
    return chart("CPU time of the server per request", note, bars)


def latency(part):
    bars = []
    for name in ("native-hello", "hello-warm", "wasmtime-warm", "hello-fresh", "wasmtime-fresh"):
        if name in part["samples"]:
            bars += latencies(part, name)
    return chart("Latency of the wasi:http hello", f"p50 and, paler, p99; {CONNECTIONS} connections, one core; less is better", bars)


def latencies(part, name):
    samples = part["samples"][name][CONNECTIONS]
    half, most = figure(samples, "p50_us"), figure(samples, "p99_us")
    return [
        Bar(short(part["labels"][name]), half, f"{half.middle:,.0f} µs", style(name)),
        Bar("", most, f"{most.middle:,.0f} µs", f"{style(name)} second"),
    ]


def languages(part):
    bars = []
    for name in (f"{language}-{kind}" for language in ("rust", "javascript", "python") for kind in ("warm", "fresh")):
        if name in part["samples"]:
            requests = figure(part["samples"][name][CONNECTIONS], "rps")
            second = "ours second" if name.endswith("fresh") else "ours"
            bars.append(Bar(short(part["labels"][name]), requests, f"{requests.middle:,.0f}", second))
    note = f"requests/s, {CONNECTIONS} connections, one core; paler: a new instance for each request; more is better"
    return chart("Echo in three languages", note, bars)


def start(part):
    bars = []
    for name, times in part["start_ms"].items():
        bars.append(Bar(part["labels"][name].replace(", precompiled", ""), Figure.of(times), f"{median(times):.0f} ms", style(name)))
    return chart("Start of the process to its first answer", "code compiled before; less is better", bars)
