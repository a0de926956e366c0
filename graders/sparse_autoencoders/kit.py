"""What the graders of this chapter run next to the learner's code: data and recorders, no solutions.

The graders' own side imports it too, so that both sides are treated alike.
"""

import copy
import inspect
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

# ===== part 1 begins =====
# =====
# =====


# ===== part 1 ends =====

# ===== part 2 begins =====
# =====
# =====


# ===== part 2 ends =====

# ===== part 3 begins =====
# =====
# =====


# ===== part 3 ends =====

# ===== part 4 begins =====
# =====
# =====


# ===== part 4 ends =====

# ===== part 5 begins =====
# =====
# =====


def make_autoencoder(kind: str, weights: dict[str, Tensor], k: int, function: Callable) -> nn.Module:
    """An autoencoder by the names of the chapter's classes, parameters and attributes, without what they compute.

    Its classes are called as in the chapter, and are subclasses of those that stand beside the learner's function, where there
    are any: so the kind can be told by attributes, by name and by isinstance. As in the chapter, W_enc is a transposed copy.
    """
    beside = getattr(inspect.unwrap(function), "__globals__", {})

    def blank(name: str, **attributes: Any) -> nn.Module:
        own = beside.get(name)
        base = own if isinstance(own, type) and issubclass(own, nn.Module) else nn.Module
        made = type(name, (base,), {"__init__": nn.Module.__init__, "__module__": __name__} | attributes)
        return made()

    sae = blank("GatedAutoencoder" if kind == "gated" else "SparseAutoencoder")
    for name, value in weights.items():
        if not name.endswith("threshold"):
            setattr(sae, name, nn.Parameter(value.T.contiguous().T if name == "W_enc" else value.clone()))
    if kind == "gated":
        return sae
    if kind == "topk":
        sae.activation = blank("TopK")
        sae.activation.k = k
    elif kind == "batchtopk":
        sae.activation = blank("BatchTopK")
        sae.activation.k = k
        sae.activation.register_buffer("threshold", weights["threshold"].clone())
    elif kind == "jumprelu":
        sae.activation = blank("JumpReLU", threshold=property(lambda self: self.log_threshold.exp()))
        sae.activation.log_threshold = nn.Parameter(weights["threshold"].log())
        sae.activation.bandwidth = 0.1
    else:
        sae.activation = nn.ReLU() if kind == "standard" else getattr(nn, kind)()
    return sae


def written(
    to_saelens: Callable,
    kind: str,
    weights: dict[str, Tensor],
    k: int = 1,
    folder: str = "sae",
    as_text: bool = False,
    stale: bool = False,
    options: list[str] | None = None,
) -> dict:
    """What to_saelens writes of such an autoencoder: {"cfg": ..., "weights": ...}, or {"problem": a sentence}.

    folder: a name in a fresh folder; as_text: as str, not as Path; stale: older files are there already. options: the arguments
    after the folder. "after" holds the autoencoder's own tensors as they are afterwards.
    """
    sae = make_autoencoder(kind, weights, k, to_saelens)
    with tempfile.TemporaryDirectory() as root:
        place = Path(root) / folder
        config, tensors = place / "cfg.json", place / "sae_weights.safetensors"
        if stale:
            place.mkdir(parents=True)
            config.write_text("{}" + " " * 2000)
            save_file({"left_over": torch.zeros(3)}, tensors)
        try:
            to_saelens(sae, str(place) if as_text else place, *(options or []))
        except OSError as error:
            state = "is there already" if stale else "is not there yet"
            why = f"{type(error).__name__}: {error.strerror}"
            return {"problem": f"Writing into the folder '{folder}', which {state}, failed ({why})."}
        for file in (config, tensors):
            if not file.is_file():
                return {"problem": f"There is no {file.name} in the folder."}
        try:
            cfg = json.loads(config.read_text(encoding="utf-8"))
        except ValueError:
            return {"problem": "cfg.json does not hold JSON: write it with `json.dumps` or `json.dump`."}
        if not isinstance(cfg, dict):
            return {"problem": "cfg.json should hold one JSON object, made from a dict."}
        try:
            found = {name: value.clone() for name, value in load_file(tensors).items()}
        except Exception:
            return {"problem": "sae_weights.safetensors cannot be read: write it with safetensors' `save_file`."}
    return {"cfg": cfg, "weights": found, "after": {name: value.clone() for name, value in sae.state_dict().items()}}


@torch.no_grad()
def read(from_saelens: Callable, cfg: dict, weights: dict[str, Tensor], x: Tensor, as_text: bool = False) -> dict:
    """What the autoencoder computes on x that from_saelens makes of these files; without a file where a dict is empty."""
    with tempfile.TemporaryDirectory() as root:
        if cfg:
            (Path(root) / "cfg.json").write_text(json.dumps(cfg), encoding="utf-8")
        if weights:
            save_file(weights, Path(root) / "sae_weights.safetensors")
        sae = from_saelens(root if as_text else Path(root))
    if not isinstance(sae, nn.Module):
        return {"problem": f"`from_saelens` returned an object of type {type(sae).__name__}, expected an autoencoder."}
    f = sae.encode(x.clone())
    dtypes = sorted({str(value.dtype) for value in sae.state_dict().values()})
    return {"f": f, "x_hat": sae.decode(f), "both": sae(x.clone()), "training": sae.training, "dtypes": dtypes}


def refusal_of_files(from_saelens: Callable, cfg: dict, weights: dict[str, Tensor]) -> str:
    """The text of the ValueError that these files are refused with."""
    try:
        read(from_saelens, cfg, weights, torch.zeros(1, 1))
    except ValueError as error:
        return str(error)
    return "no error"


PAGE_FIELDS = (
    "model",
    "source",
    "index",
    "density",
    "max_activation",
    "positive_logits",
    "negative_logits",
    "explanations",
    "examples",
)


def parsed(parse_neuronpedia: Callable, response: Any) -> dict:
    """The page's fields as a dict, and under "response" whether the response is still what it was."""
    before = copy.deepcopy(response)
    page = parse_neuronpedia(response)
    missing = [name for name in PAGE_FIELDS if not hasattr(page, name)]
    if missing:
        kind = type(page).__name__
        return {"problem": f"`parse_neuronpedia` returned an object of type {kind}, expected a `FeaturePage`."}
    return {name: getattr(page, name) for name in PAGE_FIELDS} | {"unchanged": response == before}


def refusal(parse_neuronpedia: Callable, response: Any) -> str:
    """The text of the ValueError that the response is refused with. Another error goes through."""
    try:
        parse_neuronpedia(response)
    except ValueError as error:
        return str(error)
    return "no error"


# ===== part 5 ends =====

# ===== part 6 begins =====
# =====
# =====


# ===== part 6 ends =====
