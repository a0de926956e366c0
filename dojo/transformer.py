"""Chapter 1's reference, the model class of every later chapter: `from dojo.transformer import Transformer`.

The names are those of solutions/transformer_from_scratch.py, which runs here on first use. In the sandbox, where nobody can
read the references, the judge hands its source over with `provide`; not to those who are only just writing that chapter.
"""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import Any

CHAPTER = "transformer_from_scratch"


def source(root: Path) -> str:
    """The reference's source text in the course at `root`; OSError where it cannot be read."""
    return (root / "solutions" / f"{CHAPTER}.py").read_text(encoding="utf-8")


def provide(text: str) -> None:
    """Run `text` as this module."""
    name = "the course's Transformer"
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name  # for tracebacks and inspect
    exec(compile(text, name, "exec"), globals())


def __getattr__(name: str) -> Any:
    if name.startswith("__") or "Transformer" in globals():
        raise AttributeError(f"module 'dojo.transformer' has no attribute {name!r}")
    from dojo.course import CourseError, find_root

    try:
        provide(source(find_root()))
    except (OSError, CourseError):
        raise ImportError(
            "The course's Transformer is hidden here: write your own, or leave the line out that imports it."
        ) from None
    if name in globals():
        return globals()[name]
    raise AttributeError(f"module 'dojo.transformer' has no attribute {name!r}")
