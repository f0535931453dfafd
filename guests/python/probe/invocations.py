from values import Json, Step, decoded, duration, shown
from wasm_faas import InvokeError, invoke, invoke_async


def options(step: Step) -> Step:
    return {name: step.get(name) for name in ("content_type", "attributes", "type", "subject")}


def call(step: Step) -> Json:
    answer = invoke(step["function"], decoded(step["data"]), **options(step))
    return {**shown(answer), "attributes": dict(answer.attributes)}


def leave(step: Step) -> Json:
    later = {"delay": duration(step, "delay_ms"), "deduplication_id": step.get("deduplication_id")}
    return shown(invoke_async(step["function"], decoded(step["data"]), **options(step), **later))


def refused(error: InvokeError) -> Step:
    after = None if error.after is None else round(error.after * 1000)
    detail = {"reason": error.reason, "after_ms": after} if error.code == "retry" else error.reason
    return {"error": {"code": error.code, "detail": detail}}


steps = {"functions.invoke": call, "functions.invoke_async": leave}
