"""ablate_heads: on a model whose every weight counts, against weights set to zero and a forward pass written out here.

The oracle computes attention with torch's own functions and puts other values in the place of z; it uses no hooks.
"""

import pytest
import torch
import torch.nn.functional as F

import solutions.induction_heads as ref
from dojo.grading import compare, mistake, raises
from dojo.transformer import run_with_cache, run_with_hooks, token_log_probs
from graders.induction_heads import kit as ours

SIZES = {"d_vocab": 11, "d_model": 8, "n_ctx": 13, "n_layers": 3, "n_heads": 4, "d_head": 5, "d_mlp": 6}
MODES = ["zero", "mean", "resample"]
ONE, SAME_LAYER, SEVERAL = [(1, 2)], [(0, 3), (0, 1)], [(2, 0), (0, 1), (1, 3), (0, 2)]


def _forward(model, tokens, changed=None):
    """Logits and every head's z, as {(layer, head): [batch, pos, d_head]}; `changed` are put in the place of some z."""
    found, changed = {}, changed or {}
    resid = model.W_E[tokens] + model.W_pos[: tokens.shape[1]]
    for layer, block in enumerate(model.blocks):
        attn, ln1, ln2, mlp = block.attn, block.ln1, block.ln2, block.mlp
        x = F.layer_norm(resid, resid.shape[-1:], ln1.weight, ln1.bias, ln1.eps)
        for head in range(len(attn.W_Q)):
            q, k, v = (
                x @ W[head] + b[head] for W, b in ((attn.W_Q, attn.b_Q), (attn.W_K, attn.b_K), (attn.W_V, attn.b_V))
            )
            z = found[layer, head] = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            resid = resid + changed.get((layer, head), z) @ attn.W_O[head]
        resid = resid + attn.b_O
        x = F.layer_norm(resid, resid.shape[-1:], ln2.weight, ln2.bias, ln2.eps)
        resid = resid + F.gelu(x @ mlp.W_in + mlp.b_in, approximate="tanh") @ mlp.W_out + mlp.b_out
    ln = model.ln_final
    return F.layer_norm(resid, resid.shape[-1:], ln.weight, ln.bias, ln.eps) @ model.W_U, found


def _loss(logits, tokens):
    losses = F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")
    return float(losses[:, losses.shape[1] // 2 :].mean())


def _by_hand(model, tokens, heads, mode):
    with torch.no_grad():
        logits, z = _forward(model, tokens)
        changed = {}
        for head in heads:
            rows = [z[head][b] for b in range(len(tokens))]
            changed[head] = {
                "zero": lambda rows: torch.stack([0 * row for row in rows]),
                "mean": lambda rows: torch.stack([sum(rows) / len(rows)] * len(rows)),
                "resample": lambda rows: torch.stack([rows[-1], *rows[:-1]]),
            }[mode](rows)
        return _loss(_forward(model, tokens, changed)[0], tokens) - _loss(logits, tokens)


def _model(rand):
    return ours.random_transformer(rand.seed, **SIZES)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_ablated(submission, kit, rand, mode):
    """With an empty list of heads the answer is 0."""
    model, tokens = kit.random_transformer(rand.seed, **SIZES), rand.integers(11, 3, 9)
    compare(submission.ablate_heads(model, tokens, [], mode), 0.0, what="the rise of the loss")


def test_zero_is_a_head_that_writes_nothing(submission, kit, rand):
    """Zero ablation is the same as setting the head's W_O to 0; the loss is that of the later half of the predictions."""
    tokens, model = rand.integers(11, 3, 10), _model(rand)
    with torch.no_grad():
        before = _loss(model(tokens), tokens)
        for layer, head in SEVERAL:
            model.blocks[layer].attn.W_O[head] = 0
        expected = _loss(model(tokens), tokens) - before
    rise = submission.ablate_heads(kit.random_transformer(rand.seed, **SIZES), tokens, SEVERAL, "zero")
    compare(rise, expected, what="the rise of the loss")


@pytest.mark.parametrize("heads", [ONE, SAME_LAYER, SEVERAL], ids=["one", "same_layer", "several"])
@pytest.mark.parametrize("mode", MODES)
def test_the_rise_of_the_loss(submission, kit, rand, mode, heads):
    """The heads are ablated at once, each by what it did in the run without any ablation; the loss is held against that run."""
    n_pos = {"zero": 12, "mean": 9, "resample": 8}[
        mode
    ]  # the later half of an odd number of predictions, and of an even one
    tokens = rand.integers(11, 5, n_pos)
    rise = submission.ablate_heads(kit.random_transformer(rand.seed, **SIZES), tokens, heads, mode)
    what = f"the rise of the loss for the heads {heads}, mode '{mode}',"
    compare(rise, _by_hand(_model(rand), tokens, heads, mode), what=what)


@pytest.mark.parametrize("mode", ["mean", "resample"])
def test_a_single_row(submission, kit, rand, mode):
    """In a batch of one row, the mean and the other row are the row itself: nothing changes."""
    model, tokens = kit.random_transformer(rand.seed, **SIZES), rand.integers(11, 1, 9)
    compare(submission.ablate_heads(model, tokens, SAME_LAYER, mode), 0.0, what="the rise of the loss")


def test_all_heads(submission, kit, rand):
    """With every head ablated to zero, attention adds nothing but its b_O."""
    heads = [(layer, head) for layer in range(3) for head in range(4)]
    tokens = rand.integers(11, 4, 9)
    rise = submission.ablate_heads(kit.random_transformer(rand.seed, **SIZES), tokens, heads, "zero")
    compare(rise, _by_hand(_model(rand), tokens, heads, "zero"), what="the rise of the loss")


@pytest.mark.parametrize("mode", MODES)
def test_the_model_is_left_as_it_was(submission, kit, rand, mode):
    """Afterwards no hook is left on the model, and it gives its own logits again."""
    model, tokens = kit.random_transformer(rand.seed, **SIZES), rand.integers(11, 3, 9)
    submission.ablate_heads(model, tokens, SEVERAL, mode)
    left, logits = kit.hooks_left(model), model(tokens)
    compare(left, {}, what="the dict of hooks on the model after a call")
    compare(logits, _model(rand)(tokens).detach(), what="the model's result afterwards", axes="batch pos d_vocab")


@pytest.mark.parametrize("mode", ["median", "Zero", ""])
def test_another_mode(submission, kit, rand, mode):
    """Another mode raises a ValueError."""
    model, tokens = kit.random_transformer(rand.seed, **SIZES), rand.integers(11, 2, 7)
    with raises("ValueError"):
        submission.ablate_heads(model, tokens, ONE, mode)


def _modes(mode):
    if mode not in MODES:
        raise ValueError(f"{mode!r} is none of the modes.")


def _name(layer):
    return f"blocks.{layer}.attn.hook_z"


def _new(clean, mode):
    """What replaces z [batch, pos, d_head]."""
    _modes(mode)
    return {"zero": 0 * clean, "mean": clean.mean(dim=0), "resample": clean.roll(1, dims=0)}[mode]


def _ablate(model, tokens, heads, mode, new=_new, cache=None, loss=ref.second_half_loss):
    """The reference with what goes into it left open."""
    _modes(mode)
    logits, clean = run_with_cache(model, tokens, [_name(layer) for layer in range(len(model.blocks))])
    cache = cache or clean

    def replace(layer, head):
        def hook(z, hook):
            z = z.clone()
            z[:, :, head] = new(cache[_name(layer)][:, :, head], mode)
            return z

        return hook

    hooks = [(_name(layer), replace(layer, head)) for layer, head in heads]
    return loss(run_with_hooks(model, tokens, hooks), tokens) - loss(logits, tokens)


@mistake("Your mean runs over batch and positions: take it over the batch alone, one mean for each position.")
def mean_over_positions_too(model, tokens, heads, mode):
    return _ablate(model, tokens, heads, mode, lambda z, mode: z.mean(dim=(0, 1)) if mode == "mean" else _new(z, mode))


@mistake("Your mean runs over everything, d_head too, and becomes one number: take it over the batch alone, dim=0.")
def mean_over_everything(model, tokens, heads, mode):
    return _ablate(model, tokens, heads, mode, lambda z, mode: z.mean() if mode == "mean" else _new(z, mode))


@mistake("Your mean runs over the positions of each row: take it over the batch, for each position on its own.")
def mean_over_positions_only(model, tokens, heads, mode):
    return _ablate(
        model, tokens, heads, mode, lambda z, mode: z.mean(dim=1, keepdim=True) if mode == "mean" else _new(z, mode)
    )


@mistake("You take the mean over all heads of the layer: each head has a mean of its own.")
def mean_over_heads(model, tokens, heads, mode):
    _modes(mode)
    if mode != "mean":
        return ref.ablate_heads(model, tokens, heads, mode)
    logits, cache = run_with_cache(model, tokens, [_name(layer) for layer in range(len(model.blocks))])

    def replace(layer, head):
        def hook(z, hook):
            z = z.clone()
            z[:, :, head] = cache[_name(layer)].mean(dim=(0, 2))
            return z

        return hook

    ablated = run_with_hooks(model, tokens, [(_name(layer), replace(layer, head)) for layer, head in heads])
    return ref.second_half_loss(ablated, tokens) - ref.second_half_loss(logits, tokens)


@mistake("You subtract the mean from z. Ablation puts the mean in its place.")
def subtracts_the_mean(model, tokens, heads, mode):
    return _ablate(model, tokens, heads, mode, lambda z, mode: z - z.mean(dim=0) if mode == "mean" else _new(z, mode))


@mistake("Row b gets what row b + 1 had: it should get row b - 1's, that is roll by +1.")
def rolls_the_wrong_way(model, tokens, heads, mode):
    return _ablate(
        model, tokens, heads, mode, lambda z, mode: z.roll(-1, dims=0) if mode == "resample" else _new(z, mode)
    )


@mistake("You roll along the positions: resampling takes the same position of another row, so roll along the batch.")
def rolls_positions(model, tokens, heads, mode):
    return _ablate(
        model, tokens, heads, mode, lambda z, mode: z.roll(1, dims=1) if mode == "resample" else _new(z, mode)
    )


@mistake("You resample from a random permutation: this exercise wants row b - 1 for row b, so that it can be repeated.")
def resamples_at_random(model, tokens, heads, mode):
    order = torch.randperm(len(tokens), generator=torch.Generator().manual_seed(0))
    return _ablate(model, tokens, heads, mode, lambda z, mode: z[order] if mode == "resample" else _new(z, mode))


@mistake(
    "Means and other rows come from a run in which the earlier heads were ablated already. Take them all from one run "
    "without any ablation."
)
def from_the_ablated_run(model, tokens, heads, mode):
    _modes(mode)

    def replace(head):
        def hook(z, hook):
            new = z.clone()
            new[:, :, head] = _new(z[:, :, head], mode)
            return new

        return hook

    hooks = [(_name(layer), replace(head)) for layer, head in heads]
    clean = ref.second_half_loss(model(tokens), tokens)
    return ref.second_half_loss(run_with_hooks(model, tokens, hooks), tokens) - clean


@mistake("You ablate the heads one at a time and add the rises up: ablate them all in one run.")
def one_at_a_time(model, tokens, heads, mode):
    _modes(mode)
    return sum(ref.ablate_heads(model, tokens, [head], mode) for head in heads)


@mistake("Only the last head in the list is ablated.")
def only_the_last(model, tokens, heads, mode):
    return ref.ablate_heads(model, tokens, heads[-1:], mode)


@mistake(
    "Where two heads of one layer are listed, the second hook undoes the first: it starts from the clean z. Change the z "
    "that the hook is given."
)
def second_hook_undoes_the_first(model, tokens, heads, mode):
    _modes(mode)
    logits, cache = run_with_cache(model, tokens)

    def replace(layer, head):
        def hook(z, hook):
            z = cache[_name(layer)].clone()
            z[:, :, head] = _new(z[:, :, head], mode)
            return z

        return hook

    ablated = run_with_hooks(model, tokens, [(_name(layer), replace(layer, head)) for layer, head in heads])
    return ref.second_half_loss(ablated, tokens) - ref.second_half_loss(logits, tokens)


@mistake("Your hooks become a dict by layer, so that of several heads in one layer only the last is ablated.")
def one_head_a_layer(model, tokens, heads, mode):
    return ref.ablate_heads(model, tokens, list(dict(heads).items()), mode)


@mistake("You ablate the whole layer: index the head axis, z[:, :, head].")
def whole_layers(model, tokens, heads, mode):
    every = [(layer, head) for layer in sorted({layer for layer, _ in heads}) for head in range(4)]
    return ref.ablate_heads(model, tokens, every, mode)


@mistake("z is [batch, pos, head, d_head]: z[:, head] is a position. The head is the third index, z[:, :, head].")
def a_position_for_a_head(model, tokens, heads, mode):
    _modes(mode)
    logits, cache = run_with_cache(model, tokens)

    def replace(layer, head):
        def hook(z, hook):
            z = z.clone()
            z[:, head] = _new(cache[_name(layer)][:, head], mode)
            return z

        return hook

    ablated = run_with_hooks(model, tokens, [(_name(layer), replace(layer, head)) for layer, head in heads])
    return ref.second_half_loss(ablated, tokens) - ref.second_half_loss(logits, tokens)


@mistake("You replace what the heads have at the last position only: ablate at every position.")
def last_position_only(model, tokens, heads, mode):
    def new(z, mode):
        changed = z.clone()
        changed[:, -1] = _new(z, mode).expand_as(z)[:, -1]
        return changed

    return _ablate(model, tokens, heads, mode, new)


@mistake("(layer, head) stand the other way round in your code: the first number is the layer.")
def head_before_layer(model, tokens, heads, mode):
    n_layers, n_heads = len(model.blocks), len(model.blocks[0].attn.W_Q)
    return ref.ablate_heads(model, tokens, [(head % n_layers, layer % n_heads) for layer, head in heads], mode)


@mistake("Your loss is that of the whole sequence: only the later half of the predictions counts (`second_half_loss`).")
def loss_of_everything(model, tokens, heads, mode):
    return _ablate(
        model, tokens, heads, mode, loss=lambda logits, tokens: -token_log_probs(logits, tokens).mean().item()
    )


@mistake("Your loss is that of the first half: on a repeated sequence nothing can be predicted there.")
def loss_of_the_first_half(model, tokens, heads, mode):
    def loss(logits, tokens):
        log_probs = token_log_probs(logits, tokens)
        return -log_probs[:, : log_probs.shape[1] // 2].mean().item()

    return _ablate(model, tokens, heads, mode, loss=loss)


@mistake("The sign is the wrong way round: the loss WITH the ablation minus the loss without.")
def sign(model, tokens, heads, mode):
    return -ref.ablate_heads(model, tokens, heads, mode)


@mistake("You return the loss with the ablation: subtract the loss without it.")
def the_loss_itself(model, tokens, heads, mode):
    return _ablate(model, tokens, heads, mode) + ref.second_half_loss(model(tokens), tokens)


@mistake("You return the ratio of the two losses: what is asked for is the difference, in nats.")
def ratio(model, tokens, heads, mode):
    clean = ref.second_half_loss(model(tokens), tokens)
    return (_ablate(model, tokens, heads, mode) + clean) / clean


@mistake("Your hooks stay on the model: use run_with_hooks, which removes them, or remove them in a `finally`.")
def leaves_its_hooks(model, tokens, heads, mode):
    rise = ref.ablate_heads(model, tokens, heads, mode)
    clean = {name: z.clone() for name, z in run_with_cache(model, tokens)[1].items() if name.endswith("hook_z")}
    for layer, head in heads:

        def hook(module, args, z, layer=layer, head=head):
            z = z.clone()
            z[:, :, head] = _new(clean[_name(layer)][:, :, head], mode)
            return z

        model.blocks[layer].attn.hook_z.register_forward_hook(hook)
    return rise


@mistake("You set W_O of the model to 0 and leave it so: the model is damaged for whoever uses it next.")
def changes_the_weights(model, tokens, heads, mode):
    rise = ref.ablate_heads(model, tokens, heads, mode)
    with torch.no_grad():
        for layer, head in heads:
            model.blocks[layer].attn.W_O[head] = 0
    return rise


@mistake("A mode that does not exist is taken for one of the three: raise a ValueError.")
def takes_any_mode(model, tokens, heads, mode):
    return ref.ablate_heads(model, tokens, heads, mode if mode in MODES else "resample")


@mistake("Every mode does what 'zero' does.")
def always_zero(model, tokens, heads, mode):
    _modes(mode)
    return ref.ablate_heads(model, tokens, heads, "zero")
