"""Runs both sides of a row in turn, and measures them."""
import dataclasses
import datetime
import json
import os
import re
import subprocess
import sys
import threading
import time
from typing import Callable, Optional


class Failure(Exception):
    """What keeps a figure from being measured, or from being believed; one line for the user."""


@dataclasses.dataclass
class Side:
    """One side of a row: a command, and what it leaves behind.

    The time is the command's own where `seconds` names a field of the JSON line it prints, else that of the process. So many
    busy processes as `beside` says run at the same time. What was measured counts `factor` times.
    """

    command: list
    seconds: Optional[str] = None
    before: Callable[[], None] = lambda: None
    beside: int = 0
    factor: float = 1


@dataclasses.dataclass
class Row:
    """What is compared. `check` gets what both sides printed, and raises Failure where they did not do the same."""

    title: str
    unit: str
    ours: Side
    peer: Side
    check: Callable[[dict, dict], None]
    limit: Optional[Side] = None


@dataclasses.dataclass
class Measurement:
    """A run of a command: its time, the most memory that it had, and what it printed."""

    seconds: float
    peak_mib: int
    printed: dict


def environment():
    """This process's environment, with as many threads for PyTorch as there are cores to use."""
    return {**os.environ, "OMP_NUM_THREADS": str(len(os.sched_getaffinity(0))), "PYTHONWARNINGS": "ignore"}


def run(command, device="cpu", seconds=None):
    """Runs a command, and raises Failure where it fails."""
    command = [str(part) for part in command]
    memory = DeviceMemory(device)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment())
    with memory, process.stdout:
        text = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failure(f"{' '.join(command)} failed with status {process.returncode}")
    printed = printed_by(text)
    if seconds and seconds not in printed:
        raise Failure(f"{' '.join(command)}: expected a JSON line with {seconds}, found {text[-200:]!r}")
    return Measurement(printed[seconds] if seconds else took, memory.peak_mib or usage.ru_maxrss // 1024, printed)


class Busy:
    """Processes that want a core each and never wait for anything, while something else runs."""

    def __init__(self, count):
        self.count, self.processes = count, []

    def __enter__(self):
        self.processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(self.count)]

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def run_side(side, device="cpu"):
    """Runs one side of a row."""
    with Busy(side.beside):
        measured = run(side.command, device, side.seconds)
    return dataclasses.replace(measured, seconds=measured.seconds * side.factor)


def printed_by(text):
    """The last JSON line of what was printed; else `overall`, of `rwsan score`."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    accuracy = re.search(r"overall accuracy: ([\d.]+) %", text)
    return {"overall": float(accuracy[1])} if accuracy else {}


class DeviceMemory:
    """Watches how much of a GPU's memory is in use more than before; does nothing on a CPU."""

    def __init__(self, device):
        self.number = device.partition(":")[2] or "0"
        self.watches = device.startswith("cuda")
        self.peak_mib = 0
        self.before = self.used() if self.watches else 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def used(self):
        command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", self.number]
        return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

    def watch(self):
        while not self.ended.wait(0.2):
            self.peak_mib = max(self.peak_mib, self.used() - self.before)

    def __enter__(self):
        if self.watches:
            self.thread.start()

    def __exit__(self, *_):
        self.ended.set()
        if self.watches:
            self.thread.join()


def measure(row, runs, with_peer=True, device="cpu"):
    """Runs ours, the peer and the limit in turn; what a report keeps of a row."""
    sides = {"ours": row.ours, "peer": row.peer if with_peer else None, "limit": row.limit}
    found = {name: [] for name, side in sides.items() if side}
    for number in range(1, runs + 1):
        for name in found:
            sides[name].before()
            found[name].append(run_side(sides[name], device))
        if with_peer:
            row.check(found["ours"][-1].printed, found["peer"][-1].printed)
        times = ", ".join(f"{name} {measurements[-1].seconds:.4g} s" for name, measurements in found.items())
        print(f"bench: {row.title}, run {number} of {runs}: {times}", file=sys.stderr)
    kept = {name: {"seconds": [one.seconds for one in measurements],
                   "peak_mib": max(one.peak_mib for one in measurements)} for name, measurements in found.items()}
    return {"title": row.title, "unit": row.unit, "date": datetime.date.today().isoformat(),
            "load_average": os.getloadavg()[0], **kept}
