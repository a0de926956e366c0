"""Finds a model's folder and reads config.json, the weights and the shipped texts. Needs no network and no transformers
where the weights are one safetensors file."""

from __future__ import annotations

import difflib
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

# What a config.json must say, where it says anything, for the course's Transformer to compute the same function.
GPT2 = {
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
}


class ModelError(Exception):
    """A model, tokenizer or text cannot be had. `str()` says which, why, and what to do."""


def _models_folders() -> Iterator[Path]:
    """models/ of the chosen course, of the checkout, of the wheel. chapters/ is not looked for: a sandbox may hide it."""
    package = Path(__file__).resolve().parents[1]
    chosen = os.environ.get("DOJO_COURSE")
    roots = [Path(chosen).expanduser()] if chosen else []
    for root in [*roots, package.parent, package / "_course"]:
        if (root / "models").is_dir():
            yield root / "models"


def shipped_models() -> list[str]:
    """The names of the models that come with the course."""
    return sorted({path.parent.name for folder in _models_folders() for path in folder.glob("*/config.json")})


def model_path(name: str | Path) -> Path:
    """The folder, in Hugging Face format, of a shipped model, of a local folder, or of a model on the hub (downloaded).

    Raises:
        ModelError: there is no such model, or the hub cannot be reached.
    """
    for folder in _models_folders():
        if (folder / name / "config.json").is_file():
            return folder / name
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(
                f"{folder} has no config.json: name a folder that a model was saved to by save_pretrained."
            )
        return folder
    from dojo.models.hub import download  # huggingface_hub takes a second to import

    return download(str(name), f"There is no shipped model '{name}'{_did_you_mean(str(name), shipped_models())}")


def sae_path(name: str | Path) -> Path:
    """The folder, as SAELens writes it (cfg.json, sae_weights.safetensors), of a shipped autoencoder or of a local one.

    Raises:
        ModelError: there is no such autoencoder.
    """
    shipped = {path.parent.name: path.parent for folder in _models_folders() for path in folder.glob("*/cfg.json")}
    if str(name) in shipped:
        return shipped[str(name)]
    if (Path(name).expanduser() / "cfg.json").is_file():
        return Path(name).expanduser()
    known = ", ".join(sorted(shipped)) or "none"
    raise ModelError(
        f"There is no autoencoder '{name}'{_did_you_mean(str(name), list(shipped))}: name a shipped one ({known}), or a folder "
        "that holds cfg.json and sae_weights.safetensors."
    )


def load_config(name: str | Path) -> dict[str, Any]:
    """The sizes of a GPT-2-shaped model, by the names of chapter 1's `Config`: `Config(**load_config("small-lm"))`.

    Raises:
        ModelError: as `model_path`; or the model is not built like GPT-2.
    """
    path = model_path(name) / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        for key, right in GPT2.items():
            if config.get(key, right[0]) not in right:
                raise ModelError(
                    f"{name} has {key} {config[key]!r}, and the course's Transformer is GPT-2, which has "
                    f"{right[0]!r}: choose a GPT-2-shaped model, such as 'gpt2' or 'distilgpt2'."
                )
        return {
            "d_vocab": config["vocab_size"],
            "d_model": config["n_embd"],
            "n_ctx": config["n_positions"],
            "n_layers": config["n_layer"],
            "n_heads": config["n_head"],
            "d_head": config["n_embd"] // config["n_head"],
            "d_mlp": config.get("n_inner") or 4 * config["n_embd"],
            "ln_eps": config.get("layer_norm_epsilon", 1e-5),
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} cannot be read ({error}): save the model again with save_pretrained.") from None
    except KeyError as missing:
        raise ModelError(f"{path} does not say {missing}: save the model again with save_pretrained.") from None


def checkpoint_steps(name: str | Path) -> list[int]:
    """The training steps at which a model's weights were kept, in order: what `load_model(name, step=...)` takes.

    Raises:
        ModelError: as `model_path`; or no checkpoints came with the model, or their file is damaged.
    """
    return sorted({int(key.partition("/")[0]) for key in _checkpoints(name)})


def _checkpoints(name: str | Path) -> dict[str, Tensor]:
    """The weights at all steps, in half precision, named "<step>/<Hugging Face's name>"."""
    file = model_path(name) / "checkpoints.safetensors"
    if not file.is_file():
        raise ModelError(f"No checkpoints came with {name}, only its last weights: leave `step` out.")
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{file} cannot be read: {reason} Take it from the course's repository again.") from None


def load_state_dict(name: str | Path, step: int | None = None) -> dict[str, Tensor]:
    """The weights of a GPT-2-shaped model as Hugging Face names and lays them out (float tensors on the CPU).

    Args:
        name: as for `model_path`.
        step: one of `checkpoint_steps(name)`: the weights as they were then, in training. Default: the model's own.

    Raises:
        ModelError: as `load_config`; or the weights are missing or damaged; or none were kept at this step.
    """
    load_config(name)  # says clearly that a model is of another kind, before anything large is read
    if step is not None:
        kept, at = _checkpoints(name), f"{step}/"
        weights = {key.removeprefix(at): value.float() for key, value in kept.items() if key.startswith(at)}
        if not weights:
            raise ModelError(
                f"No weights of {name} were kept at step {step!r}: choose one of checkpoint_steps({str(name)!r})."
            )
        return weights
    folder = model_path(name)
    weights = folder / "model.safetensors"
    try:
        if weights.is_file():
            return load_file(weights)
        from transformers import GPT2LMHeadModel  # older and sharded files; seven seconds to import

        return GPT2LMHeadModel.from_pretrained(folder).state_dict()
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"The weights in {folder} cannot be read: {reason} Save or download them again.") from None


def load_text(name: str) -> str:
    """A shipped text: "austen", or "austen-held-out", "bible-held-out", "shakespeare-held-out".

    Chapters or scenes in their order, with <|endoftext|> before each. small-lm saw nothing of the held-out ones.

    Raises:
        ModelError: there is no such text.
    """
    texts = {
        path.name.removesuffix(".txt.gz"): path for folder in _models_folders() for path in folder.glob("text/*.gz")
    }
    if name not in texts:
        known = ", ".join(sorted(texts)) or "none"
        raise ModelError(f"There is no text '{name}'{_did_you_mean(name, texts)}; the shipped ones are: {known}.")
    return gzip.decompress(texts[name].read_bytes()).decode("utf-8")


def _did_you_mean(name: str, known: list[str] | dict[str, Path]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""
