"""How long a warm, sandboxed verdict takes on every exercise of the course.

    python benchmarks/chapter_verdicts.py [--rounds 5] [CHAPTER ...]

The submission is the chapter's whole reference, as a learner's file is at the end of the chapter. Wall-clock medians on one
machine in one run; between two verdicts the pool refills, as it does between a person's checks.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

from dojo.course import Chapter, load_course
from dojo.grading import Grader
from dojo.grading.submission import from_path

ROOT = Path(__file__).resolve().parents[1]
AIM = 0.3  # seconds, for exercises that do not train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="default: all")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    course = load_course(ROOT)
    chapters = [course.chapter(name) for name in options.chapters] or list(course.chapters)
    with Grader(course, only=[(c.id, e) for c in chapters for e in c.exercises], slots=1, demos=False) as grader:
        grader.wait_until_warm()
        print(f"isolation: {grader.isolation}; load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        for chapter in chapters:
            report(chapter, {name: measure(grader, chapter, name, options.rounds) for name in chapter.exercises})


def measure(grader: Grader, chapter: Chapter, exercise: str, rounds: int) -> list[float]:
    submission, seconds = from_path(chapter.solutions), []
    for _ in range(rounds):
        time.sleep(0.5)
        started = time.perf_counter()
        verdict = grader.grade(submission, chapter.id, exercise)
        seconds.append(time.perf_counter() - started)
        assert verdict.passed, f"{exercise}: {verdict.headline}"
    return seconds


def report(chapter: Chapter, seconds: dict[str, list[float]]) -> None:
    print(f"\n{chapter.id:36s} {'median s':>9s} {'min':>7s} {'max':>7s}")
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(
            f"{name:36s} {middle:9.3f} {min(values):7.3f} {max(values):7.3f}  {'' if middle <= AIM else f'over {AIM} s'}"
        )
    within = sum(statistics.median(values) <= AIM for values in seconds.values())
    print(f"{within} of {len(seconds)} exercises within {AIM} s")


if __name__ == "__main__":
    main()
