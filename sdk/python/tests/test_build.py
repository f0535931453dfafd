import contextlib
import io
import os
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from unittest.mock import patch

import build
import componentize
import dependencies
import entry
from problems import AuthorError, ToolchainError

GOOD = "from wasm_faas import function\n\n@function\ndef handle(event):\n    return event.text()\n"
TOOLCHAIN = os.environ.get("WASM_FAAS_TOOLCHAIN_PYTHON")
WIT = build.SDK.parent.parent / "wit"


class FolderTest(unittest.TestCase):
    def folder(self, files: Mapping[str, str]) -> Path:
        """A folder with these files."""
        path = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, content in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(content, encoding="utf-8")
        return path

    def refused(self, files: Mapping[str, str]) -> str:
        """What is said about a folder whose entry module is not found or not accepted."""
        folder = self.folder(files)
        with self.assertRaises(AuthorError) as raised:
            entry.check(folder, entry.find(folder))
        return str(raised.exception)


class FindTest(FolderTest):
    def test_main_goes_before_app(self) -> None:
        self.assertEqual(entry.find(self.folder({"main.py": "", "app.py": ""})), entry.Entry("main", Path("main.py")))
        self.assertEqual(entry.find(self.folder({"app.py": ""})), entry.Entry("app", Path("app.py")))

    def test_pyproject_can_name_another(self) -> None:
        named = {"pyproject.toml": '[tool.wasm-faas]\nmodule = "shop.orders"\n', "main.py": ""}
        self.assertEqual(entry.find(self.folder({**named, "shop/orders.py": ""})).module, "shop.orders")
        package = entry.find(self.folder({**named, "shop/orders/__init__.py": ""}))
        self.assertEqual(package.path, Path("shop/orders/__init__.py"))
        self.assertIn("`shop.orders` that `[tool.wasm-faas]` names is not in", self.refused(named))

    def test_mistakes_in_pyproject_are_told(self) -> None:
        self.assertIn("pyproject.toml: Expected", self.refused({"pyproject.toml": "[tool", "main.py": GOOD}))
        path = {"pyproject.toml": '[tool.wasm-faas]\nmodule = "shop/orders.py"\n'}
        self.assertIn("must be a module's name, such as `shop.orders`, not `shop/orders.py`", self.refused(path))

    def test_no_entry_module_is_a_mistake(self) -> None:
        self.assertIn("neither a `main.py` nor an `app.py`", self.refused({"other.py": ""}))


class CheckTest(FolderTest):
    def test_one_handler_is_right_under_any_name(self) -> None:
        for source in (
            GOOD,
            "import wasm_faas\n@wasm_faas.function\ndef f(e): pass\n",
            "import wasm_faas as w\n@w.function\nasync def f(e): pass\n",
            "from wasm_faas import function as handler\n@handler\ndef f(e, /, more=1): pass\n",
            "from wasm_faas import *\n@function\ndef f(*events): pass\n",
        ):
            with self.subTest(source=source):
                folder = self.folder({"main.py": source})
                entry.check(folder, entry.find(folder))

    def test_the_decorator_tells_the_kind_of_handler(self) -> None:
        for source, decorator in (
            (GOOD, "function"),
            ("from wasm_faas import batch_function\n@batch_function\ndef f(events): pass\n", "batch_function"),
            ("from wasm_faas import batch_function as b\n@b\nasync def f(events): pass\n", "batch_function"),
            ("import wasm_faas as w\n@w.batch_function\ndef f(events): pass\n", "batch_function"),
            ("from wasm_faas import *\n@batch_function\ndef f(events): pass\n", "batch_function"),
        ):
            folder = self.folder({"main.py": source})
            self.assertEqual(entry.check(folder, entry.find(folder)), decorator)
        said = self.refused({"main.py": "from wasm_faas import *\n@batch_function\ndef f(): pass\n"})
        self.assertIn("the events: `def f(events: list[Event])`; it takes 0", said)

    def test_what_was_found_instead_is_listed(self) -> None:
        said = self.refused({"main.py": "def one(e): pass\n\nasync def two(e): pass\n"})
        self.assertIn("found: `one` (main.py:1), `two` (main.py:3)", said)
        self.assertIn("found: no function at all", self.refused({"main.py": ""}))

    def test_another_decorator_of_that_name_is_not_ours(self) -> None:
        self.assertIn("no handler", self.refused({"main.py": "from x import function\n@function\ndef f(e): pass\n"}))

    def test_two_handlers_are_one_too_many(self) -> None:
        said = self.refused({"main.py": GOOD + "\n@function\ndef other(e): pass\n"})
        self.assertTrue(said.startswith("main.py:8: 2 functions are decorated"), said)
        self.assertIn("`handle` (main.py:4), `other` (main.py:8)", said)

    def test_a_handler_takes_the_event_and_no_more(self) -> None:
        for parameters, number in (("", 0), ("a, b", 2), ("a, *, b", 2)):
            source = f"from wasm_faas import function\n@function\ndef f({parameters}): pass\n"
            said = self.refused({"main.py": source})
            self.assertTrue(said.startswith("main.py:3: `f` must take one argument, the event"), said)
            self.assertTrue(said.endswith(f"it takes {number}"), said)

    def test_what_this_python_cannot_parse_is_left_to_the_components_own(self) -> None:
        folder = self.folder({"main.py": "def f(:\n"})
        entry.check(folder, entry.find(folder))


TRACEBACK = """\
Traceback (most recent call last):
  File "bin/componentize-py", line 8, in <module>
AssertionError: Traceback (most recent call last):
  File "/0/wasm_faas_entry.py", line 6, in <module>
    import main
  File "/1/main.py", line 3, in <module>
    import shop
  File "/1/shop/orders.py", line 9, in start
    import slow
           ^^^^
  File "/3/slow/__init__.py", line 1, in <module>
    from . import _fast
{error}


Caused by:
    {error}

Stack backtrace:
   0: <anyhow::Error>
"""


class ProblemTest(unittest.TestCase):
    """What componentize-py said, in the author's terms."""

    def test_a_traceback_is_trimmed_to_the_authors_frames(self) -> None:
        problem = componentize._problem(TRACEBACK.format(error="ValueError: no"), None)
        self.assertIsInstance(problem, AuthorError)
        lines = [
            "shop/orders.py:9: ValueError: no",
            "  main.py:3 in <module>",
            "    import shop",
            "  shop/orders.py:9 in start",
            "    import slow",
            "           ^^^^",
        ]
        self.assertEqual(str(problem).splitlines(), lines)

    def test_a_package_in_machine_code_is_named(self) -> None:
        installed = dependencies.Dependencies(Path(), {"slow": "Slow", "other": "Other"})
        said = TRACEBACK.format(error="ImportError: cannot import name '_fast' from 'slow'")
        last = str(componentize._problem(said, installed)).splitlines()[-1]
        self.assertTrue(last.startswith("`Slow` needs machine code"), last)

    def test_a_missing_package_comes_with_advice(self) -> None:
        said = TRACEBACK.format(error="ModuleNotFoundError: No module named 'slow._fast'")
        self.assertIn("a package must be in requirements.txt", str(componentize._problem(said, None)))

    def test_a_syntax_error_says_where(self) -> None:
        said = (
            'AssertionError: Traceback (most recent call last):\n  File "/0/wasm_faas_entry.py", line 6, in <module>\n'
            '    import main\n  File "/1/main.py", line 2\n    def f(:\n          ^\nSyntaxError: invalid syntax\n'
        )
        first = str(componentize._problem(said, None)).splitlines()[0]
        self.assertEqual(first, "main.py:2: SyntaxError: invalid syntax")

    def test_the_components_own_check_is_the_authors_business(self) -> None:
        said = (
            "AssertionError: Traceback (most recent call last):\n"
            '  File "/2/wasm_faas/_function.py", line 50, in start\n'
            "wasm_faas._function.HandlerError: `main` must decorate exactly one function\n"
        )
        problem = componentize._problem(said, None)
        self.assertIsInstance(problem, AuthorError)
        self.assertEqual(str(problem), "`main` must decorate exactly one function")

    def test_all_else_is_the_toolchains(self) -> None:
        broken = "AssertionError: failed to parse package: wit\n\nStack backtrace:\n   0: <anyhow::Error>\n"
        for said, expected in (
            (broken, "componentize-py failed: failed to parse package: wit"),
            ("", "componentize-py failed: it said nothing"),
        ):
            problem = componentize._problem(said, None)
            self.assertIsInstance(problem, ToolchainError)
            self.assertEqual(str(problem), expected)


class DependenciesTest(FolderTest):
    def test_without_requirements_there_are_none(self) -> None:
        folder = self.folder({"main.py": ""})
        self.assertIsNone(dependencies.install(folder, folder / "cache"))
        self.assertFalse((folder / "cache").exists())

    def test_the_key_follows_included_files(self) -> None:
        folder = self.folder({"requirements.txt": "-r more.txt\n", "more.txt": "a==1\n"})
        before = dependencies._key(folder / "requirements.txt")
        self.assertEqual(before, dependencies._key(folder / "requirements.txt"))
        (folder / "more.txt").write_text("a==2\n", encoding="utf-8")
        self.assertNotEqual(before, dependencies._key(folder / "requirements.txt"))

    def installed(self, *files: str) -> Path:
        record = "".join(f"{file},,\n" for file in files)
        metadata = "Metadata-Version: 2.1\nName: Fast\nVersion: 1\n"
        info = {"fast-1.dist-info/RECORD": record, "fast-1.dist-info/METADATA": metadata}
        return self.folder({**dict.fromkeys(files, ""), **info})

    def test_machine_code_is_left_out(self) -> None:
        target = self.installed("fast/__init__.py", "fast/_speed.cpython-311-x86_64-linux-gnu.so")
        [found] = distributions(path=[str(target)])
        self.assertEqual(dependencies._remove_native(found), {"fast": "Fast"})
        self.assertEqual([file.name for file in (target / "fast").iterdir()], ["__init__.py"])

    def test_a_package_of_nothing_else_is_a_mistake(self) -> None:
        target = self.installed("fast.cpython-311-x86_64-linux-gnu.so")
        [found] = distributions(path=[str(target)])
        with self.assertRaisesRegex(AuthorError, "`Fast` is machine code only"):
            dependencies._remove_native(found)


class ExitTest(FolderTest):
    def build(self, python: str, files: Mapping[str, str]) -> tuple[int, str, Path]:
        folder = self.folder(files)
        output = folder / "out" / "function.wasm"
        program = [python, "-B", str(build.SDK / "build" / "build.py"), "--folder", str(folder), "--wit", str(WIT)]
        done = subprocess.run([*program, "--output", str(output)], capture_output=True, text=True)
        self.assertEqual(done.stdout, "")
        return done.returncode, done.stderr, output

    def test_a_mistake_of_the_author_is_1(self) -> None:
        code, said, output = self.build(sys.executable, {"main.py": "def handle(event): pass\n"})
        self.assertEqual(code, 1)
        self.assertTrue(said.startswith("main.py: no handler"), said)
        self.assertFalse(output.exists())

    def test_a_broken_toolchain_is_3(self) -> None:
        folder = self.folder({"main.py": GOOD})
        arguments = ["build.py", "--folder", str(folder), "--wit", str(WIT), "--output", str(folder / "x.wasm")]
        said = io.StringIO()
        with (
            patch("sys.argv", arguments),
            patch("importlib.metadata.version", return_value="0.1"),
            contextlib.redirect_stderr(said),
        ):
            self.assertEqual(build.main(), 3)
        self.assertRegex(said.getvalue(), r"has componentize-py 0.1, and [\d.]+ is needed: run `.* --require-hashes")

    @unittest.skipUnless(TOOLCHAIN, "WASM_FAAS_TOOLCHAIN_PYTHON names no Python that has componentize-py")
    def test_a_component_is_made_in_silence(self) -> None:
        code, said, output = self.build(str(TOOLCHAIN), {"main.py": GOOD})
        self.assertEqual((code, said), (0, ""))
        self.assertEqual(output.read_bytes()[:8], b"\0asm\x0d\0\x01\0")
        self.assertEqual([file.name for file in output.parent.iterdir()], ["function.wasm"])
        self.assertEqual({file.name for file in output.parent.parent.iterdir()}, {"main.py", "out"})

    @unittest.skipUnless(TOOLCHAIN, "WASM_FAAS_TOOLCHAIN_PYTHON names no Python that has componentize-py")
    def test_an_error_at_import_says_where(self) -> None:
        source = GOOD + "\nfrom wasm_faas import Bucket\nvisits = Bucket.open('visits')\n"
        code, said, output = self.build(str(TOOLCHAIN), {"main.py": source})
        self.assertEqual(code, 1)
        self.assertTrue(said.startswith("main.py:8: RuntimeError: `kv` cannot be used here"), said)
        self.assertFalse(output.exists())

    @unittest.skipUnless(TOOLCHAIN, "WASM_FAAS_TOOLCHAIN_PYTHON names no Python that has componentize-py")
    def test_handlers_in_two_files_are_found_by_the_component(self) -> None:
        files = {"main.py": "import other\n" + GOOD, "other.py": GOOD.replace("handle", "handle_other")}
        code, said, _ = self.build(str(TOOLCHAIN), files)
        self.assertEqual(code, 1)
        self.assertIn("decorated: `handle_other`, `handle`", said)


if __name__ == "__main__":
    unittest.main()
