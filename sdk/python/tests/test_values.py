import unittest
from dataclasses import dataclass
from datetime import timedelta

from tests.host import connected
from wasm_faas import Invalid, _values


@dataclass
class Point:
    x: int
    y: int


class ValuesTest(unittest.TestCase):
    def test_text_is_a_string_of_unicode(self) -> None:
        self.assertEqual(_values.text("grün", "key"), "grün")
        with self.assertRaisesRegex(TypeError, "`key` must be a str, not a `NoneType`"):
            _values.text(None, "key")  # type: ignore[arg-type]
        with self.assertRaisesRegex(Invalid, "`key` is not Unicode text: surrogates not allowed at index 1"):
            _values.text("a\ud800", "key")

    def test_one_string_is_not_several(self) -> None:
        self.assertEqual(_values.texts(iter(["a", "b"]), "keys"), ["a", "b"])
        self.assertRaises(TypeError, _values.texts, "ab", "keys")

    def test_whole_numbers_fit_their_type(self) -> None:
        self.assertEqual(_values.whole(2**32 - 1, "limit", 32), 2**32 - 1)
        self.assertEqual(_values.whole(-(2**63), "delta", signed=True), -(2**63))
        for value, bits, signed in ((2**32, 32, False), (-1, 64, False), (2**63, 64, True)):
            self.assertRaises(Invalid, _values.whole, value, "n", bits, signed=signed)
        self.assertRaises(TypeError, _values.whole, 1.0, "n")

    def test_durations_become_milliseconds(self) -> None:
        self.assertEqual(_values.milliseconds(1.5, "ttl"), 1500)
        self.assertEqual(_values.milliseconds(2, "ttl"), 2000)
        self.assertEqual(_values.milliseconds(timedelta(minutes=1), "ttl"), 60_000)
        for value in (-1, float("inf"), float("nan"), timedelta(days=-1)):
            self.assertRaises(Invalid, _values.milliseconds, value, "ttl")
        self.assertRaises(TypeError, _values.milliseconds, "1s", "ttl")
        self.assertIsNone(_values.optional_milliseconds(None, "ttl"))

    def test_attributes_keep_order_and_repeated_names(self) -> None:
        pairs = [("set-cookie", "a"), ("set-cookie", "b")]
        with connected():
            expected = [("Attribute", "set-cookie", "a"), ("Attribute", "set-cookie", "b")]
            self.assertEqual(_values.attributes(pairs, "attribute"), expected)
            self.assertEqual(_values.attributes({"a": "1"}, "attribute"), [("Attribute", "a", "1")])
            self.assertRaises(TypeError, _values.attributes, {"a": 1}, "attribute")

    def test_payloads_follow_from_the_type(self) -> None:
        cases = (
            (b"\x00", b"\x00", None),
            (bytearray(b"ab"), b"ab", None),
            ("ü", "ü".encode(), "text/plain; charset=utf-8"),
            (None, b"", None),
            ({"a": [1, None]}, b'{"a":[1,null]}', "application/json"),
            (Point(1, 2), b'{"x":1,"y":2}', "application/json"),
            (True, b"true", "application/json"),
        )
        for value, data, content_type in cases:
            with self.subTest(value=value):
                self.assertEqual(_values.payload(value), (data, content_type))

    def test_what_json_cannot_say_is_an_error(self) -> None:
        self.assertRaises(ValueError, _values.to_json, float("nan"))
        self.assertRaises(TypeError, _values.to_json, object())
        self.assertRaises(Invalid, _values.to_json, "\ud800")


if __name__ == "__main__":
    unittest.main()
