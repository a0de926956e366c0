"""The pytest plugin that graders are written against.

Graders are ordinary pytest: `pytest graders --submission mine.py -k induction_score` runs them on a file, and without
`--submission` on the references. The judge uses the same fixtures with a bench of its own (see `judge`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .places import BENCH, grader_of, use_course

if TYPE_CHECKING:
    from .bench import Bench, Rand, Submission
    from .rpc import Remote


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("dojo")
    group.addoption("--submission", help="the .py or .ipynb file to grade (default: the reference solutions)")
    group.addoption("--dojo-seed", type=int, help="replay a grading with the seed that its verdict names")


class Paused:
    """Hold a collected session at the point where it would run its tests, and hand it to `loop` instead."""

    def __init__(self, loop: Callable[[pytest.Session], None], root: Path) -> None:
        self.loop, self.root = loop, root
        self.broken: list[str] = []  # what went wrong while the graders were collected

    def pytest_configure(self, config: pytest.Config) -> None:
        use_course(self.root)
        config.option.tbstyle = "value"  # pytest's own tracebacks cost 60 ms each, and the judge shows none

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken.append(report.longreprtext)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.loop(session)
        return True


def pytest_pycollect_makemodule(module_path: Path) -> None:
    if grader_of(module_path):
        use_course(module_path.parents[2])


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Bench:
    """The judge's bench, or, when pytest was called by hand, one on `--submission` or the reference."""
    existing = request.config.stash.get(BENCH, None)
    if existing is not None:
        return existing
    from . import by_hand

    place = grader_of(request.path)
    if place is None:
        pytest.fail("The `submission` fixtures work in graders/<chapter>/test_<exercise>.py only.")
    seed = request.config.getoption("--dojo-seed")
    path = request.config.getoption("--submission")
    return by_hand.bench(request.path.parents[2], *place, path, secrets.randbits(32) if seed is None else seed)


@pytest.fixture
def rand(bench: Bench, request: pytest.FixtureRequest) -> Rand:
    from .bench import Rand

    return Rand(bench.test_seed(request.node.nodeid))


@pytest.fixture
def submission(bench: Bench, request: pytest.FixtureRequest) -> Submission:
    from . import worker
    from .bench import Submission

    if bench.endpoint.stopped:
        pytest.skip("not run")
    seed = bench.test_seed(request.node.nodeid)
    bench.endpoint.ask("seed", bench.test_seed(f"{request.node.nodeid} for the learner"))  # the judge's is its own
    worker.seed_everything(seed)
    bench.endpoint.trace = bench.traces[request.node.nodeid] = []
    return Submission(bench)


@pytest.fixture
def reference(bench: Bench) -> Any:
    return bench.reference


@pytest.fixture
def agree(bench: Bench, submission: Submission) -> Callable:
    from .bench import agree

    return partial(agree, bench)


@pytest.fixture
def load_weights(bench: Bench, submission: Submission) -> Callable:
    from .bench import load_weights

    def load(module: Remote, weights: dict) -> None:
        with bench.endpoint.untraced():
            load_weights(module, weights)

    return load


@pytest.fixture
def kit(bench: Bench, submission: Submission) -> Remote:
    return bench.load_kit()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    report = yield
    bench = item.config.stash.get(BENCH, None)
    if bench is not None and (call.when == "call" or call.excinfo is not None):
        from . import items

        bench.endpoint.trace = None
        items.note(bench, item, call, time.time() - call.start)
    return report
