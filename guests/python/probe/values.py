"""Between JSON and the SDK's values: bytes are base64 text, times milliseconds, dataclasses objects."""

import base64
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from datetime import timedelta
from typing import Any

from wasm_faas import IfAbsent, IfMatch, IfVersion, Message, ServiceError

Json = Any
Step = dict[str, Json]


def decoded(text: str) -> bytes:
    return base64.b64decode(text)


def shown(value: object) -> Json:
    """A value of the SDK as JSON."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if is_dataclass(value) and not isinstance(value, type):
        return shown(asdict(value))
    if isinstance(value, dict):
        return {name: shown(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shown(inner) for inner in value]
    return value


def failed(error: ServiceError) -> Step:
    return {"error": {"code": error.code, "detail": error.detail}}


def each(answers: Iterable[object]) -> Json:
    """The answers of a batch, with an error for each entry that met one."""
    return [failed(answer) if isinstance(answer, ServiceError) else {"ok": shown(answer)} for answer in answers]


def duration(step: Step, name: str) -> timedelta | None:
    milliseconds = step.get(name)
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)


def condition(step: Step) -> Any:
    """`"always"`, `"if-absent"`, `{"if-version": 7}` or `{"if-match": "etag"}`."""
    match step.get("when"):
        case None | "always":
            return None
        case "if-absent":
            return IfAbsent()
        case {"if-version": version}:
            return IfVersion(version)
        case {"if-match": etag}:
            return IfMatch(etag)
        case other:
            raise ValueError(f"no such condition: `{other}`")


def message(fields: Step) -> Message:
    return Message(
        decoded(fields["body"]),
        content_type=fields.get("content_type"),
        attributes=fields.get("attributes"),
        delay=duration(fields, "delay_ms"),
        group=fields.get("group"),
        deduplication_id=fields.get("deduplication_id"),
        ttl=duration(fields, "ttl_ms"),
    )
