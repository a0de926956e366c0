"""A chapter's reference functions, for pages that show what they find."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType


def reference(chapter: str) -> ModuleType:
    """The module solutions/<chapter>.py of the course that is in force."""
    from dojo.course import find_root

    return _load(find_root() / "solutions" / f"{chapter}.py")


@cache
def _load(path: Path) -> ModuleType:
    """By path: the course's root need not be on sys.path."""
    spec = importlib.util.spec_from_file_location(f"dojo_reference_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python module.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
