"""Functions for wasm-faas in Python: one decorated handler, and the services that the function was granted.

    from wasm_faas import function, Event

    @function
    def handle(event: Event) -> str:
        return f"Hello, {event.text()}!"

Everything here can be imported by an ordinary Python, for editors, type checkers and unit tests. The services
themselves are there only while wasm-faas has the function handle an event.
"""

from . import config, context, log
from ._conditions import IfAbsent, IfMatch, IfVersion
from ._errors import (
    AccessDenied,
    Conflict,
    Invalid,
    InvokeError,
    LeaseLost,
    NotFound,
    Rejected,
    Retry,
    ServiceError,
    Throttled,
    TooLarge,
    Unavailable,
    UnknownOutcome,
    Unsupported,
)
from ._event import (
    BlobChange,
    Delivery,
    Event,
    HttpRequest,
    Invoke,
    KvChange,
    QueueDelivery,
    Tick,
    TopicDelivery,
    Trigger,
)
from ._function import batch_function, each, function
from ._message import Accepted, Message
from ._response import Response
from .blob import Container
from .functions import Answer, invoke, invoke_async
from .kv import Bucket
from .queue import Queue
from .topic import Topic

__version__ = "0.1.0"

__all__ = [
    "AccessDenied",
    "Accepted",
    "Answer",
    "BlobChange",
    "Bucket",
    "Conflict",
    "Container",
    "Delivery",
    "Event",
    "HttpRequest",
    "IfAbsent",
    "IfMatch",
    "IfVersion",
    "Invalid",
    "Invoke",
    "InvokeError",
    "KvChange",
    "LeaseLost",
    "Message",
    "NotFound",
    "Queue",
    "QueueDelivery",
    "Rejected",
    "Response",
    "Retry",
    "ServiceError",
    "Throttled",
    "Tick",
    "TooLarge",
    "Topic",
    "TopicDelivery",
    "Trigger",
    "Unavailable",
    "UnknownOutcome",
    "Unsupported",
    "batch_function",
    "config",
    "context",
    "each",
    "function",
    "invoke",
    "invoke_async",
    "log",
]
