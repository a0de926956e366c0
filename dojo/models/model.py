"""Weights into the course's own Transformer, the class that chapter 1 builds."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from torch import nn

from dojo.models import smollm2
from dojo.models.folder import ModelError, load_config, load_state_dict


def load_model(name: str | Path, code: Any = None, *, step: int | None = None) -> nn.Module:
    """A GPT-2-shaped model as the course's Transformer, with its config at `.config` and activations named as
    TransformerLens names them.

    Args:
        name: a shipped model, a folder in Hugging Face format, or a name on the Hugging Face hub such as "gpt2". Or
            "smollm2", a real pretrained model that a package brings: Llama-shaped, it comes as `dojo.models.llama.Llama`.
        code: where Config, Transformer and load_gpt2_weights are taken from: a module or other namespace, such as your
            own from chapter 1. Default: the course's reference.
        step: one of `checkpoint_steps(name)`: the model as it was then, in training. Default: as it is at the end.

    Raises:
        ModelError: there is no such model, the hub cannot be reached, the model is not built like GPT-2, its files are
            damaged, no weights were kept at this step, or the references are hidden (in the sandbox, while you write
            chapter 1).
    """
    if name == smollm2.NAME:
        if step is not None:
            raise ModelError(f"No checkpoints came with {name}, only its last weights: leave `step` out.")
        return smollm2.load_model()
    sizes, weights = load_config(name), load_state_dict(name, step)
    try:
        code = importlib.import_module("dojo.transformer") if code is None else code
        model_class = code.Transformer
    except ImportError as hidden:
        raise ModelError(f"{hidden} Then pass your own module as `code`.") from None
    model = model_class(code.Config(**sizes))
    code.load_gpt2_weights(model, weights)
    return model
