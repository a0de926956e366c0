"""Which known mistake a failed submission is: the one that gives the same answers in every test that failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from . import bench as benches
from . import rpc, verdict
from .bench import Bench
from .items import run_items
from .mistakes import Mistake, mistakes_of


def recognise(session: pytest.Session, items: Sequence[pytest.Item], bench: Bench) -> verdict.Recognised | None:
    """The known mistake that gives the same answers as the learner in every test that failed, if there is one."""
    took = {t.name: t.seconds for t in bench.results if t.outcome == "failed"}
    failed = sorted(
        (i for i in items if i.name in took), key=lambda i: took[i.name]
    )  # most mistakes differ in the first
    own = [bench.traces.get(item.nodeid) for item in failed]
    if not failed or any(trace is None for trace in own):
        return None
    for known in known_mistakes(items):
        if _answers(session, failed, bench, known, own):
            return verdict.Recognised(known.name, known.sentence)
    return None


def known_mistakes(items: Sequence[pytest.Item]) -> list[Mistake]:
    return mistakes_of(items[0].getparent(pytest.Module).obj)  # type: ignore[union-attr]


def _answers(session: pytest.Session, failed: list[pytest.Item], bench: Bench, known: Mistake, own: list) -> bool:
    namespace = vars(bench.reference) | _settings(own) | {bench.exercise: known.code}
    root = bench.kit_path.parents[2]
    double = benches.local_bench(root, bench.chapter, bench.exercise, namespace, bench.seed)
    for item, trace in zip(failed, own, strict=True):
        run_items(session, [item], double)
        answers = double.traces.get(item.nodeid, [])
        if double.results[-1].outcome != "failed" or not _same(_came_back(trace), _came_back(answers)):
            return False
    return True


def _settings(traces: list[list[tuple]]) -> dict[str, Any]:
    """The plain values that tests read from the learner's module, such as their name: a mistake is made with the same."""
    read = [(label, value) for trace in traces for op, label, kind, value in trace if op == "get" and kind == "value"]
    return {label.removeprefix("submission."): value for label, value in read if isinstance(value, str | int | float)}


def _came_back(trace: list[tuple]) -> list[tuple]:
    """A trace without its labels: in them stands the name of the class, which a mistake does not share."""
    return [(op, kind, value) for op, _, kind, value in trace]


def _same(a: Any, b: Any) -> bool:
    """Whether two recorded answers are equal within tolerance; of exceptions the type and the text count."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and _close(a, b)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-5, equal_nan=True)
    if isinstance(a, rpc.Remote) or isinstance(b, rpc.Remote):
        return type(a) is type(b)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        if "mro" in a and "mro" in b:
            return (a.get("type"), a.get("text")) == (b.get("type"), b.get("text"))
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, float) and isinstance(b, float):
        return _close(torch.tensor(a), torch.tensor(b))
    return type(a) is type(b) and a == b


def _close(a: torch.Tensor, b: torch.Tensor) -> bool:
    a, b = a.detach(), b.detach()
    if not a.is_floating_point():
        return torch.equal(a, b)
    finite = b[torch.isfinite(b)]
    size = float(finite.abs().max()) if finite.numel() else 0.0
    return torch.allclose(a, b, rtol=1e-3, atol=1e-5 * max(1.0, size), equal_nan=True)
