"""Weights into the course's own Transformer, the class that chapter 1 builds."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from dojo.models.folder import ModelError, load_config, load_state_dict

CHAPTER = Path("solutions") / "transformer_from_scratch.py"


@cache
def _reference(path: Path) -> ModuleType:
    """Chapter 1's reference module. It is loaded by path: the course's root need not be on sys.path."""
    spec = importlib.util.spec_from_file_location("dojo_reference_transformer", path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} is not a Python module.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def load_model(name: str | Path, code: Any = None) -> nn.Module:
    """A GPT-2-shaped model as the course's Transformer, with its config at `.config` and activations named as
    TransformerLens names them.

    Args:
        name: a shipped model, a folder in Hugging Face format, or a name on the Hugging Face hub such as "gpt2".
        code: where Config, Transformer and load_gpt2_weights are taken from: a module or other namespace, such as your
            own from chapter 1. Default: the course's reference.

    Raises:
        ModelError: there is no such model, the hub cannot be reached, the model is not built like GPT-2, its files are
            damaged, or the references are hidden (in the sandbox, where a demo takes `load_state_dict` instead).
    """
    sizes, weights = load_config(name), load_state_dict(name)
    if code is None:
        from dojo.course import find_root

        path = find_root() / CHAPTER
        try:
            code = _reference(path)
        except OSError:
            raise ModelError(
                f"The course's Transformer cannot be read from {path}: pass your own module as `code`."
            ) from None
    model = code.Transformer(code.Config(**sizes))
    code.load_gpt2_weights(model, weights)
    return model
