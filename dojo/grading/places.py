"""Where graders stand, what they import, and where pytest keeps the bench. Light: pytest loads it with every run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

BENCH: pytest.StashKey[Any] = pytest.StashKey()


def use_course(root: Path) -> None:
    """Let graders import `solutions.<chapter>` and `graders.<chapter>.kit` from the course at `root`, and from no other."""
    if sys.path[0] == str(root):
        return
    sys.path[:] = [str(root), *(p for p in sys.path if p != str(root))]
    for name in [n for n in sys.modules if n.split(".")[0] in ("solutions", "graders")]:
        del sys.modules[name]


def grader_of(path: Path) -> tuple[str, str] | None:
    """(chapter, exercise) that a grader's file is named after."""
    if path.parent.parent.name == "graders" and path.stem.startswith("test_"):
        return path.parent.name, path.stem.removeprefix("test_")
    return None
