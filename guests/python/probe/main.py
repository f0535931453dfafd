"""The conformance driver: does the steps that the event's data lists, through the SDK, and answers what came of each.

A step is `{"op": "kv.get", "bucket": ..., "key": ...}`; its result `{"ok": value}` or `{"error": {"code", "detail"}}`.
"""

from collections.abc import Callable

import buckets
import containers
import invocations
import messages
import surroundings
from values import Json, Step, failed, shown
from wasm_faas import Event, HttpRequest, Invalid, InvokeError, Response, ServiceError, Trigger, function

steps: dict[str, Callable[[Step], Json]] = {
    **buckets.steps,
    **messages.steps,
    **containers.steps,
    **invocations.steps,
    **surroundings.steps,
}


def show_trigger(trigger: Trigger) -> Json:
    fields = {"kind": trigger.kind, **shown(trigger)}
    if isinstance(trigger, HttpRequest):
        fields["parameters"] = list(trigger.parameters.items())
    return fields


def run(step: Step, event: Event) -> Json:
    operation = step["op"]
    if operation == "event":
        return {**shown(event), "trigger": show_trigger(event.trigger)}
    if operation not in steps:
        raise Invalid(f"no such operation: `{operation}`")
    return steps[operation](step)


def take(step: Step, event: Event) -> Step:
    try:
        return {"ok": run(step, event)}
    except ServiceError as error:
        return failed(error)
    except InvokeError as error:
        return invocations.refused(error)
    except OSError as error:
        return {"error": {"code": "io", "detail": str(error)}}


@function
def handle(event: Event) -> Response:
    answers = []
    for step in event.json():
        if step["op"] == "lang.raise":
            raise RuntimeError("raised on request")
        answers.append(take(step, event))
    return Response.json(answers)
