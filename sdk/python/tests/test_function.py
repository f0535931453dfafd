import asyncio
import unittest
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

from tests.host import Err, case, connected
from wasm_faas import (
    Bucket,
    Conflict,
    Event,
    IfVersion,
    Invalid,
    Message,
    NotFound,
    Queue,
    Rejected,
    Response,
    Retry,
    Topic,
    _function,
    _host,
    function,
)


def raising(error: BaseException) -> Callable[[Event], Any]:
    def handle(event: Event) -> None:
        raise error

    return handle


class OutcomeTest(unittest.TestCase):
    """What a handler's result becomes on its way to the host."""

    def setUp(self) -> None:
        self.context = self.enterContext(connected())

    def handle(self, handler: Callable[[Event], Any]) -> Any:
        raw = SimpleNamespace(
            data=b"x",
            id="1",
            source="/run",
            type="t",
            subject=None,
            time_ms=0,
            content_type=None,
            attributes=[],
            trigger=case("Trigger_Invoke"),
        )
        with patch("wasm_faas._function.handlers", []):
            function(handler)
            return _function.Handler().handle(raw)  # type: ignore[arg-type]

    def failure(self, handler: Callable[[Event], Any]) -> Any:
        with self.assertRaises(Err) as raised:
            self.handle(handler)
        return raised.exception.value

    def test_values_become_responses(self) -> None:
        cases: tuple[tuple[object, object, bytes], ...] = (
            ("hi", "text/plain; charset=utf-8", b"hi"),
            (b"hi", "application/octet-stream", b"hi"),
            (None, None, b""),
            ({"n": 1}, "application/json", b'{"n":1}'),
        )
        for value, content_type, data in cases:
            with self.subTest(value=value):
                answer = self.handle(lambda _, value=value: value)  # type: ignore[misc]
                self.assertEqual(answer, ("Response", None, content_type, [], data))

    def test_responses_go_as_they_are(self) -> None:
        answer = self.handle(lambda _: Response.text("x", 201, {"a": "b"}))
        expected = ("Response", 201, "text/plain; charset=utf-8", [("Attribute", "a", "b")], b"x")
        self.assertEqual(answer, expected)

    def test_async_handlers_are_run(self) -> None:
        async def handle(event: Event) -> str:
            await asyncio.sleep(0)
            return event.text()

        self.assertEqual(self.handle(handle)[-1], b"x")

    def test_a_rejection_is_for_good(self) -> None:
        self.assertEqual(self.failure(raising(Rejected("bad \ud800"))), ("Failure_Rejected", "bad ?"))
        self.context.log.assert_not_called()

    def test_a_retry_says_when(self) -> None:
        self.assertEqual(self.failure(raising(Retry("busy", 1.5))), ("Failure_Retry", ("Retry", "busy", 1500)))
        self.assertEqual(self.failure(raising(Retry("busy"))), ("Failure_Retry", ("Retry", "busy", None)))
        self.context.log.assert_not_called()

    def test_a_retry_with_an_unusable_time_is_an_ordinary_error(self) -> None:
        kind, (_, reason, after) = self.failure(raising(Retry("busy", -1)))
        self.assertEqual((kind, after), ("Failure_Retry", None))
        self.assertIn("`-1` seconds", reason)

    def test_any_other_error_is_logged_and_tried_again(self) -> None:
        self.assertEqual(self.failure(raising(OSError("lost"))), ("Failure_Retry", ("Retry", "lost", None)))
        message = self.context.log.call_args.args[1]
        self.assertRegex(message, r"(?s)^Traceback .*in handle\n.*OSError: lost$")
        self.assertNotIn("wasm_faas/_function.py", message)

    def test_an_error_of_one_task_counts_as_that_error(self) -> None:
        async def handle(event: Event) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())

        async def fail() -> None:
            raise Rejected("no")

        self.assertEqual(self.failure(handle), ("Failure_Rejected", "no"))

    def test_what_cannot_be_sent_is_tried_again(self) -> None:
        not_bytes = Response("text")  # type: ignore[arg-type]
        for answer in (object(), Response(status=70_000), Response(content_type="\ud800"), not_bytes):
            self.assertEqual(self.failure(lambda _, answer=answer: answer)[0], "Failure_Retry")  # type: ignore[misc]

    def test_errors_without_words_go_by_their_name(self) -> None:
        self.assertEqual(_function.reason(ValueError()), "ValueError")
        self.assertEqual(_function.reason(KeyError("user")), "KeyError: 'user'")

    def test_an_exit_ends_the_instance_with_its_code(self) -> None:
        for code, status in ((3, 3), (None, 0), ("because", 1)):
            with patch("os._exit", side_effect=InterruptedError) as leave:
                self.assertRaises(InterruptedError, self.handle, raising(SystemExit(code)))
            leave.assert_called_once_with(status)

    def test_out_of_memory_is_not_answered(self) -> None:
        self.assertRaises(MemoryError, self.handle, raising(MemoryError()))


class StartTest(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(patch("wasm_faas._function.handlers", []))
        self.connect = self.enterContext(patch("wasm_faas._host.connect"))

    def test_one_handler_is_right(self) -> None:
        handler = raising(ValueError())
        self.assertIs(function(handler), handler)
        _function.start("main")
        self.connect.assert_called_once_with()

    def test_none_and_two_are_wrong(self) -> None:
        with self.assertRaisesRegex(_function.HandlerError, "`main` must decorate .*; decorated: none"):
            _function.start("main")
        function(raising(ValueError()))
        function(raising(ValueError()))
        with self.assertRaisesRegex(_function.HandlerError, "`raising.<locals>.handle`, `raising"):
            _function.start("main")


class ServiceTest(unittest.TestCase):
    """Calls to the host, where they do more than pass values on."""

    def setUp(self) -> None:
        self.enterContext(connected())
        self.raw = MagicMock()

    def test_errors_become_exceptions(self) -> None:
        for answered, error, detail in (
            (case("Error_NotFound"), NotFound, None),
            (case("Error_Conflict", 7), Conflict, 7),
            (case("Error_Invalid", "no key"), ValueError, "no key"),
        ):
            self.raw.get.side_effect = Err(answered)
            with self.assertRaises(error) as raised:
                Bucket(self.raw).get("k")
            self.assertEqual(raised.exception.detail, detail)  # type: ignore[attr-defined]

    def test_a_write_carries_its_condition(self) -> None:
        Bucket(self.raw).set("k", {"a": 1}, ttl=0.5, when=IfVersion(3))
        self.raw.set.assert_called_once_with("k", b'{"a":1}', 500, ("Condition_IfVersion", 3))

    def test_keys_are_listed_page_by_page(self) -> None:
        pages = [SimpleNamespace(keys=["a", "b"], cursor="b"), SimpleNamespace(keys=["c"], cursor=None)]
        self.raw.list_keys.side_effect = pages
        self.assertEqual(list(Bucket(self.raw).keys("p")), ["a", "b", "c"])
        self.assertEqual(self.raw.list_keys.call_args.args, ("p", "b", 1000))

    def test_a_batch_answers_for_each_message(self) -> None:
        accepted = SimpleNamespace(value=SimpleNamespace(id="1", duplicate=False))
        self.raw.send_batch.return_value = [accepted, Err(case("Error_TooLarge", 9))]
        first, second = Queue(self.raw).send_batch(["a", Message(b"b", delay=2, group="g")])
        self.assertEqual((first.id, second.code, second.detail), ("1", "too-large", 9))  # type: ignore[union-attr]
        plain, delayed = self.raw.send_batch.call_args.args[0]
        self.assertEqual(plain, ("Message", b"a", "text/plain; charset=utf-8", [], None, None, None, None))
        self.assertEqual(delayed, ("Message", b"b", None, [], 2000, "g", None, None))

    def test_what_is_published_is_not_delayed(self) -> None:
        self.assertRaises(Invalid, Topic(self.raw).publish, Message("x", delay=1))


class OutsideTest(unittest.TestCase):
    def test_services_say_that_they_are_not_there(self) -> None:
        with self.assertRaisesRegex(RuntimeError, "`kv` cannot be used here.* move the call into the handler"):
            Bucket.open("visits")

    def test_a_host_is_needed_to_connect(self) -> None:
        self.assertRaises(ModuleNotFoundError, _host.connect)


if __name__ == "__main__":
    unittest.main()
