"""What the graders of this chapter run next to the learner's code: models and recorders, no solutions.

The graders' own side imports it too, so that both sides are treated alike.
"""

import itertools

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from dojo.planted import mystery_heads
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


# --- repeated_tokens ---


def drawn_rows(repeated_tokens, seed: int, *args, **kwargs):
    """What the function returns with a generator that starts from the seed, told in a way that is the same for every draw.

    Returns:
        {"first": each token replaced by the first position of its row at which it stands, "bos": where bos stands}, both
        [batch, pos]; or the answer itself where it is no tensor with two axes.
    """
    tokens = repeated_tokens(*args, generator=torch.Generator().manual_seed(seed), **kwargs)
    if not isinstance(tokens, Tensor) or tokens.ndim != 2:
        return tokens
    first = (tokens[:, :, None] == tokens[:, None, :]).int().argmax(dim=-1)
    return {"first": first.to(tokens.dtype), "bos": tokens == kwargs.get("bos", 0)}


def token_statistics(repeated_tokens, seed: int, n_rows: int, period: int, d_vocab: int, bos: int) -> dict:
    """How often things happen in rows of one long period, against how often they would if draws were even and independent.

    0 is never, 0.5 too seldom (less than 0.8 times as often), 1 is right, 2 too often (1.25 times and more): a right draw
    gives 1, and the same slip gives the same numbers on every draw.

    Returns:
        "bos": whether it stands anywhere but at the beginning; "tokens": how often each token comes, [d_vocab] or longer;
        "neighbours": how often two equal ones stand next to each other; "rows": how often a row has the same token as the
        row before it at the same position.
    """
    generator = torch.Generator().manual_seed(seed)
    tokens = repeated_tokens([period] * n_rows, period + 1, d_vocab, bos=bos, generator=generator)[:, 1:]
    shares = {
        "tokens": torch.bincount(tokens.flatten(), minlength=d_vocab) / tokens.numel(),
        "neighbours": (tokens[:, 1:] == tokens[:, :-1]).float().mean(),
        "rows": (tokens[1:] == tokens[:-1]).float().mean(),
    }
    borders, names = torch.tensor([0.02, 0.8, 1.25]), torch.tensor([0.0, 0.5, 1.0, 2.0])
    found = {name: names[torch.bucketize(share * (d_vocab - 1), borders)] for name, share in shares.items()}
    return {"bos": bool((tokens == bos).any())} | found


def drawn_again(repeated_tokens, seed: int) -> dict[str, bool]:
    """Which draws come out the same, of long rows that two draws of their own never share."""

    def draw(generator: torch.Generator | None) -> Tensor:
        return repeated_tokens([9, 12], 25, 1000, generator=generator)

    def fresh(seed: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    kept = fresh(seed)
    once, again = draw(kept), draw(kept)
    torch.manual_seed(seed)
    default, default_again = draw(None), draw(None)
    torch.manual_seed(seed)
    return {
        "the same seed": torch.equal(draw(fresh(seed)), once),
        "another seed": torch.equal(draw(fresh(seed + 1)), once),
        "one generator, used twice": torch.equal(once, again),
        "generator=None, twice": torch.equal(default, default_again),
        "generator=None, torch's own with the same seed": torch.equal(draw(None), default),
    }


# --- qk_circuit, ov_circuit, copying_score ---


def matrix_of(circuit, model: nn.Module, layer: int, head: int):
    """The matrix that a circuit function's answer stands for, however it is split; the answer itself if it is neither."""
    answer = circuit(model, layer, head)
    if hasattr(answer, "left") and hasattr(answer, "right"):
        answer = answer.left @ answer.right
    return answer.detach() if isinstance(answer, Tensor) else answer


class TooLarge(BaseException):
    """A tensor was made that is larger than allowed. No Exception, so that no `except Exception` swallows it."""


class SmallTensorsOnly(TorchFunctionMode):
    """Raises as soon as a function of torch returns a tensor of more than `limit` entries."""

    def __init__(self, limit: int):
        super().__init__()
        self.limit = limit

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.numel() > self.limit:
            raise TooLarge
        return result


def makes_a_tensor_above(limit: int, function, *args) -> bool:
    """Whether function(*args) makes a tensor of more than `limit` entries on its way; it is stopped there."""
    try:
        with SmallTensorsOnly(limit):
            function(*args)
    except TooLarge:
        return True
    return False


# --- train_induction_model ---


class Recorder:
    """An `on_step` that keeps what it is given, and a copy of the weights as they are then."""

    def __init__(self):
        self.steps, self.losses, self.weights, self.models = [], [], [], []

    def __call__(self, step, loss, model) -> None:
        self.steps.append(step)
        self.losses.append(loss.detach() if isinstance(loss, Tensor) else loss)
        self.models.append(model)
        self.weights.append({name: value.detach().clone() for name, value in model.state_dict().items()})

    def moved(self, name: str, unit: float, row: int | None = None) -> list[float]:
        """By how many units the (median) entry of a weight, or of one row of it, changed from each call to the next."""
        values = [weights[name] if row is None else weights[name][row] for weights in self.weights]
        return [float((after - before).abs().median()) / unit for before, after in itertools.pairwise(values)]

    def unmoved(self) -> list[str]:
        """Names of the weights that are at the last call exactly what they were at the first; those of MLPs left out."""
        first, last = self.weights[0], self.weights[-1]
        return [name for name in first if ".mlp." not in name and ".ln2." not in name and first[name].equal(last[name])]

    def saw_only(self, model: nn.Module) -> bool:
        """Whether every call was given this very model."""
        return all(each is model for each in self.models)


def trained(train, sizes: dict, batches: list[Tensor], seed: int, on_step=None, *, once: bool = True, **options):
    """train(...) from a given state of torch's random numbers; `once`: its batches can be gone through only once."""
    torch.default_generator.manual_seed(seed)
    if on_step is not None:
        options["on_step"] = on_step
    return train(Config(**sizes), iter(batches) if once else batches, **options)


# --- name_the_heads ---


def mystery(name: str) -> Transformer:
    """The closing investigation's model, drawn from a learner's name."""
    return mystery_heads(name)
