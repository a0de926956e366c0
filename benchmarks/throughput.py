"""A folder of submissions through `dojo grade`'s engine: verdicts a second, and whether memory stays flat.

    python benchmarks/throughput.py [--sizes 20 200]

Each submission is one of five kinds (right, two known mistakes, the stub, one that ends its own process). Memory is the summed
proportional set size of this process and all that it started, at its highest during the run.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from verdict_latency import CHAPTER, EXERCISE, RIGHT, ROOT, WRONG

from dojo.course import load_course
from dojo.grading import Grader
from dojo.grading.submission import from_text

KINDS = {
    "right": (RIGHT, "passed"),
    "softmax over queries": (WRONG, "failed"),
    "no scale": (RIGHT.replace(" / math.sqrt(q.shape[-1])", ""), "failed"),
    "stub": ("def attention_pattern(q, k):\n    raise NotImplementedError\n", "unwritten"),
    "ends its process": ("import os\ndef attention_pattern(q, k):\n    os._exit(0)\n", "stopped"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 200])
    options = parser.parse_args()
    with Grader(load_course(ROOT), only=[(CHAPTER, EXERCISE)]) as grader:
        grader.wait_until_warm()
        print(f"{grader.slots} slots, {grader.isolation}")
        for size in options.sizes:
            with Highest() as memory:
                started = time.perf_counter()
                grade(grader, size)
                seconds = time.perf_counter() - started
            print(
                f"{size:4d} submissions: {seconds:6.1f} s, {size / seconds:5.1f} a second, at most {memory.megabytes:6.0f} MB"
            )


def grade(grader: Grader, size: int) -> None:
    kinds = list(KINDS.values())

    def one(number: int) -> None:
        source, expected = kinds[number % len(kinds)]
        verdict = grader.grade(from_text(f"# submission {number}\n{source}"), CHAPTER, EXERCISE)
        assert verdict.status == expected, (number, verdict)

    with ThreadPoolExecutor(grader.slots) as threads:
        list(threads.map(one, range(size)))


class Highest:
    """The highest proportional set size (MB) of this process tree while the block runs, sampled ten times a second."""

    def __enter__(self) -> Highest:
        self.megabytes, self.done = 0.0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()

    def _watch(self) -> None:
        while not self.done.wait(0.1):
            self.megabytes = max(self.megabytes, sum(map(_pss, _tree())) / 1024)


def _tree() -> list[int]:
    parent = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    mine = {os.getpid()}
    while more := {pid for pid, above in parent.items() if above in mine} - mine:
        mine |= more
    return sorted(mine)


def _pss(pid: int) -> int:
    """Proportional set size in kB, 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    main()
