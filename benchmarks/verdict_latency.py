"""How long a verdict takes, five ways, side by side in one run.

    python benchmarks/verdict_latency.py [--rounds 7] [--others]

Grades one right and one wrong submission of `attention_pattern` with the same grader file:
the test bodies alone (plain calls), a warm sandboxed verdict, `check()` on live code, cold `pytest`, and with --others also
otter-grader and nbgrader, each in an environment of its own (made once under benchmarks/.envs). Wall-clock medians; every
round runs every way in turn, so that a noisy machine is noisy for all.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import others
import torch

from dojo.course import load_course
from dojo.grading import Grader
from dojo.grading.local import with_graders
from dojo.grading.submission import from_text

CHAPTER, EXERCISE = "transformer_from_scratch", "attention_pattern"
ROOT = Path(__file__).resolve().parents[1]

RIGHT = """\
import math
import torch


def attention_pattern(q, k):
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
    later = torch.triu(torch.ones(q.shape[1], k.shape[1], dtype=torch.bool), 1)
    return scores.masked_fill(later, float("-inf")).softmax(-1)
"""
WRONG = RIGHT.replace("softmax(-1)", "softmax(-2)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--others", action="store_true", help="also measure otter-grader and nbgrader (installs them)")
    options = parser.parse_args()
    torch.set_num_threads(1)  # as in the sandbox
    course = load_course(ROOT)
    ways: dict[str, Callable[[], object]] = {}
    with Grader(course, only=[(CHAPTER, EXERCISE)], slots=2) as grader, tempfile.TemporaryDirectory() as folder:
        grader.wait_until_warm()
        print(f"isolation: {grader.isolation}; load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        right, wrong, mine = from_text(RIGHT), from_text(WRONG), Path(folder) / "mine.py"
        mine.write_text(RIGHT)
        namespace: dict = {}
        exec(RIGHT, namespace)
        ways["test bodies alone"] = lambda: bodies(course, namespace)
        ways["warm sandboxed verdict, right"] = lambda: grader.grade(right, CHAPTER, EXERCISE)
        ways["warm sandboxed verdict, wrong (mistake recognised)"] = lambda: grader.grade(wrong, CHAPTER, EXERCISE)
        ways["check() on live code"] = lambda: live(course, namespace)
        ways["cold pytest"] = lambda: cold_pytest(mine)
        if options.others:
            ways |= others.ways(ROOT, RIGHT)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, way in ways.items():
                time.sleep(0.5)  # let the pool refill, as it does between a person's checks
                started = time.perf_counter()
                reported = way()
                seconds[name].append(reported if isinstance(reported, float) else time.perf_counter() - started)
    report(seconds)


def bodies(course, namespace: dict) -> float:
    """The seconds that the tests themselves take on live code, without collecting or reporting."""

    def run(judge) -> float:
        judge.grade(CHAPTER, EXERCISE, namespace)
        return sum(t.seconds for t in judge.grade(CHAPTER, EXERCISE, namespace).tests)

    return with_graders(course, [(CHAPTER, EXERCISE)], run)


def live(course, namespace: dict) -> None:
    grade_locally = importlib.import_module("dojo.grading.local").grade_locally
    assert grade_locally(course, CHAPTER, EXERCISE, namespace).passed


def cold_pytest(path: Path) -> None:
    grader = f"graders/{CHAPTER}/test_{EXERCISE}.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", grader, "--submission", str(path)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def report(seconds: dict[str, list[float]]) -> None:
    warm = statistics.median(seconds["warm sandboxed verdict, right"])
    base = statistics.median(seconds["test bodies alone"])
    print(f"{'':52s} {'median s':>9s} {'min':>7s} {'max':>7s}   times a warm verdict")
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(f"{name:52s} {middle:9.3f} {min(values):7.3f} {max(values):7.3f}   {middle / warm:6.1f}")
    print(f"a warm verdict beyond the test bodies: {warm - base:.3f} s")


if __name__ == "__main__":
    main()
