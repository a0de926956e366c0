"""What the graders of this chapter run next to the learner's code: models and recorders, no solutions.

The graders' own side imports it too, so that both sides are treated alike.
"""

import torch
from torch import Tensor, nn

from dojo.transformer import Config, Transformer

# --- models ---


def random_transformer(seed: int, **sizes) -> Transformer:
    """A `Transformer` of these sizes in which every weight counts: biases, LayerNorms and MLPs are drawn from the seed."""
    generator = torch.Generator().manual_seed(seed)
    model = Transformer(Config(**sizes))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            last = name.split(".")[-1]
            noise = torch.randn(parameter.shape, generator=generator)
            if last == "weight":
                parameter.copy_(1 + 0.3 * noise)
            elif last in ("W_E", "W_pos"):
                parameter.copy_(noise)
            else:
                parameter.copy_((0.4 if last.startswith("b") else 1.5 / parameter.shape[-2] ** 0.5) * noise)
    return model


def loaded_transformer(state_dict: dict[str, Tensor], **sizes) -> Transformer:
    """A `Transformer` of these sizes with these weights."""
    model = Transformer(Config(**sizes))
    model.load_state_dict(state_dict)
    return model


def hooks_left(model: nn.Module) -> dict[str, int]:
    """How many forward hooks each module has now; those without one are left out. "" is the model itself."""
    counts = {name: len(m._forward_hooks) + len(m._forward_pre_hooks) for name, m in model.named_modules()}
    return {name: count for name, count in counts.items() if count}
