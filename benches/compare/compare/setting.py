"""What every part of the comparison is given."""

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from . import load, machine
from .programs import Guests, Programs, say


@dataclass(frozen=True)
class Setting:
    programs: Programs
    guests: Guests
    rounds: int
    seconds: int
    start_rounds: int
    connections: tuple
    registered: int
    patience: int
    server_core: int
    load_core: int

    def head(self):
        """When and on what a part was measured."""
        return {**machine.describe(), "versions": self.programs.versions(), "rounds": self.rounds, "seconds": self.seconds}

    def await_quiet(self):
        machine.await_quiet(self.patience, self.server_core, self.load_core)

    def measure(self, server, request, connections, functions=0):
        """One measurement, when the cores are quiet or patience has ended."""
        self.await_quiet()
        return self.measure_now(server, request, connections, functions)

    def measure_now(self, server, request, connections, functions=0):
        return load.measure(server, request, connections, self.seconds, self.load_core, functions)

    @contextmanager
    def running(self, contestants):
        """All of them side by side, each asked once: an idle server takes nothing from the one that is measured."""
        with ExitStack() as stack:
            servers = []
            for contestant in contestants:
                say(f"starting {contestant.label}")
                server = stack.enter_context(contestant.start(self.server_core))
                server.first_answer_ms(contestant.request)
                servers.append((contestant, server))
            yield servers


def turns(round_number, items):
    """Another first one in each round, so that none always follows the same."""
    start = round_number % len(items)
    return items[start:] + items[:start]
