"""What the graders of this chapter run next to the learner's code: data and recorders, no solutions.

The graders' own side imports it too, so that both sides are treated alike.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dojo.transformer import Config, Transformer

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


def gradients_of(function, inputs: dict[str, Tensor], fixed: dict) -> dict[str, Tensor | None]:
    """The gradient of function(**inputs, **fixed) by each input, by its name; None where none reaches it."""
    leaves = {name: value.detach().clone().requires_grad_() for name, value in inputs.items()}
    return by_leaves(function(**leaves, **fixed), leaves)


def by_leaves(loss, leaves: dict[str, Tensor]) -> dict[str, Tensor | None]:
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return dict.fromkeys(leaves)
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return dict(zip(leaves, found, strict=True))


# --- JumpReLU ---


def jump_gradients(layer: nn.Module, z: Tensor, probe: Tensor) -> dict[str, Tensor | None]:
    """Gradients of sum(layer(z) * probe) by z and by log_threshold."""
    z = z.detach().clone().requires_grad_()
    return by_leaves((layer(z) * probe).sum(), {"z": z, "log_threshold": layer.log_threshold})


def l0_gradients(layer: nn.Module, z: Tensor) -> dict[str, Tensor | None]:
    """Gradients of layer.l0(z) by z and by log_threshold."""
    z = z.detach().clone().requires_grad_()
    return by_leaves(layer.l0(z), {"z": z, "log_threshold": layer.log_threshold})


def jump_training_gradient(layer: nn.Module, z: Tensor, target: Tensor, coefficient: float) -> Tensor | None:
    """The gradient by log_threshold of a loss like that of training, of pre-activations that need no gradient."""
    loss = (layer(z) - target).pow(2).sum(dim=-1).mean() + coefficient * layer.l0(z)
    return by_leaves(loss, {"log_threshold": layer.log_threshold})["log_threshold"]


# --- gated_loss ---


class Gated(nn.Module):
    """A gated autoencoder with the interface of the chapter's, whose parameters are handed in by name."""

    def __init__(self, weights: dict[str, Tensor]):
        super().__init__()
        for name, value in weights.items():
            setattr(self, name, nn.Parameter(value.detach().clone()))

    def gate(self, x: Tensor) -> Tensor:
        return (x - self.b_dec) @ self.W_enc + self.b_gate

    def encode(self, x: Tensor) -> Tensor:
        scaled = ((x - self.b_dec) @ self.W_enc) * self.r_mag.exp() + self.b_mag
        return torch.where(self.gate(x) > 0, F.relu(scaled), 0.0)

    def decode(self, f: Tensor) -> Tensor:
        return f @ self.W_dec + self.b_dec

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


def gated_gradients(gated_loss, sae: nn.Module, x: Tensor, coefficient: float) -> dict[str, Tensor | None]:
    """The gradient of the loss by each of the autoencoder's parameters, by its name."""
    return by_leaves(gated_loss(sae, x, coefficient), dict(sae.named_parameters()))


def trainable(module: nn.Module) -> list[str]:
    """Names of the parameters that can be trained."""
    return [name for name, parameter in module.named_parameters() if parameter.requires_grad]


# ===== part 3 ends =====

# ===== part 4 begins =====
# =====
# =====


class StreamModel(Transformer):
    """A small random `Transformer` in which every weight counts, LayerNorms and biases too; it counts its forward passes."""

    runs = 0

    def __init__(self, seed: int, **sizes):
        super().__init__(Config(**sizes))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                last = name.split(".")[-1]
                noise = torch.randn(parameter.shape, generator=generator)
                if last == "weight":
                    parameter.copy_(1 + 0.4 * noise)
                elif last in ("W_E", "W_pos"):
                    parameter.copy_(0.7 * noise + 0.2)
                else:
                    scale = 0.5 if last.startswith("b") else 1.8 / parameter.shape[-2] ** 0.5
                    parameter.copy_(scale * noise)

    def forward(self, tokens: Tensor) -> Tensor:
        self.runs += 1
        return super().forward(tokens)


def random_transformer(seed: int, **sizes) -> Transformer:
    return StreamModel(seed, **sizes)


@torch.no_grad()
def said_by(model: Transformer, seed: int, n_rows: int, n_pos: int) -> Tensor:
    """Text that the model wrote itself, int64 [row, pos]: it predicts it better than any spoiled version of it can."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(model.config.d_vocab, (n_rows, 1), generator=generator)
    for _ in range(n_pos - 1):
        chances = (2 * Transformer.forward(model, tokens)[:, -1]).softmax(dim=-1)
        tokens = torch.cat([tokens, torch.multinomial(chances, 1, generator=generator)], dim=1)
    return tokens


def hooks_left(model: nn.Module) -> list[str]:
    """Names of the modules that have a forward hook now; "" is the model itself."""
    return [name for name, m in model.named_modules() if m._forward_hooks or m._forward_pre_hooks]


class Bent:
    """A reconstruction that is neither right nor linear: (1 - share) x + share tanh(x W + b), a little different at each place.

    Made for activations of all tokens at once, of this shape; it does not change them.
    """

    def __init__(self, seed: int, share: float, *shape: int):
        generator = torch.Generator().manual_seed(seed)
        d_model = shape[-1]
        self.share, self.shape = share, torch.Size(shape)
        self.W = torch.randn(d_model, d_model, generator=generator) / d_model**0.5
        self.b = 0.5 * torch.randn(shape, generator=generator)

    def __call__(self, x: Tensor) -> Tensor:
        if x.shape != self.shape:
            raise ValueError(
                f"reconstruct was given a tensor of shape {tuple(x.shape)}, but takes the site's activation on all tokens, "
                f"{tuple(self.shape)}"
            )
        return (1 - self.share) * x + self.share * torch.tanh(x @ self.W + self.b)


def same(x: Tensor) -> Tensor:
    """A perfect reconstruction."""
    return x.clone()


def nothing(x: Tensor) -> Tensor:
    """Zero ablation as a reconstruction."""
    return x - x


def middle(x: Tensor) -> Tensor:
    """Mean ablation as a reconstruction."""
    return torch.ones_like(x) * x.sum(dim=(0, 1)) / (x.shape[0] * x.shape[1])


class SmallAutoencoder(nn.Module):
    """An autoencoder with the chapter's interface, whose parameters are drawn from the seed."""

    def __init__(self, seed: int, d_in: int, d_sae: int):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        shapes = {"W_enc": (d_in, d_sae), "b_enc": (d_sae,), "W_dec": (d_sae, d_in), "b_dec": (d_in,)}
        for name, shape in shapes.items():
            noise = torch.randn(shape, generator=generator)
            setattr(self, name, nn.Parameter(noise / d_in**0.5 if name.startswith("W") else 0.3 * noise))

    def encode(self, x: Tensor) -> Tensor:
        return F.relu((x - self.b_dec) @ self.W_enc + self.b_enc)

    def decode(self, f: Tensor) -> Tensor:
        return f @ self.W_dec + self.b_dec

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


# ===== part 4 ends =====

# ===== part 5 begins =====
# =====
# =====


# ===== part 5 ends =====

# ===== part 6 begins =====
# =====
# =====


def ends_with(*endings: str):
    """A predicate: the last word is one of these."""
    return lambda words: words[-1] in endings


def always(answer):
    """A predicate that says the same of everything."""
    return lambda words: answer


def longer_than(n: int):
    """A predicate: there are more than n words."""
    return lambda words: len(words) > n


def counts(word: str):
    """A predicate that gives a number: how often the word comes."""
    return lambda words: words.count(word)


def answers(explanation, contexts: list[list[str]]) -> list[bool]:
    """What an explanation says of each context, as truth values."""
    said = [explanation(list(words)) for words in contexts]
    if all(answer is None for answer in said):
        raise TypeError("explain_my_feature gave None for every example: is a `return` missing?")
    return [bool(answer) for answer in said]


# ===== part 6 ends =====
