"""`pytest graders --submission mine.py`: the same graders, run in this process for those who like pytest's own output."""

from __future__ import annotations

import importlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from . import bench as benches
from . import submission, worker


def bench(root: Path, chapter: str, exercise: str, path: str | None, seed: int) -> benches.Bench:
    namespace = _names(path) if path else vars(importlib.import_module(f"solutions.{chapter}"))
    return benches.local_bench(root, chapter, exercise, namespace, seed)


@lru_cache(maxsize=4)
def _names(path: str) -> dict[str, Any]:
    loaded = submission.from_path(path)
    if loaded.problem:
        raise pytest.UsageError(loaded.problem)
    namespace: dict[str, Any] = {"__name__": "submission"}
    for chunk in loaded.chunks:
        worker.run(namespace, chunk.name, chunk.source, chunk.line)
    return namespace
