"""Mech Interp Dojo: learn mechanistic interpretability by graded exercises.

In a notebook: `from dojo import check, show`, write a function, `check(it)`. On the command line: `dojo --help`.
Everything here is imported on first use, so that `import dojo` takes no time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import show
    from .course.predict import predict
    from .grading import check
    from .models import load_config, load_model, load_state_dict, load_text, load_tokenizer, model_path

__version__ = "0.1.0"

_HOME = {
    "check": "dojo.grading.live",
    "predict": "dojo.course.predict",
    "load_config": "dojo.models",
    "load_model": "dojo.models",
    "load_state_dict": "dojo.models",
    "load_text": "dojo.models",
    "load_tokenizer": "dojo.models",
    "model_path": "dojo.models",
}

__all__ = [
    "check", "load_config", "load_model", "load_state_dict", "load_text", "load_tokenizer", "model_path", "predict", "show",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "show":
        return importlib.import_module("dojo.show")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'dojo' has no attribute {name!r}")
