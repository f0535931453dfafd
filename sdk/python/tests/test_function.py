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
    InvokeError,
    Message,
    NotFound,
    Queue,
    Rejected,
    Response,
    Retry,
    Throttled,
    Topic,
    _function,
    _host,
    batch_function,
    each,
    function,
    invoke,
    invoke_async,
)


def raising(error: BaseException) -> Callable[[Event], Any]:
    def handle(event: Event) -> None:
        raise error

    return handle


def raw_event(name: str) -> Any:
    """An event as the bindings give it."""
    return SimpleNamespace(
        data=b"x",
        id=name,
        source="/run",
        type="t",
        subject=None,
        time_ms=0,
        content_type=None,
        attributes=[],
        trigger=case("Trigger_Invoke"),
    )


class OutcomeTest(unittest.TestCase):
    """What a handler's result becomes on its way to the host."""

    def setUp(self) -> None:
        self.context = self.enterContext(connected())

    def handle(self, handler: Callable[[Event], Any]) -> Any:
        with patch("wasm_faas._function.handlers", []):
            function(handler)
            return _function.Handler().handle(raw_event("1"))

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


class BatchTest(unittest.TestCase):
    """What a batch handler's result becomes."""

    OK = ("Ok", None)

    def setUp(self) -> None:
        self.context = self.enterContext(connected())

    def handle(self, handler: Callable[[list[Event]], Any]) -> list[Any]:
        with patch("wasm_faas._function.batch_handlers", []):
            batch_function(handler)
            answers = _function.BatchHandler().handle_batch([raw_event("1"), raw_event("2")])
            return [answer.value if isinstance(answer, Err) else answer for answer in answers]

    def test_nothing_means_all_are_handled(self) -> None:
        self.assertEqual(self.handle(lambda _: None), [self.OK, self.OK])

    def test_each_event_has_its_answer(self) -> None:
        answers = self.handle(lambda events: ["ignored", Rejected(events[1].id)])
        self.assertEqual(answers, [self.OK, ("Failure_Rejected", "2")])
        later, lost = self.handle(lambda _: [Retry("busy", 1.5), OSError("lost")])
        self.assertEqual(later, ("Failure_Retry", ("Retry", "busy", 1500)))
        self.assertEqual(lost, ("Failure_Retry", ("Retry", "lost", None)))
        self.context.log.assert_called_once()

    def test_each_event_is_handled_for_itself(self) -> None:
        def handle(event: Event) -> str:
            if event.id == "2":
                raise KeyError("user")
            return "ignored"

        first, second = self.handle(lambda events: each(events, handle))
        self.assertEqual((first, second[1][1]), (self.OK, "KeyError: 'user'"))
        self.assertRaises(MemoryError, each, [Event()], raising(MemoryError()))

    def test_a_coroutine_is_no_answer(self) -> None:
        async def handle(event: Event) -> None: ...

        first, _ = self.handle(lambda events: each(events, handle))
        self.assertIn("return_exceptions=True", first[1][1])

    def test_async_handlers_are_run(self) -> None:
        async def one(event: Event) -> None:
            await asyncio.sleep(0)
            if event.id == "1":
                raise Rejected("no")

        async def handle(events: list[Event]) -> list[BaseException | None]:
            return await asyncio.gather(*map(one, events), return_exceptions=True)

        self.assertEqual(self.handle(handle), [("Failure_Rejected", "no"), self.OK])

    def test_an_error_of_the_whole_batch_has_all_tried_again(self) -> None:
        cases: tuple[tuple[Any, str], ...] = (
            (raising(OSError("lost")), "lost"),
            (raising(Rejected("no")), "no"),
            (raising(ExceptionGroup("tasks", [Rejected("no")])), "no"),
            (lambda _: [None], "None or a list of 2"),
            (lambda _: "ok", "None or a list of 2"),
        )
        for handler, reason in cases:
            for kind, (_, said, after) in self.handle(handler):
                self.assertEqual((kind, after), ("Failure_Retry", None))
                self.assertIn(reason, said)

    def test_a_retry_of_the_whole_batch_says_when(self) -> None:
        answers = self.handle(raising(Retry("busy", 2)))  # type: ignore[arg-type]
        self.assertEqual(answers, [("Failure_Retry", ("Retry", "busy", 2000))] * 2)


class StartTest(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(patch("wasm_faas._function.handlers", []))
        self.enterContext(patch("wasm_faas._function.batch_handlers", []))
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


    def test_a_batch_handler_has_an_export_of_its_own(self) -> None:
        batch_function(raising(ValueError()))  # type: ignore[arg-type]
        with self.assertRaisesRegex(_function.HandlerError, "at the top level of the file"):
            _function.start("main")
        _function.start("main", "batch_function")
        self.connect.assert_called_once_with()


class InvokeTest(unittest.TestCase):
    """Other functions."""

    def setUp(self) -> None:
        self.enterContext(connected())
        self.raw: Any = _host.functions
        self.raw.invoke.return_value = SimpleNamespace(
            data=b'{"total":7}',
            content_type="application/json",
            status=201,
            attributes=[SimpleNamespace(name="etag", value="1")],
        )

    def test_data_and_options_are_sent_and_the_answer_read(self) -> None:
        answer = invoke("bill", {"order": 1}, attributes={"a": "b"}, type="shop.paid", subject="7")
        call = ("Call", b'{"order":1}', "application/json", [("Attribute", "a", "b")], "shop.paid", "7")
        self.raw.invoke.assert_called_once_with("bill", call)
        self.assertEqual((answer.json(), answer.text(), answer.status), ({"total": 7}, '{"total":7}', 201))
        invoke("bill")
        self.raw.invoke.assert_called_with("bill", ("Call", b"", None, [], None, None))

    def test_an_answer_can_be_passed_on(self) -> None:
        with patch("wasm_faas._function.handlers", []):
            function(lambda _: invoke("bill"))
            passed = _function.Handler().handle(raw_event("1"))
        expected = ("Response", 201, "application/json", [("Attribute", "etag", "1")], b'{"total":7}')
        self.assertEqual(passed, expected)

    def test_an_event_is_left_with_a_delay(self) -> None:
        self.raw.invoke_async.return_value = SimpleNamespace(id="1", duplicate=False)
        self.assertEqual(invoke_async("bill", "x", delay=1.5, deduplication_id="d").id, "1")
        call = ("Call", b"x", "text/plain; charset=utf-8", [], None, None)
        self.raw.invoke_async.assert_called_once_with("bill", call, 1500, "d")

    def test_why_there_is_no_answer(self) -> None:
        retry = SimpleNamespace(reason="busy", after_ms=1500)
        for answered, code, reason, after, said in (
            (case("InvokeError_Rejected", "bad"), "rejected", "bad", None, "function `bill` rejected the event: bad"),
            (case("InvokeError_Stopped", "fuel"), "stopped", "fuel", None, "function `bill` was stopped: fuel"),
            (case("InvokeError_Retry", retry), "retry", "busy", 1.5, "function `bill` failed: busy"),
        ):
            self.raw.invoke.side_effect = Err(answered)
            with self.assertRaises(InvokeError) as raised:
                invoke("bill")
            error = raised.exception
            self.assertEqual((error.code, error.reason, error.after, str(error)), (code, reason, after, said))
        self.raw.invoke.side_effect = Err(case("InvokeError_Service", case("Error_Throttled", 1000)))
        self.assertRaises(Throttled, invoke, "bill")


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
