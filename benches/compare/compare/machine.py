"""What the machine is, and what a process used of it. Linux only."""

import os
import platform
import subprocess
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

# The clock of a process id counts the CPU time of all its threads, those that ended too, in nanoseconds: clock_getcpuclockid(3),
# which Python does not wrap. 2 is CPUCLOCK_SCHED.
CPUCLOCK_SCHED = 2
ROOT = Path(__file__).resolve().parents[3]
WORK = ROOT / "target/compare"
"""All that is made for the comparison."""

QUIET_S = 0.3
QUIET_SHARE = 0.1
"""A core that works less than this share of the time is quiet."""


class CompareError(Exception):
    """What stands in the way, said to whoever runs the comparison."""


def cpu_ns(pid):
    """CPU time that the process has used since its start."""
    return time.clock_gettime_ns((~pid << 3) | CPUCLOCK_SCHED)


def resident_kib(pid):
    """Resident memory, mapped files with it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise CompareError(f"process {pid} has no resident memory: it has ended")


def busy_s(*cores):
    """Time that these cores have worked since the system started, for whomever; in steps of 10 ms."""
    wanted = {f"cpu{core}" for core in cores}
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines()]
    # user, nice, system, then idle and waiting, which are no work, then interrupts.
    ticks = sum(int(value) for line in lines if line[0] in wanted for value in line[1:4] + line[6:8])
    return ticks / os.sysconf("SC_CLK_TCK")


def await_quiet(patience_s, *cores):
    """Waits until these cores have next to nothing to do, at most so long."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        before = busy_s(*cores)
        time.sleep(QUIET_S)
        if busy_s(*cores) - before <= QUIET_SHARE * QUIET_S * len(cores):
            return


def cores():
    """The core of the server and the core of who asks: the load may not take from what is measured."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise CompareError("the comparison needs two cores: one for the server, one for the load")
    return usable[0], usable[1]


@contextmanager
def pinned(core):
    """Runs this process, and what it starts meanwhile, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def describe():
    """Where and when, for the head of the results."""
    return {
        "when": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "load_average": round(os.getloadavg()[0], 1),
    }


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def version(program, *arguments):
    """The first line a program prints about itself."""
    printed = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    lines = (printed.stdout + printed.stderr).splitlines()
    return lines[0].strip() if lines else "unknown"
