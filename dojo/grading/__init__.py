"""Grading: a submission goes in, a verdict comes out.

    Submission -> judge (trusted: pytest, graders, solutions) <-> worker (the learner's code, confined) -> Verdict

Start reading at `verdict` (what comes out), `submission` (what goes in), `judge` (how it is decided), `worker` and `sandbox`
(where the learner's code runs), `pool` (how both sides are kept warm).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bench import raises
    from .comparison import compare
    from .demo import Output
    from .live import check
    from .mistakes import mistake
    from .pool import Grader
    from .submission import Submission
    from .verdict import Recognised, TestResult, Value, Verdict, from_json, to_json

_HOME = {
    "Grader": "pool", "Output": "demo", "Recognised": "verdict", "Submission": "submission", "TestResult": "verdict",
    "Value": "verdict", "Verdict": "verdict", "check": "live", "compare": "comparison", "from_json": "verdict",
    "mistake": "mistakes", "raises": "bench", "to_json": "verdict",
}  # fmt: skip

__all__ = [
    "Grader", "Output", "Recognised", "Submission", "TestResult", "Value", "Verdict", "check", "compare", "from_json",
    "mistake", "raises", "to_json",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import on first use: `dojo --help` must not wait for torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'dojo.grading' has no attribute {name!r}")
    return getattr(importlib.import_module(f"dojo.grading.{_HOME[name]}"), name)
