"""What the graders of this chapter run next to the learner's code: recorders and small models, no solutions.

The graders' own side imports it too, so that both sides are treated alike.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# --- layers and models: LayerNorm to Transformer ---


def gradients(module: nn.Module, probe: Tensor, x: Tensor) -> tuple[Tensor | None, dict[str, Tensor | None]]:
    """Gradients of sum(module(x) * probe): to x (None where x is not float), and to each parameter by its name."""
    x = x.detach().clone()
    if x.is_floating_point():
        x.requires_grad_()
    module.zero_grad(set_to_none=True)
    loss = (module(x) * probe).sum()
    if loss.requires_grad:
        loss.backward()
    return x.grad, {name: parameter.grad for name, parameter in module.named_parameters()}


def activations(module: nn.Module, x: Tensor, names: list[str]) -> dict[str, list[Tensor]]:
    """Every tensor that came out of the submodules of these names, by the name; those that are not there are left out."""
    seen: dict[str, list[Tensor]] = {}

    def keep(name):
        return lambda submodule, args, output: seen[name].append(output.detach().clone())

    handles = []
    for name, submodule in module.named_modules():
        if name in names:
            seen[name] = []
            handles.append(submodule.register_forward_hook(keep(name)))
    try:
        module(x)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def times_called(module: nn.Module, x: Tensor, names: list[str]) -> dict[str, int]:
    """How often module(x) calls its own hook points of these names; those that it does not have are left out."""
    there = [name for name, child in module.named_children() if name in names]
    return {name: len(outputs) for name, outputs in activations(module, x, there).items()}


def with_doubled(module: nn.Module, x: Tensor, name: str) -> Tensor:
    """module(x), while whatever passes through its submodule of that name comes out doubled."""
    handle = module.get_submodule(name).register_forward_hook(lambda submodule, args, output: 2 * output)
    try:
        return module(x)
    finally:
        handle.remove()


# --- load_gpt2_weights ---


def bare_transformer(config, seed: int) -> nn.Module:
    """A module with the parameters of a `Transformer` of these sizes, by their names, filled from the seed; no forward."""
    generator = torch.Generator().manual_seed(seed)

    def holder(**shapes) -> nn.Module:
        module = nn.Module()
        for name, shape in shapes.items():
            setattr(module, name, nn.Parameter(torch.randn(shape, generator=generator)))
        return module

    c = config
    model = holder(W_E=(c.d_vocab, c.d_model), W_pos=(c.n_ctx, c.d_model), W_U=(c.d_model, c.d_vocab))
    model.config = model.cfg = config
    model.blocks = nn.ModuleList()
    for _ in range(c.n_layers):
        block = nn.Module()
        block.ln1 = holder(weight=c.d_model, bias=c.d_model)
        block.attn = holder(
            **{f"W_{name}": (c.n_heads, c.d_model, c.d_head) for name in "QKV"},
            **{f"b_{name}": (c.n_heads, c.d_head) for name in "QKV"},
            W_O=(c.n_heads, c.d_head, c.d_model),
            b_O=c.d_model,
        )
        block.ln2 = holder(weight=c.d_model, bias=c.d_model)
        block.mlp = holder(
            W_in=(c.d_model, c.d_mlp), b_in=c.d_mlp, W_out=(c.d_mlp, c.d_model), b_out=c.d_model
        )  # fmt: skip
        model.blocks.append(block)
    model.ln_final = holder(weight=c.d_model, bias=c.d_model)
    return model


def load_then_clear(load, model: nn.Module, state_dict: dict[str, Tensor]) -> None:
    """Load from a copy of the state dict and set that copy to zero afterwards: a model that shares it goes to zero too."""
    state_dict = {name: value.clone() for name, value in state_dict.items()}
    load(model, state_dict)
    for value in state_dict.values():
        value.zero_()


def parameters_replaced(load, model: nn.Module, state_dict: dict[str, Tensor]) -> list[str]:
    """Names of the parameters that are other objects after loading: an optimizer would still hold the old ones."""
    before = dict(model.named_parameters())
    load(model, state_dict)
    return [name for name, p in model.named_parameters() if p is not before.get(name)]


def untrainable(model: nn.Module) -> list[str]:
    """Names of the parameters that an optimizer could not train any more."""
    return [name for name, p in model.named_parameters() if not (p.requires_grad and p.is_leaf)]


# --- train_step ---


class Bigram(nn.Module):
    """Logits for the next token looked up by the token alone."""

    def __init__(self, table: Tensor):
        super().__init__()
        self.table = nn.Parameter(table.clone())

    def forward(self, tokens: Tensor) -> Tensor:
        return self.table[tokens]


class Averager(nn.Module):
    """Logits for the next token from the mean of the vectors of the tokens so far."""

    def __init__(self, vectors: Tensor, out: Tensor):
        super().__init__()
        self.vectors, self.out = nn.Parameter(vectors.clone()), nn.Parameter(out.clone())

    def forward(self, tokens: Tensor) -> Tensor:
        count = torch.arange(1, tokens.shape[1] + 1)[:, None]
        return self.vectors[tokens].cumsum(dim=1) / count @ self.out


def optimizer(name: str, model: nn.Module, **options) -> torch.optim.Optimizer:
    """torch.optim's optimizer of that name over the model's parameters; `steps_taken` counts its steps."""
    made = getattr(torch.optim, name)(model.parameters(), **options)
    made.steps_taken = 0

    def count(optimizer, args, kwargs):
        optimizer.steps_taken += 1

    made.register_step_post_hook(count)
    return made


def set_gradients(model: nn.Module, value: float) -> None:
    """Leave gradients behind, as an earlier backward pass would."""
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, value)


# --- generate ---


class CountingNorm(nn.Module):
    """torch's layer norm, which counts the vectors that it is given and whether a graph was recorded for any of them."""

    def __init__(self, weight: Tensor, bias: Tensor, eps: float):
        super().__init__()
        self.weight, self.bias, self.eps = nn.Parameter(weight), nn.Parameter(bias), eps
        self.vectors, self.recorded_a_graph = 0, False

    def forward(self, x: Tensor) -> Tensor:
        self.vectors += x.shape[:-1].numel()
        self.recorded_a_graph |= x.requires_grad
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


class CountingMLP(nn.Module):
    def __init__(self, weights: nn.Module):
        super().__init__()
        self.W_in, self.b_in, self.W_out, self.b_out = weights.W_in, weights.b_in, weights.W_out, weights.b_out
        self.vectors = 0

    def forward(self, x: Tensor) -> Tensor:
        self.vectors += x.shape[:-1].numel()
        return F.gelu(x @ self.W_in + self.b_in, approximate="tanh") @ self.W_out + self.b_out


class CountingTransformer(nn.Module):
    """A `Transformer` made of torch's own functions, which counts how many positions it is run on."""

    def __init__(self, config, seed: int):
        super().__init__()
        weights = bare_transformer(config, seed)
        self.config, self.cfg = config, config
        self.W_E, self.W_pos, self.W_U = weights.W_E, weights.W_pos, weights.W_U
        self.blocks = weights.blocks
        for block in self.blocks:
            block.ln1, block.ln2 = (CountingNorm(ln.weight, ln.bias, config.ln_eps) for ln in (block.ln1, block.ln2))
            block.mlp = CountingMLP(block.mlp)
        self.ln_final = CountingNorm(weights.ln_final.weight, weights.ln_final.bias, config.ln_eps)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                # Sizes at which every token and every part of the model shows in the logits.
                if name.endswith("weight"):
                    parameter.mul_(0.3).add_(1.0)
                else:
                    parameter.mul_(
                        0.2 if ".b_" in name or "bias" in name else 0.5 if name.startswith("blocks") else 1.0
                    )

    def positions_run(self) -> int:
        """How many token positions (over the whole batch) the busiest layer was run on so far."""
        return max(max(block.ln1.vectors, block.ln2.vectors, block.mlp.vectors) for block in self.blocks)

    def recorded_a_graph(self) -> bool:
        return any(block.ln1.recorded_a_graph for block in self.blocks)

    def forward(self, tokens: Tensor) -> Tensor:
        resid = self.W_E[tokens] + self.W_pos[: tokens.shape[1]]
        for block in self.blocks:
            x, attn = block.ln1(resid)[:, None], block.attn  # [batch, 1, pos, d_model]
            q, k, v = x @ attn.W_Q, x @ attn.W_K, x @ attn.W_V  # [batch, head, pos, d_head]
            q, k, v = q + attn.b_Q[:, None], k + attn.b_K[:, None], v + attn.b_V[:, None]
            z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            resid = resid + (z @ attn.W_O).sum(dim=1) + attn.b_O
            resid = resid + block.mlp(block.ln2(resid))
        return self.ln_final(resid) @ self.W_U


def gradients_are_on() -> bool:
    """Whether graphs are recorded now. Switches them on again, for the tests that come after."""
    on = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    return on


# --- run_with_cache, run_with_hooks ---


class TowerLayer(nn.Module):
    """A layer that is hard on those who keep its activations: it changes one in place and overwrites another next time."""

    def __init__(self, hook_point: type, d_model: int, generator: torch.Generator):
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(d_model, d_model, generator=generator) / d_model**0.5)
        self.hook_in, self.hook_mid, self.hook_out = hook_point(), hook_point(), hook_point()
        self.workspace = torch.zeros(0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.hook_in(x)
        mid = self.hook_mid(x @ self.matrix)
        mid.mul_(0.5).add_(1.0)
        result = mid.tanh() + x
        if self.workspace.shape != result.shape or self.workspace.is_inference() != result.is_inference():
            self.workspace = torch.zeros_like(result)
        self.workspace = self.workspace.detach()
        self.workspace.copy_(result)
        return self.hook_out(self.workspace)


class Tower(nn.Module):
    """A small model with hook points at three depths of nesting. `broken` makes it raise half way through."""

    def __init__(self, hook_point: type, d_vocab: int, d_model: int, n_layers: int, seed: int):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.vectors = nn.Parameter(torch.randn(d_vocab, d_model, generator=generator))
        self.hook_embed = hook_point()
        self.layers = nn.ModuleList(TowerLayer(hook_point, d_model, generator) for _ in range(n_layers))
        self.out = nn.Parameter(torch.randn(d_model, d_vocab, generator=generator))
        self.broken = False
        self.seen_by_others = 0
        for name, module in self.named_modules():
            if isinstance(module, hook_point):
                module.label = name

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.hook_embed(self.vectors[tokens])
        for layer in self.layers:
            x = layer(x)
            if self.broken:
                raise RuntimeError("The model broke down half way, as this test wants it to.")
        return x @ self.out


class NamedPoint(nn.Module):
    """h(x + 1) * 2, with a hook point whose name tells nothing and a module that is no hook point but is called like one."""

    def __init__(self, hook_point: type):
        super().__init__()
        self.h, self.hook_like = hook_point(), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.hook_like(self.h(x + 1) * 2)


def hooks_left(model: nn.Module) -> dict[str, int]:
    """How many forward hooks each module has now; those without one are left out. "" is the model itself."""
    everywhere = torch.nn.modules.module
    counts = {name: len(m._forward_hooks) + len(m._forward_pre_hooks) for name, m in model.named_modules()}
    counts["every module"] = len(everywhere._global_forward_hooks) + len(everywhere._global_forward_pre_hooks)
    return {name: count for name, count in counts.items() if count}


def hook_of_somebody_else(model: nn.Module, name: str) -> None:
    """A forward hook that stays: `model.seen_by_others` counts how often it ran."""

    def count(module, args, output):
        model.seen_by_others += 1

    model.get_submodule(name).register_forward_hook(count)


def cache_then_run(run_with_cache, model: nn.Module, tokens: Tensor, others: Tensor, names):
    """What run_with_cache kept of the first tokens, looked at after the model has run on others of the same shape."""
    cache = run_with_cache(model, tokens, names)[1]
    model(others)
    return cache


class Labels:
    """A hook function that changes nothing and keeps the names of the hook points that it was called with."""

    def __init__(self):
        self.seen: list[str] = []

    def __call__(self, activation, hook) -> None:
        self.seen.append(hook.label)


def explode(activation, hook) -> None:
    raise RuntimeError("The hook function broke down, as this test wants it to.")
