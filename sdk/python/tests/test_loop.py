import asyncio
import time
import unittest
from typing import Any
from unittest.mock import patch

from wasm_faas import _loop


async def later(value: int, seconds: float) -> int:
    await asyncio.sleep(seconds)
    return value


class LoopTest(unittest.TestCase):
    def test_sleeps_until_the_timer_is_due(self) -> None:
        start = time.monotonic()
        self.assertEqual(_loop.run(later(7, 0.05)), 7)
        self.assertGreaterEqual(time.monotonic() - start, 0.05)

    def test_waits_with_time_sleep_and_nothing_else(self) -> None:
        slept: list[float] = []
        clock = patch.object(_loop.EventLoop, "time", lambda _: sum(slept))
        with clock, patch("time.sleep", slept.append):
            self.assertEqual(_loop.run(later(1, 3600)), 1)
        self.assertAlmostEqual(sum(slept), 3600)

    def test_tasks_run_side_by_side(self) -> None:
        async def many() -> list[int]:
            return await asyncio.gather(*(later(number, 0.05) for number in range(50)))

        start = time.monotonic()
        self.assertEqual(_loop.run(many()), list(range(50)))
        self.assertLess(time.monotonic() - start, 1)

    def test_a_timeout_ends_a_wait(self) -> None:
        async def impatient() -> None:
            await asyncio.wait_for(asyncio.sleep(60), 0.02)

        self.assertRaises(TimeoutError, _loop.run, impatient())

    def test_a_task_group_gives_results(self) -> None:
        async def grouped() -> int:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(later(number, 0.01)) for number in (1, 2)]
            return sum(task.result() for task in tasks)

        self.assertEqual(_loop.run(grouped()), 3)

    def test_a_queue_hands_over(self) -> None:
        async def handed() -> list[int]:
            queue: asyncio.Queue[int] = asyncio.Queue(1)

            async def produce() -> None:
                for number in range(5):
                    await queue.put(number)

            producer = asyncio.create_task(produce())
            taken = [await queue.get() for _ in range(5)]
            await producer
            return taken

        self.assertEqual(_loop.run(handed()), [0, 1, 2, 3, 4])

    def test_a_wait_without_end_is_an_error(self) -> None:
        async def stuck() -> Any:
            return await asyncio.get_running_loop().create_future()

        with self.assertRaisesRegex(RuntimeError, "deadlock"):
            _loop.run(stuck())

    def test_tasks_left_behind_are_cancelled(self) -> None:
        cancelled = []

        async def background() -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        async def leaves() -> None:
            leaves.task = asyncio.create_task(background())  # type: ignore[attr-defined]
            await asyncio.sleep(0)

        _loop.run(leaves())
        self.assertEqual(cancelled, [True])

    def test_threads_are_refused_with_a_reason(self) -> None:
        async def threaded() -> None:
            await asyncio.to_thread(time.time)

        with self.assertRaisesRegex(RuntimeError, "no threads"):
            _loop.run(threaded())


if __name__ == "__main__":
    unittest.main()
