import unittest
from datetime import UTC, datetime
from types import SimpleNamespace

from tests.host import case
from wasm_faas import BlobChange, Event, HttpRequest, Invoke, KvChange, QueueDelivery, Tick, TopicDelivery, _event


def pair(name: str, value: str) -> SimpleNamespace:
    return SimpleNamespace(name=name, value=value)


def trigger(raw: object) -> object:
    """The trigger of an event that has this one in the bindings."""
    event = SimpleNamespace(
        data=b"{}",
        id="7",
        source="/run",
        type="t",
        subject=None,
        time_ms=0,
        content_type="application/json",
        attributes=[pair("a", "1")],
        trigger=raw,
    )
    return _event.from_host(event).trigger  # type: ignore[arg-type]


DELIVERY = SimpleNamespace(
    source="orders", message_id="m", receive_count=2, sent_at_ms=5, first_received_at_ms=6, group="g"
)


class EventTest(unittest.TestCase):
    def test_data_reads_as_text_and_json(self) -> None:
        self.assertEqual(Event("ü".encode()).text(), "ü")
        self.assertEqual(Event(b'{"a":1}').json(), {"a": 1})
        self.assertRaises(ValueError, Event(b"\xff").text)
        self.assertRaises(ValueError, Event(b"{").json)

    def test_time_is_utc(self) -> None:
        self.assertEqual(Event(time_ms=1500).time, datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC))

    def test_messages_say_where_they_come_from(self) -> None:
        fields = ("orders", "m", 2, 5, 6, "g")
        self.assertEqual(trigger(case("Trigger_Queue", DELIVERY)), QueueDelivery(*fields))
        self.assertEqual(trigger(case("Trigger_Topic", DELIVERY)), TopicDelivery(*fields))

    def test_changes_carry_their_kind_in_words(self) -> None:
        blob = SimpleNamespace(container="c", key="k", kind=SimpleNamespace(name="REMOVED"), etag=None, size=3)
        key = SimpleNamespace(bucket="b", key="k", kind=SimpleNamespace(name="EXPIRED"), version=9)
        self.assertEqual(trigger(case("Trigger_Blob", blob)), BlobChange("c", "k", "removed", None, 3))
        self.assertEqual(trigger(case("Trigger_Kv", key)), KvChange("b", "k", "expired", 9))

    def test_ticks_and_invocations(self) -> None:
        tick = SimpleNamespace(schedule="nightly", planned_ms=5)
        self.assertEqual(trigger(case("Trigger_Schedule", tick)), Tick("nightly", 5))
        self.assertEqual(trigger(case("Trigger_Invoke")), Invoke())

    def test_requests_keep_repeated_names(self) -> None:
        raw = SimpleNamespace(
            method="GET",
            path="/a",
            route="/{x}",
            parameters=[pair("x", "a")],
            query=[pair("q", "1"), pair("q", "2")],
            headers=[pair("accept", "text/html")],
        )
        request = trigger(case("Trigger_Http", raw))
        assert isinstance(request, HttpRequest)
        self.assertEqual(request.parameters, {"x": "a"})
        self.assertEqual(request.query, [("q", "1"), ("q", "2")])
        self.assertEqual((request.argument("q"), request.argument("z")), ("1", None))
        self.assertEqual((request.header("Accept"), request.header("host")), ("text/html", None))


if __name__ == "__main__":
    unittest.main()
