"""What a function sees of its invocation, its settings, and through the language itself."""

import os
import random
import sys
import time
import uuid

from values import Json, Step, shown
from wasm_faas import config, context, log


def write_log(step: Step) -> Json:
    getattr(log, step["level"])(step["message"], **step.get("fields") or {})


def print_line(step: Step) -> Json:
    print(step["text"])
    print(step["text"], file=sys.stderr)


def read_file(step: Step) -> Json:
    with open(step["path"], encoding="utf-8") as file:
        return file.read()


steps = {
    "config.get": lambda step: config.get(step["key"]),
    "config.secret": lambda step: config.secret(step["name"]),
    "context.current": lambda _: shown(context.current()),
    "context.remaining_time_ms": lambda _: context.remaining_time_ms(),
    "context.remaining_fuel": lambda _: context.remaining_fuel(),
    "context.now_ms": lambda _: context.now_ms(),
    "context.random": lambda step: shown(context.random(step["count"])),
    "context.sleep": lambda step: context.sleep(step["duration_ms"] / 1000),
    "context.log": write_log,
    "lang.random": lambda _: random.random(),
    "lang.uuid": lambda _: str(uuid.uuid4()),
    "lang.now_ms": lambda _: time.time_ns() // 1_000_000,
    "lang.print": print_line,
    "lang.environment": lambda _: sorted(os.environ),
    "lang.read_file": read_file,
}
